import { sleep } from '../../src/lib/clock';
import { authorizationBody, methodOf, moneyBody, send, type ProviderReply } from './provider-call';
import { bookOf, createRecords, type Entry, type ProviderBook } from './provider-book';
import { scriptRound, type RoundScript, type Step } from './provider-rounds';
import { createRandom } from './random';
import { decimalOf } from './wallet-book';

export type { ProviderBook, ProviderOperation } from './provider-book';

export interface ChaosPlayer {
  /** The number the provider knows the player by. */
  readonly id: string;
  readonly token: string;
  /** The prefix of the player's partner. */
  readonly partner: string;
  /** One round at a time is played of each. */
  readonly gameIds: readonly string[];
}

export interface ChaosProviderOptions {
  readonly seed: number;
  /** Where a call goes: `http://host:port`, asked anew for each call. */
  readonly apiUrl: () => string;
  readonly connectionKey: string;
  readonly apiKey: string;
  readonly players: readonly ChaosPlayer[];
  /** Its book as JSON lines: `{t, proc, type, op, key, amount, code, balance, external_session_id}`. */
  readonly bookFile: string;
  /** False: what is not answered is never sent again. */
  readonly repeats: boolean;
  /** Longer than the connection's answer deadline. */
  readonly callTimeoutMs?: number;
  /** Multiplies the waits between repeats. */
  readonly delayScale?: number;
  /** Code 1 answers to a stake after which it is taken for refused. */
  readonly giveUpAfter?: number;
  /** How long `settle` tries. */
  readonly settleMs?: number;
}

export interface ProviderStats {
  readonly rounds: number;
  readonly operations: number;
  readonly ok: number;
  readonly refused: number;
  readonly unanswered: number;
  readonly inFlight: number;
}

export interface ChaosProvider {
  /** Plays rounds, this many at once. */
  start(concurrency: number): void;
  /** Begins no round any more, and lets those under way come to the end of their present call. */
  stopNewRounds(): Promise<void>;
  /**
   * Repeats what was not answered until it is, asks once more for stakes that were given up in doubt, and
   * closes its open rounds, but for those that stay open by their script.
   */
  settle(): Promise<void>;
  book(): ProviderBook;
  stats(): ProviderStats;
}

interface Lane {
  readonly number: number;
  readonly player: ChaosPlayer;
  readonly game: string;
  played: number;
  /** The round before, when a payout of it is still to come. */
  left: Round | undefined;
}

interface Round {
  readonly lane: Lane;
  readonly script: RoundScript;
  readonly entries: Entry[];
  /** The provider has asked for the close: nothing new may come. */
  closeAsked: boolean;
}

const AFTER_REFUSAL_MS = 800;
/** The waits between repeats of one call; the last for ever. */
const DELAYS_MS = [150, 300, 700, 1_500, 2_500];

/**
 * A provider that plays by its document and by its seed: it keeps its own book, believes nothing but its
 * answers, and repeats with the same transaction what was not answered.
 */
export function createChaosProvider(options: ChaosProviderOptions): ChaosProvider {
  const { seed, apiKey, repeats, players } = options;
  const { callTimeoutMs = 6_000, delayScale = 1, giveUpAfter = 4, settleMs = 90_000 } = options;
  const records = createRecords(options.bookFile);
  const delays = createRandom(seed, 'provider delays');
  const lanes = lanesOf(players);
  const rounds: Round[] = [];
  const workers: Promise<void>[] = [];
  let phase: 'playing' | 'stopping' | 'settling' = 'playing';
  let settleEnds = Infinity;
  let inFlight = 0;

  const urlOf = (method: string) =>
    `${options.apiUrl()}/providers/${options.connectionKey}/${method}`;

  async function call(entry: Entry): Promise<ProviderReply> {
    const invokedAt = records.invoked(entry);
    inFlight += 1;
    const reply = await send(urlOf(methodOf(entry.kind)), entry.body, callTimeoutMs);
    inFlight -= 1;
    records.answered(entry, invokedAt, reply);
    return reply;
  }

  const mayGoOn = () =>
    phase === 'playing' || (phase === 'settling' && performance.now() < settleEnds);

  /** Calls until the answer is definite, as far as this provider goes. */
  async function drive(round: Round, entry: Entry, twice: boolean): Promise<void> {
    for (let turn = 0; ; turn += 1) {
      const stakeWasOpen = stakesOf(round).some(({ belief }) => belief === 'unknown');
      await Promise.all(twice && turn === 0 ? [call(entry), call(entry)] : [call(entry)]);
      // A payout that overtook its stake finds no round: it is asked for again once the stake is known.
      if (entry.kind === 'payout' && entry.code === 8 && stakeWasOpen) entry.belief = 'unknown';
      if (entry.belief !== 'unknown') return;
      if (!repeats) {
        if (entry.kind === 'stake' && !entry.doubtful) records.giveUp(entry);
        return;
      }
      const enough = giveUpAfter * (entry.doubtful ? 2 : 1);
      if (entry.kind === 'stake' && entry.failures >= enough && !isPaidOut(round)) {
        return records.giveUp(entry);
      }
      if (!mayGoOn()) return;
      const delay = DELAYS_MS[Math.min(turn, DELAYS_MS.length - 1)] ?? 0;
      await sleep(delay * delayScale * (0.7 + 0.6 * delays.next()));
      if (!mayGoOn()) return;
    }
  }

  function open(round: Round, step: Step): Entry {
    const { player, game, number } = round.lane;
    const { kind, transaction, amount, isClose, betAmount } = step;
    const name = { playerId: player.id, round: round.script.round, game, transaction };
    const entry: Entry = {
      ...name,
      key: `${kind}/${player.id}/${round.script.round}/${transaction}`,
      lane: number,
      kind,
      partner: player.partner,
      amount,
      isClose,
      body: bodyOf(round, step, amount),
      belief: 'unknown',
      code: null,
      balance: null,
      externalSessionId: null,
      calls: 0,
      unanswered: 0,
      failures: 0,
      gaveUp: false,
      doubtful: false,
      sticky: null,
      unstuck: false,
    };
    records.open(entry);
    round.entries.push(entry);
    round.closeAsked ||= isClose;
    return entry;

    function bodyOf({ lane }: Round, of: Step, minor: bigint): string {
      return moneyBody(
        {
          ...name,
          kind: of.kind,
          token: lane.player.token,
          isClose: of.isClose,
          amount: decimalOf(minor),
          betAmount: betAmount === null ? null : decimalOf(betAmount),
        },
        apiKey,
      );
    }
  }

  async function playStep(round: Round, step: Step): Promise<void> {
    const wasClosed = round.closeAsked;
    const entry = open(round, step);
    await drive(round, entry, step.twice && repeats);
    await judgePayout(round, entry, wasClosed);
  }

  /** A payout is the provider's word that its stake counts, and owed while the round is not closed by it. */
  async function judgePayout(round: Round, entry: Entry, wasClosed: boolean): Promise<void> {
    if (entry.kind !== 'payout') return;
    const stakes = stakesOf(round);
    const staked = isStaked(round);
    if (entry.belief === 'refused' && staked && !wasClosed) {
      records.violations.push(
        `${entry.key}: an owed payout was refused with ${String(entry.code)}`,
      );
    }
    if (entry.belief !== 'accepted' || staked || !repeats) return;
    for (const stake of stakes.filter(({ gaveUp }) => gaveUp)) {
      stake.belief = 'unknown';
      await drive(round, stake, false);
    }
    if (!stakes.some(({ belief }) => belief !== 'refused')) {
      records.violations.push(`${entry.key}: accepted in a round without an accepted stake`);
    }
  }

  async function playRound(lane: Lane): Promise<void> {
    const script = scriptRound(seed, lane.number, lane.played);
    lane.played += 1;
    const round: Round = { lane, script, entries: [], closeAsked: false };
    rounds.push(round);
    if (script.authorizes) await authorize(lane);
    const [first, second] = script.steps;
    if (first && second && script.payoutAfterMs !== null) {
      await Promise.all([
        playStep(round, first),
        sleep(script.payoutAfterMs).then(() => playStep(round, second)),
      ]);
    } else {
      for (const step of script.steps) {
        if (phase !== 'playing') break;
        await playStep(round, step);
        if (step === first && isStaked(round)) await payLate(lane);
        if (!isStaked(round)) break;
      }
    }
    if (phase === 'playing') await afterwards(round);
    lane.left = script.late === null ? undefined : round;
    // Whoever was refused waits a little before the next spin; a breaker that is open refuses at once.
    if (phase === 'playing' && !isStaked(round)) {
      await sleep(AFTER_REFUSAL_MS * delayScale * (0.5 + delays.next()));
    }
  }

  /** The win of the round before comes only now that the next one has closed it. */
  async function payLate(lane: Lane): Promise<void> {
    const { left } = lane;
    lane.left = undefined;
    if (!left?.script.late) return;
    if (isStaked(left)) await playStep(left, left.script.late);
  }

  async function afterwards(round: Round): Promise<void> {
    const { script } = round;
    const accepted = round.entries.filter(({ belief }) => belief === 'accepted');
    const last = accepted.at(-1);
    if (!last) return;
    // A late repeat of what was answered long ago: the stored answer, byte for byte.
    if (script.repeats && repeats) await Promise.all([call(last), call(accepted[0] ?? last)]);
    if (!script.conflicts) return;
    const step = script.steps.find(({ transaction }) => transaction === last.transaction);
    if (!step) return;
    const amount = decimalOf(last.amount + 1n);
    const other = last.body.replace(/"amount":[0-9.]+/, `"amount":${amount}`);
    inFlight += 1;
    const reply = await send(urlOf(methodOf(last.kind)), other, callTimeoutMs);
    inFlight -= 1;
    if (reply.kind === 'answer' && reply.code !== 1) {
      records.violations.push(`${last.key}: with another amount it was answered ${reply.text}`);
    }
  }

  async function authorize({ player, game }: Lane): Promise<void> {
    const body = authorizationBody({ playerId: player.id, game, token: player.token }, apiKey);
    const reply = await send(urlOf('Authorization'), body, callTimeoutMs);
    if (reply.kind === 'answer' && reply.code !== 0 && reply.code !== 1) {
      records.violations.push(`Authorization of ${player.id}: ${reply.text}`);
    }
  }

  async function work(free: Lane[]): Promise<void> {
    while (phase === 'playing') {
      const lane = free.shift();
      if (!lane) {
        await sleep(20);
        continue;
      }
      try {
        await playRound(lane);
      } finally {
        free.push(lane);
      }
    }
  }

  async function settleRound(round: Round): Promise<void> {
    if (repeats) {
      for (const entry of round.entries) {
        if (entry.belief === 'unknown') {
          entry.failures = 0;
          await drive(round, entry, false);
          await judgePayout(round, entry, true);
        }
      }
      for (const entry of round.entries) {
        const inDoubt = entry.gaveUp && entry.doubtful && entry.belief !== 'accepted';
        if (inDoubt || entry.unstuck) await askOnceMore(entry);
      }
    }
  }

  async function closeRound(round: Round): Promise<void> {
    if (!isStaked(round) || round.closeAsked || round.script.staysOpen) return;
    const transaction = (BigInt(round.entries[0]?.transaction ?? 1) + 900n).toString();
    await playStep(round, {
      kind: 'payout',
      transaction,
      amount: 0n,
      isClose: true,
      betAmount: null,
      twice: false,
    });
  }

  /** A stake that was given up although a call of it may have been taken: its last answer rules. */
  async function askOnceMore(entry: Entry): Promise<void> {
    while (performance.now() < settleEnds) {
      const reply = await call(entry);
      if (reply.kind === 'answer' && !entry.unstuck) return;
      await sleep(200 * delayScale);
    }
  }

  async function reask(count: number): Promise<readonly string[]> {
    const definite = records.entries.filter(({ sticky }) => sticky !== null);
    const before = new Set(bookOf(records, repeats).violations);
    const sample = createRandom(seed, 'asked again').shuffled(definite).slice(0, count);
    const silent: string[] = [];
    for (const entry of sample) {
      let reply = await call(entry);
      if (reply.kind === 'none') reply = await call(entry);
      if (reply.kind === 'none') silent.push(`${entry.key}: asked again, ${reply.why}`);
    }
    const { violations } = bookOf(records, repeats);
    return [...violations.filter((violation) => !before.has(violation)), ...silent];
  }

  return {
    start(concurrency) {
      const free = createRandom(seed, 'lanes').shuffled(lanes);
      for (let worker = 0; worker < concurrency; worker += 1) workers.push(work(free));
    },
    async stopNewRounds() {
      phase = 'stopping';
      await Promise.all(workers);
    },
    async settle() {
      phase = 'settling';
      settleEnds = performance.now() + settleMs;
      // Rounds of one lane in their order: the older are long closed by the newer.
      await Promise.all(
        lanes.map(async (lane) => {
          const own = rounds.filter((round) => round.lane === lane);
          for (const round of own) await settleRound(round);
          // The newer stake has closed the older rounds: only the last one is open.
          const last = own.findLast(isStaked);
          if (last) await closeRound(last);
        }),
      );
    },
    book: () => ({ ...bookOf(records, repeats), reask }),
    stats() {
      const count = (belief: Entry['belief']) =>
        records.entries.filter((entry) => entry.belief === belief).length;
      return {
        rounds: rounds.length,
        operations: records.entries.length,
        ok: count('accepted'),
        refused: count('refused'),
        unanswered: count('unknown'),
        inFlight,
      };
    },
  };
}

function stakesOf(round: Round): Entry[] {
  return round.entries.filter(({ kind }) => kind === 'stake');
}

function isStaked(round: Round): boolean {
  return stakesOf(round).some(({ belief }) => belief === 'accepted');
}

/**
 * A payout was accepted, and no stake yet: one of those still open must be its own, which cannot be taken
 * for refused any more. Beside an accepted stake any other may be refused for ever.
 */
function isPaidOut(round: Round): boolean {
  if (isStaked(round)) return false;
  return round.entries.some(({ kind, belief }) => kind === 'payout' && belief === 'accepted');
}

function lanesOf(players: readonly ChaosPlayer[]): Lane[] {
  const lanes: Lane[] = [];
  for (const player of players) {
    for (const game of player.gameIds) {
      lanes.push({ number: lanes.length, player, game, played: 0, left: undefined });
    }
  }
  return lanes;
}
