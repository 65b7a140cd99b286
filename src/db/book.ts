import { betId } from '../domain/bet-id';
import { decide, type Decision, type RoundEvent } from '../domain/round';
import type { RoundView } from '../contracts/round';
import { answerIn } from '../domain/round/draft';
import type { Answer } from '../domain/round/rows';
import { assert } from '../lib/assert';
import { stillBalance } from '../domain/round/still-balance';
import { keptPayload, otherCallsBetween, type AttemptEnd, type AttemptKey } from './attempts';
import { holdRound, type HeldRound } from './held-round';
import type { Db, Pool, PoolClient } from './pool';
import { lockAgain, lockRound, type RoundAsLeft, type RoundContext } from './round-rows';
import { pipelinedTransaction } from './transaction';
import { viewOf } from './round-view';

/** The book's side of one decision: what was decided, and the round as it now stands. */
export interface Entry<Event extends RoundEvent> {
  readonly result: Decision<Event>['result'];
  readonly view: RoundView;
  readonly context: RoundContext;
  /** The database's clock when the round was locked: every decision of every process uses this one. */
  readonly nowMs: number;
  /** How long ago that was, by the process's own clock; never less than it really is. */
  readonly elapsedMs: () => number;
  /** Whether the decision changed the round: then whoever drives it has to hear of the new view. */
  readonly changed: boolean;
  /** What the decision found wrong with a wallet, a line each. */
  readonly alarms: readonly string[];
  /** What it stored for providers; not to be told before the commit. */
  readonly answers: readonly StoredAnswer[];
}

interface StoredAnswer {
  readonly operationId: number;
  readonly answer: Answer;
}

/** Work that belongs into the same transaction as the decision, after it was sent and before the commit. */
export type Beside<Event extends RoundEvent> = (
  client: PoolClient,
  decision: Decision<Event>,
) => Promise<void>;

/** The book in one open transaction. A round is locked and read by its first decision, and written at the end. */
export interface OpenBook {
  /** For what comes before the round's first decision: nothing that is decided here is sent yet. */
  readonly client: PoolClient;
  decide<Event extends RoundEvent>(roundId: string, event: Event): Promise<Entry<Event>>;
  /**
   * Writes an attempt down that the round's latest decision let begin.
   *
   * @returns the bytes it sends: those of the call's first attempt; `payload` when this is the first
   */
  beginAttempt(roundId: string, key: AttemptKey, payload: string): Promise<string>;
  /** Writes down what an attempt came to, and when the call is tried next by the decision that heard of it. */
  endAttempt(roundId: string, key: AttemptKey, end: AttemptEnd): void;
}

/**
 * Rounds as the commits of one hand have left them, by number: its next decision on one reads no more of it than
 * whether it is still so. For as long as a hand is open: what operators set meanwhile holds from the next one on.
 */
export type RoundMemory = Map<string, RoundAsLeft>;

export interface Book {
  /**
   * Takes one decision on a round: locks it, reads it whole, decides, writes back what changed with its
   * journal line, commits. Nothing else may hold the transaction open.
   */
  decideOn<Event extends RoundEvent>(
    roundId: string,
    event: Event,
    beside?: Beside<Event>,
  ): Promise<Entry<Event>>;

  /** The same inside the caller's transaction. */
  decideIn<Event extends RoundEvent>(
    client: PoolClient,
    roundId: string,
    event: Event,
    beside?: Beside<Event>,
  ): Promise<Entry<Event>>;

  /** Several decisions on rounds in one transaction: all of them are committed, or none. */
  together<Result>(
    work: (open: OpenBook) => Promise<Result>,
    memory?: RoundMemory,
  ): Promise<Result>;

  readonly pool: Pool;
  readonly installation: string;
}

/**
 * @param installation the installation's id, part of every bet_id
 * @param timeScale multiplies the waits between background repeats; 1 but in fault tests
 * @param onAnswer told of each answer that was stored, when that is committed
 */
export function createBook(deps: {
  pool: Pool;
  installation: string;
  random?: () => number;
  timeScale?: number;
  onAnswer?: (operationId: number, answer: Answer) => void;
}): Book {
  const { pool, installation } = deps;
  const random = deps.random ?? Math.random;
  const timeScale = deps.timeScale ?? 1;

  function decideHere<Event extends RoundEvent>(
    { locked }: HeldRound,
    event: Event,
    balanceStood: boolean,
  ): Decision<Event> {
    const { context, nowMs, rows } = locked;
    return decide(rows, event, {
      terms: context.terms,
      nowMs,
      random: random(),
      breaker: context.breaker,
      timeScale,
      sessionEndsMs: context.sessionEndsMs,
      earlierRoundsOpen: locked.earlierRoundsOpen,
      balanceStood,
      ownBetIdOf: (transactionRef) =>
        betId({
          installation,
          connection: context.connectionId,
          kind: 'payout',
          playerId: context.playerId,
          roundRef: context.roundRef,
          transactionRef,
        }),
    });
  }

  /** A round that decisions of this transaction are about, and the next of them. */
  async function decideHeld<Event extends RoundEvent>(
    client: PoolClient,
    held: HeldRound,
    event: Event,
  ): Promise<{ entry: Entry<Event>; decision: Decision<Event> }> {
    const { context, nowMs, elapsedMs } = held.locked;
    const decision = decideHere(held, event, await balanceStands(client, event, held));
    const version = await held.note(decision);
    const entry: Entry<Event> = {
      result: decision.result,
      view: viewOf(decision.draft, version),
      context,
      nowMs,
      elapsedMs,
      changed: decision.facts.length > 0,
      alarms: decision.facts
        .filter((fact) => fact.kind === 'alarm')
        .map((fact) => `${fact.about}: call ${fact.call}, ${fact.text}`),
      answers: decision.facts
        .filter((fact) => fact.kind === 'answer')
        .map((fact) => ({ operationId: Number(fact.operation), answer: answerIn(fact) })),
    };
    return { entry, decision };
  }

  async function decideIn<Event extends RoundEvent>(
    client: PoolClient,
    roundId: string,
    event: Event,
    beside?: Beside<Event>,
  ): Promise<Entry<Event>> {
    const held = await lock(client, roundId);
    const { entry, decision } = await decideHeld(client, held, event);
    held.send();
    await beside?.(client, decision);
    return entry;
  }

  function tell(answers: readonly StoredAnswer[]): void {
    for (const { operationId, answer } of answers) deps.onAnswer?.(operationId, answer);
  }

  return {
    async decideOn(roundId, event, beside) {
      const entry = await pipelinedTransaction(pool, (client) =>
        decideIn(client, roundId, event, beside),
      );
      tell(entry.answers);
      return entry;
    },
    decideIn,
    async together(work, memory) {
      const answers: StoredAnswer[] = [];
      const { result, remember } = await pipelinedTransaction(pool, async (client) => {
        const { open, send, ...opened } = openBook(client, decideHeld, answers, memory);
        const done = await work(open);
        send();
        return { result: done, ...opened };
      });
      remember();
      tell(answers);
      return result;
    },
    pool,
    installation,
  };
}

type DecideHeld = <Event extends RoundEvent>(
  client: PoolClient,
  held: HeldRound,
  event: Event,
) => Promise<{ readonly entry: Entry<Event> }>;

function openBook(
  client: PoolClient,
  decideHeld: DecideHeld,
  answers: StoredAnswer[],
  memory: RoundMemory | undefined,
): { readonly open: OpenBook; send(): void; remember(): void } {
  const rounds = new Map<string, HeldRound>();
  const heldOf = (roundId: string) => {
    const held = rounds.get(roundId);
    assert(held, `round ${roundId} is decided upon here`);
    return held;
  };
  const open: OpenBook = {
    client,
    async decide(roundId, event) {
      const held = rounds.get(roundId) ?? (await lock(client, roundId, memory));
      rounds.set(roundId, held);
      const { entry } = await decideHeld(client, held, event);
      answers.push(...entry.answers);
      return entry;
    },
    async beginAttempt(roundId, key, payload) {
      const held = heldOf(roundId);
      if (key.attempt > 1) held.send();
      const bytes = key.attempt === 1 ? payload : await keptPayload(client, key);
      held.noteBegun(key, bytes);
      return bytes;
    },
    endAttempt: (roundId, key, end) => heldOf(roundId).noteEnded(key, end),
  };
  return {
    open,
    send: () => rounds.forEach((held) => held.send()),
    remember() {
      for (const [roundId, held] of rounds) {
        const left = held.left();
        if (left) memory?.set(roundId, left);
      }
    },
  };
}

async function lock(client: PoolClient, roundId: string, memory?: RoundMemory): Promise<HeldRound> {
  const left = memory?.get(roundId);
  // A decision changes the rows in place: when its transaction fails, they are nobody's.
  memory?.delete(roundId);
  const known = left && (await lockAgain(client, left));
  const locked = known ?? (await lockRound(client, roundId));
  assert(locked, `no round ${roundId}`);
  return holdRound(client, locked);
}

/** SPEC §5: a reply whose balance did not move though it had to, with no other call of the player between. */
async function balanceStands(
  client: PoolClient,
  event: RoundEvent,
  held: HeldRound,
): Promise<boolean> {
  if (event.type !== 'attempt_ended') return false;
  const { rows, context } = held.locked;
  const { terms, playerId } = context;
  const still = stillBalance(rows, event.call, event.outcome, terms.exponent);
  if (still === undefined) return false;
  // What was begun in this very transaction is one of the others.
  held.send();
  return !(await otherCallsBetween(client, playerId, still));
}

/** Whether a bet of this id belongs to the partner. */
export async function findBet(db: Db, partnerId: number, betIdText: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'SELECT 1 FROM bets b JOIN rounds r ON r.id = b.round_id WHERE b.id = $1 AND r.partner_id = $2',
    [betIdText, partnerId],
  );
  return rowCount === 1;
}
