import { assert } from '../../src/lib/assert';
import { formatAmount } from '../../src/domain/money';
import type { CallContent } from '../../src/domain/round/attempt';
import { nextOf } from '../../src/domain/round/next';
import type { RequestReply } from '../../src/domain/round/request-reply';
import { obligationId, parseObligationId, type Verb } from '../../src/domain/round/rows';
import type { RoundTerms } from '../../src/domain/round/terms';
import type { WalletOutcome } from '../../src/domain/wallet-outcome';
import { declined, done, notSent, playRound, unknown } from './played-round';

/** One thing that happens: its kind and two numbers that choose what it happens to, and how. */
export interface Happening {
  readonly kind: (typeof HAPPENINGS)[number];
  readonly which: number;
  readonly how: number;
}
export const HAPPENINGS = [
  'stake',
  'repeat stake',
  'other stake',
  'payout',
  'repeat payout',
  'begin',
  'end',
  'call',
  'answer',
  'answer unwritten',
  'deadline',
  'holder dies',
  'wait',
  'tick',
  'close',
  'previous closed',
  'breaker',
] as const;

const STAKES = [500n, 500n, 300n, 0n];
const PAYOUTS = [900n, 100n, 1n, 0n];
const BET_AMOUNTS = [500n, 300n, 777n, null];
const WAITS_MS = [1, 300, 2_000, 4_100, 4_500, 4_501, 5_000, 30_000, 60_001, 90_000, 3_600_000];

/** Every owed call, every timer and every holder takes a step or two; a loop takes all of them. */
const STEPS_TO_REST_MAX = 200;

/** A request that a process of the API holds until it is answered. */
interface Holder {
  readonly kind: 'stake' | 'payout';
  readonly ref: string;
  readonly untilMs: number;
}
interface Flight {
  readonly call: string;
  readonly attempt: number;
  readonly content: CallContent;
}
export interface Told {
  readonly kind: 'stake' | 'payout';
  readonly ref: string;
  readonly result: string;
}

/**
 * A wallet as honest as the partner document asks: one effect per endpoint and bet_id. It may act on a
 * call and lose the answer. A certified one looks for the bet_id first; another may decline for funds a
 * repeat of what it has taken.
 */
function createWallet(certified: boolean) {
  const effects = new Map<string, bigint>();
  const refused = new Set<string>();
  const delta = () => [...effects.values()].reduce((sum, change) => sum + change, 0n);

  function act(call: string, content: CallContent): WalletOutcome {
    if (refused.has(call)) return declined();
    if (!effects.has(call)) {
      const change =
        content.verb === 'take' ? -content.amount : content.verb === 'give' ? content.amount : 0n;
      effects.set(call, change);
    }
    const { verb } = content;
    const tells = verb === 'take' || verb === 'give';
    return tells ? done(formatAmount(10_000_000n + delta(), 2)) : done();
  }

  function decline(call: string, content: CallContent): WalletOutcome {
    if (certified && effects.has(call)) return act(call, content);
    // Nobody lacks the funds for a stake of 0.
    if (certified && content.verb === 'take' && content.amount === 0n) return act(call, content);
    if (certified && content.verb === 'take') refused.add(call);
    return declined();
  }
  return { act, decline, delta, effectOf: (call: string) => effects.get(call) };
}

const textOf = (content: CallContent) =>
  Object.values(content)
    .map((value) => String(value))
    .join(' ');

export type RandomRound = ReturnType<typeof createRandomRound>;

/** A round, its wallet, its provider and the processes between them, to which anything may happen. */
export function createRandomRound(terms: Partial<RoundTerms>) {
  const round = playRound(terms);
  const wallet = createWallet(terms.dedupBeforeFunds ?? false);
  const told: Told[] = [];
  const flights: Flight[] = [];
  const holders: Holder[] = [];
  /** Requests of processes that died: nobody has told the provider anything. */
  const abandoned: Holder[] = [];
  const sent = new Map<string, CallContent>();
  /** Calls of which some attempt may have reached the wallet. */
  const touched = new Map<string, number>();
  const stakes: { ref: string; amount: bigint }[] = [];
  const payouts: { ref: string; amount: bigint; betAmount: bigint | null; isClose: boolean }[] = [];

  const pick = <Item>(items: readonly Item[], which: number): Item | undefined =>
    items[which % Math.max(items.length, 1)];
  const openCalls = () =>
    round.rows.obligations.filter((row) => row.status === 'open').map(obligationId);

  function asked(kind: 'stake' | 'payout', ref: string, reply: RequestReply): void {
    if (reply.kind === 'wait') holders.push({ kind, ref, untilMs: reply.untilMs });
    else told.push({ kind, ref, result: reply.result });
  }

  function askStake(which: number, change = 0n): void {
    const stake = pick(stakes, which);
    if (stake) asked('stake', stake.ref, round.stake(stake.ref, stake.amount + change));
  }
  function askPayout(which: number): void {
    const payout = pick(payouts, which);
    if (payout) asked('payout', payout.ref, round.payout(payout.ref, payout.amount, payout));
  }

  function begin(call: string | undefined): Flight | undefined {
    if (call === undefined) return undefined;
    const key = parseObligationId(call);
    const drained = round.rows.obligations.some((row) => obligationId(row) === call && row.drained);
    const start = round.apply({
      type: 'attempt_starts',
      call,
      driver: drained ? 'drain' : 'round',
    });
    if (start.kind !== 'send' || !key) return undefined;
    const bet = round.rows.bets.find((row) => row.id === key.betId);
    if (key.verb === 'take' && bet?.form === 'stake' && !touched.get(call)) {
      const operation = round.rows.operations.find((row) => row.id === bet.operationId);
      assert(round.nowMs <= (operation?.deadlineMs ?? 0), 'a first attempt after its deadline');
    }
    // Money calls never change their content; a record's is frozen by its first attempt, in the book.
    const content = sent.get(call) ?? start.content;
    assert(
      key.verb === 'report' || textOf(content) === textOf(start.content),
      `other content in a repeat of ${call}`,
    );
    sent.set(call, content);
    touched.set(call, (touched.get(call) ?? 0) + 1);
    const flight = { call, attempt: start.attempt, content };
    flights.push(flight);
    return flight;
  }

  function end(flight: Flight | undefined, how: number): void {
    if (!flight) return;
    flights.splice(flights.indexOf(flight), 1);
    const { call, content, attempt } = flight;
    let outcome: WalletOutcome;
    switch (how % 6) {
      case 0:
      case 1:
        outcome = wallet.act(call, content);
        break;
      case 2:
        outcome = wallet.decline(call, content);
        break;
      case 3:
        wallet.act(call, content);
        outcome = unknown;
        break;
      case 4:
        outcome = unknown;
        break;
      default:
        outcome = notSent;
        touched.set(call, (touched.get(call) ?? 0) - 1);
    }
    round.apply({ type: 'attempt_ended', call, attempt, outcome });
  }

  function release(holder: Holder): void {
    holders.splice(holders.indexOf(holder), 1);
  }

  /** A process finds its stored answer; `written` is whether a byte of it reaches the provider. */
  function answer(which: number, written: boolean): void {
    const holder = pick(holders, which);
    const stored = holder && round.operation(holder.kind, holder.ref).answer;
    if (!holder || !stored) return;
    release(holder);
    if (written) told.push({ kind: holder.kind, ref: holder.ref, result: stored.result });
    else if (holder.kind === 'stake' && stored.result === 'accepted') round.unwritten(holder.ref);
  }

  function deadline(holder: Holder | undefined): void {
    if (!holder) return;
    release(holder);
    if (round.nowMs < holder.untilMs) round.wait(holder.untilMs - round.nowMs);
    const reply = round.deadline(holder.kind, holder.ref, holder.untilMs);
    assert(reply.kind === 'answer', 'a request at its deadline cannot wait');
    asked(holder.kind, holder.ref, reply);
  }

  function happen({ kind, which, how }: Happening): void {
    switch (kind) {
      case 'stake':
        stakes.push({ ref: `s${stakes.length}`, amount: pick(STAKES, how) ?? 0n });
        asked(
          'stake',
          `s${stakes.length - 1}`,
          round.stake(`s${stakes.length - 1}`, pick(STAKES, how) ?? 0n, {
            isClose: which % 7 === 0,
          }),
        );
        return;
      case 'repeat stake':
        return askStake(which);
      case 'other stake':
        return askStake(which, 1n);
      case 'payout':
        payouts.push({
          ref: `p${payouts.length}`,
          amount: pick(PAYOUTS, how) ?? 0n,
          betAmount: pick(BET_AMOUNTS, which) ?? null,
          isClose: which % 5 === 0,
        });
        return askPayout(payouts.length - 1);
      case 'repeat payout':
        return askPayout(which);
      case 'begin':
        return void begin(pick(openCalls(), which));
      case 'end':
        return end(pick(flights, which), how);
      case 'call':
        return end(begin(pick(openCalls(), which)), how);
      case 'answer':
        return answer(which, true);
      case 'answer unwritten':
        return answer(which, false);
      case 'deadline':
        return deadline(pick(holders, which));
      case 'holder dies': {
        const holder = pick(holders, which);
        if (!holder) return;
        release(holder);
        abandoned.push(holder);
        return;
      }
      case 'wait':
        return round.wait(pick(WAITS_MS, how) ?? 1);
      case 'tick':
        return void round.apply({ type: 'tick' });
      case 'close':
        return void round.apply({ type: 'close', by: how % 2 ? 'next_stake' : 'session_end' });
      case 'previous closed':
        return void round.apply({ type: 'previous_closed' });
      case 'breaker':
        return round.setBreaker(
          pick(['open', 'half_open', 'closed', 'closed'] as const, how) ?? 'closed',
        );
    }
  }

  /**
   * Lets everything come to its end as the worker, the sweep and the API would: each holder is answered
   * at its deadline, each owed call made until it is definite, each timer awaited.
   *
   * @param afterStep looks at the rows after each step
   */
  function driveToRest(afterStep: () => void): void {
    round.setBreaker('closed');
    for (const flight of [...flights]) end(flight, 0);
    for (let step = 0; step < STEPS_TO_REST_MAX; step++) {
      afterStep();
      const next = nextOf(round.draft);
      const holder = holders[0];
      if (holder) deadline(holder);
      else if (next.closesPrevious) round.apply({ type: 'previous_closed' });
      else if (openCalls().length > 0) {
        for (const call of openCalls()) end(begin(call), 0);
        round.wait(5_000); // longer than any worker that may have died
      } else if (next.atRest) return;
      else {
        assert(next.tickAtMs !== null, 'not at rest, and nothing will ever happen');
        round.tickAfter(Math.max(next.tickAtMs - round.nowMs, 0));
      }
    }
    throw new Error(`the round does not come to rest: ${JSON.stringify(nextOf(round.draft))}`);
  }

  /** The content that was sent of a bet's call. */
  const sentOf = (betId: string, verb: Verb, number = 1) =>
    sent.get(obligationId({ betId, verb, number }));
  const effectOf = (betId: string, verb: Verb) =>
    wallet.effectOf(obligationId({ betId, verb, number: 1 }));

  /** Whether a request for the stake was still to be answered at its time. */
  const isAwaited = (ref: string) =>
    [...holders, ...abandoned].some(
      (holder) => holder.kind === 'stake' && holder.ref === ref && round.nowMs <= holder.untilMs,
    );

  return { round, wallet, told, stakes, payouts, happen, isAwaited, driveToRest, sentOf, effectOf };
}
