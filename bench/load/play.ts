import { Agent, request } from 'undici';
import { sleep } from '../../src/lib/clock';
import { moneyBody, type MoneyBody } from '../../test/chaos/provider-call';
import type { Random } from '../../test/chaos/random';
import { GAME, STAKE, WIN, type BenchPlayer } from '../accounts';
import type { Subject } from '../subject';

/** win: Credit, then Debit with close. lost: Credit with close. */
export type Shape = 'win' | 'lost';

/** One answered call, on the machine's monotonic clock. */
export interface AnsweredCall {
  readonly kind: 'stake' | 'payout';
  readonly userAgent: string;
  readonly sentNs: bigint;
  readonly answeredNs: bigint;
}

export interface PlayedRound {
  readonly playerId: string;
  readonly round: string;
  /** When its last answer arrived, on the wall clock. */
  readonly answeredAtMs: number;
}

export interface Played {
  readonly rounds: PlayedRound[];
  /** First calls only: a repeat is answered from what is stored. */
  readonly calls: AnsweredCall[];
  readonly duplicates: number;
  /** Calls sent again because there was no answer or code 1; their time counts from the first. */
  readonly retries: number;
  /** Stakes that were refused to the end: an overloaded subject may, and then owes nothing. */
  readonly refused: number;
  /** What went wrong, in words: a payout that was never accepted, a repeat answered otherwise. */
  readonly faults: string[];
}

/** Beyond 2^53, so that whoever parses with loss finds no round again. */
const FIRST_TRANSACTION = 9_007_199_254_740_993n;
const CALL_TIMEOUT_MS = 10_000;
/** Above any number of lanes: no call waits in the provider itself. */
const CONNECTIONS_MAX = 512;
/** A provider repeats what was not answered, or answered 1: this often, and this soon. */
const RETRIES_MAX = 20;
const RETRY_MS = 250;
const ACCEPTED = '{"code":0,';

/** The provider's side of one subject: plays rounds, repeats some calls, keeps its own book. */
export interface LoadDriver {
  /** Plays in `inFlight` lanes, a player each, until `goOn` says no; `pauseMs` lies between two rounds of a lane. */
  play(options: {
    shape: Shape;
    inFlight: number;
    pauseMs?: number;
    goOn: (begun: number) => boolean;
  }): Promise<Played>;
  /**
   * One call for each of many players, in lanes: a stake opens a round, a payout pays and closes the one that
   * is open. `rounds` are those whose call was accepted.
   */
  each(
    kind: 'stake' | 'payout',
    options: { players: readonly BenchPlayer[]; lanes: number },
  ): Promise<Played>;
  /** Accepted stakes and payouts so far by the player's name at the wallet, in minor units. */
  book(): ReadonlyMap<string, { readonly taken: bigint; readonly given: bigint }>;
  close(): Promise<void>;
}

export function createLoadDriver(
  subject: Subject,
  options: { duplicates: number; random: Random; firstRound?: number },
): LoadDriver {
  const { duplicates, random } = options;
  const dispatcher = new Agent({
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    keepAliveTimeout: 300_000,
  });
  const book = new Map<string, { taken: bigint; given: bigint }>();
  let numbers = options.firstRound ?? 0;
  let calls = 0;

  const nextUrl = () => subject.callbackUrls[calls++ % subject.callbackUrls.length] ?? '';

  /** One call, and sometimes its repeat; false when it was not accepted. */
  async function call(player: BenchPlayer, body: MoneyBody, played: Mutable): Promise<boolean> {
    const bytes = moneyBody(body, subject.apiKey);
    const { kind } = body;
    const sentNs = process.hrtime.bigint();
    const sendOnce = () =>
      post(dispatcher, nextUrl(), kind, bytes).catch((error: unknown) => String(error));
    let text = await sendOnce();
    for (let turn = 1; !text.startsWith(ACCEPTED) && turn <= RETRIES_MAX; turn++) {
      played.retries += 1;
      await sleep(RETRY_MS);
      text = await sendOnce();
    }
    const answeredNs = process.hrtime.bigint();
    if (!text.startsWith(ACCEPTED)) {
      if (kind === 'stake') played.refused += 1;
      else played.faults.push(`${kind} of round ${body.round}: ${text}`);
      return false;
    }
    played.calls.push({ kind, userAgent: player.userAgent, sentNs, answeredNs });
    const sums = book.get(player.userAgent) ?? { taken: 0n, given: 0n };
    const amount = minor(body.amount);
    book.set(player.userAgent, {
      taken: sums.taken + (kind === 'stake' ? amount : 0n),
      given: sums.given + (kind === 'payout' ? amount : 0n),
    });
    if (random.chance(duplicates)) {
      played.duplicates += 1;
      const again = await sendOnce();
      if (again !== text) played.faults.push(`repeated ${kind}: ${text} became ${again}`);
    }
    return true;
  }

  async function playRound(player: BenchPlayer, shape: Shape, played: Mutable): Promise<void> {
    const number = ++numbers;
    if (!(await call(player, bodyOf(player, number, 'stake', shape), played))) return;
    const payout = bodyOf(player, number, 'payout', shape);
    if (shape === 'win' && !(await call(player, payout, played))) return;
    played.rounds.push({
      playerId: player.id,
      round: String(number),
      answeredAtMs: Date.now(),
    });
  }

  const opened = new Map<string, number>();

  async function oneOf(player: BenchPlayer, kind: 'stake' | 'payout', played: Mutable) {
    const number = kind === 'stake' ? ++numbers : opened.get(player.id);
    if (number === undefined) return;
    if (!(await call(player, bodyOf(player, number, kind, 'win'), played))) return;
    if (kind === 'stake') opened.set(player.id, number);
    else opened.delete(player.id);
    const round = String(number);
    played.rounds.push({ playerId: player.id, round, answeredAtMs: Date.now() });
  }

  return {
    async play({ shape, inFlight, goOn, pauseMs = 0 }) {
      const played = nothingPlayed();
      let begun = 0;
      await Promise.all(
        subject.players.slice(0, inFlight).map(async (player) => {
          while (goOn(begun)) {
            begun += 1;
            await playRound(player, shape, played);
            // A subject that refuses everything must not be asked thousands of times a second.
            if (played.faults.length + played.refused > FAULTS_MAX) return;
            if (pauseMs > 0) await sleep(pauseMs);
          }
        }),
      );
      return played;
    },
    async each(kind, { players, lanes }) {
      const played = nothingPlayed();
      let next = 0;
      const lane = async () => {
        for (let player = players[next++]; player; player = players[next++]) {
          await oneOf(player, kind, played);
          if (played.faults.length + played.refused > FAULTS_MAX) return;
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return played;
    },
    book: () => book,
    close: () => dispatcher.close(),
  };
}

function nothingPlayed(): Mutable {
  return { rounds: [], calls: [], duplicates: 0, retries: 0, refused: 0, faults: [] };
}

async function post(
  dispatcher: Agent,
  url: string,
  kind: 'stake' | 'payout',
  bytes: string,
): Promise<string> {
  const reply = await request(`${url}/${kind === 'stake' ? 'Credit' : 'Debit'}`, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': 'application/json' },
    body: bytes,
    headersTimeout: CALL_TIMEOUT_MS,
    bodyTimeout: CALL_TIMEOUT_MS,
  });
  return reply.body.text();
}

/** The operations of a round by its number: whoever builds one again repeats it. */
function bodyOf(
  player: BenchPlayer,
  number: number,
  kind: 'stake' | 'payout',
  shape: Shape,
): MoneyBody {
  const step = kind === 'stake' ? 0n : 1n;
  return {
    kind,
    playerId: player.id,
    round: String(number),
    game: GAME,
    transaction: String(FIRST_TRANSACTION + 2n * BigInt(number) + step),
    token: player.token,
    isClose: (kind === 'payout') === (shape === 'win'),
    amount: kind === 'stake' ? STAKE : WIN,
    betAmount: kind === 'stake' ? null : STAKE,
  };
}

const FAULTS_MAX = 40;

const minor = (text: string) => BigInt(text.replace('.', ''));

interface Mutable extends Played {
  duplicates: number;
  retries: number;
  refused: number;
}
