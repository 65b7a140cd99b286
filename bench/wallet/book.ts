import { decimalOf, minorOf, type Fields } from '../../test/chaos/wallet-book';

/** What a player starts with, in minor units: more than any run can lose. */
const OPENING_MINOR = 1_000_000_000n;

/** One call as the wallet carried it out. */
export interface WalletCall {
  readonly endpoint: string;
  readonly userAgent: string;
  /** On the machine's monotonic clock, which every process on it reads alike. */
  readonly arrivedNs: bigint;
  /** From the request's head to the reply's last byte handed over. */
  readonly tookMs: number;
}

/** Money moved, a player's sums in minor units. */
export interface PlayerSums {
  readonly taken: bigint;
  readonly given: bigint;
}

export interface SubjectBook {
  /** Carries a call out, or finds that it was; answers the reply. */
  carryOut(endpoint: string, body: Fields): { readonly status: number; readonly text: string };
  /** Bets that are ended and whose record says what was won. */
  finished(): number;
  /** How often a call came again after it was carried out. */
  repeats(): number;
  sums(): ReadonlyMap<string, PlayerSums>;
}

interface Bet {
  settled: bigint;
  isEnded: boolean;
  /** What its latest record says was won; null before the first. */
  reported: bigint | null;
  isFinished: boolean;
}

/**
 * One subject's accounts in the wallet: de-duplicated per (endpoint, bet id) before anything else, as
 * the partner document asks of a wallet. In memory: how the wallet keeps its book is not measured.
 */
export function createSubjectBook(): SubjectBook {
  const balances = new Map<string, bigint>();
  const sums = new Map<string, { taken: bigint; given: bigint }>();
  const replies = new Map<string, string>();
  const bets = new Map<string, Bet>();
  let finished = 0;
  let repeats = 0;

  const balanceText = (userAgent: string) =>
    `{"balance":${decimalOf(balances.get(userAgent) ?? OPENING_MINOR)},"tmp":0}`;

  function move(userAgent: string, taken: bigint, given: bigint): void {
    balances.set(userAgent, (balances.get(userAgent) ?? OPENING_MINOR) - taken + given);
    const sum = sums.get(userAgent) ?? { taken: 0n, given: 0n };
    sums.set(userAgent, { taken: sum.taken + taken, given: sum.given + given });
  }

  function betOf(id: string): Bet {
    const known = bets.get(id);
    if (known) return known;
    const bet = { settled: 0n, isEnded: false, reported: null, isFinished: false };
    bets.set(id, bet);
    return bet;
  }

  function lookAt(bet: Bet): void {
    if (bet.isFinished || !bet.isEnded || bet.reported !== bet.settled) return;
    bet.isFinished = true;
    finished += 1;
  }

  function report(body: Fields): void {
    const bet = betOf(String(body._id));
    bet.reported = minorOf(body.receive_balance) ?? null;
    lookAt(bet);
  }

  return {
    carryOut(endpoint, body) {
      const userAgent = String(body.user_agent);
      if (endpoint === 'balance') return { status: 200, text: balanceText(userAgent) };
      if (endpoint === 'history') {
        report(body);
        return { status: 200, text: '{}' };
      }
      const betId = String(body.bet_id);
      const known = replies.get(`${endpoint} ${betId}`);
      if (known !== undefined) {
        repeats += 1;
        return { status: 200, text: known };
      }
      const bet = betOf(betId);
      if (endpoint === 'bet') move(userAgent, minorOf(body.balance) ?? 0n, 0n);
      else if (endpoint === 'settle-bet') {
        bet.settled = minorOf(body.balance) ?? 0n;
        move(userAgent, 0n, bet.settled);
      } else if (endpoint === 'bet-end') {
        bet.isEnded = true;
        lookAt(bet);
      } else return { status: 404, text: '{"error":"Not Found"}' };
      const text = balanceText(userAgent);
      replies.set(`${endpoint} ${betId}`, text);
      return { status: 200, text };
    },
    finished: () => finished,
    repeats: () => repeats,
    sums: () => sums,
  };
}
