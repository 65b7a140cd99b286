import { cutToMinor, formatFixed } from '../../domain/money';
import type { Game } from './catalogue';
import { totalsOf, type Script, type Shape } from './engine';
import { moneyLookOf, moneyText, type MoneyLook } from './money-look';
import { noticeOf, type Notice } from './notice';
import type { Operation, Round } from './operation';
import type { Session } from './session-book';

/** What the page and the headless driver see of a session. Amounts are decimal text. */
export interface SpinView {
  readonly game: { readonly id: number; readonly title: string };
  readonly currency: string;
  readonly money: MoneyLook;
  readonly demo: boolean;
  /** As the casino said last; null when it said nothing one can show. */
  readonly balance: string | null;
  readonly stakes: readonly string[];
  /** A round is under way: no other can begin. */
  readonly busy: boolean;
  readonly round: RoundView | null;
}

export interface RoundView {
  readonly round_id: string;
  readonly state: 'playing' | 'finished' | 'refused';
  /** The three below stay null until the first stake is taken: nothing spins on money nobody has. */
  readonly shape: Shape | null;
  /** Those whose stake was taken. */
  readonly spins: readonly SpinShown[] | null;
  readonly stake: string | null;
  /** Known to the player once every stake of the round is settled. */
  readonly win: string | null;
  /** Why the spin did not happen, or is not over, in plain words. */
  readonly notice: Notice | null;
}

interface SpinShown {
  readonly stake: string;
  readonly reels: readonly (readonly string[])[];
  readonly won: string;
  readonly wins: readonly {
    readonly line: number;
    readonly symbol: string;
    readonly won: string;
  }[];
}

/**
 * The stakes on offer, in minor units: from a tenth of a unit where there are tenths, else from ten. Each
 * is a multiple of ten, so that pays in tenths of a stake are whole coins.
 */
export function stakesOf(exponent: number): readonly bigint[] {
  // Coins with many decimals are dear: their games start at a ten-thousandth, or at ten of their smallest.
  const places = exponent > 3 ? exponent - 4 : exponent - 1;
  const smallest = 10n ** BigInt(Math.max(places, 1));
  return [1n, 2n, 5n, 10n, 20n, 50n].map((factor) => factor * smallest);
}

/** Puts a session and its last round into words. */
export function viewOf(
  session: Session,
  game: Game,
  round: Round | undefined,
  operations: readonly Operation[],
): SpinView {
  return {
    game: { id: game.id, title: game.title },
    currency: session.currency,
    money: moneyLookOf(session.currency),
    demo: session.demo,
    balance: balanceText(session),
    stakes: stakesOf(session.exponent).map((stake) => formatFixed(stake, session.exponent)),
    busy: round?.state === 'playing',
    round: round ? roundView(session, round, operations) : null,
  };
}

function balanceText({ demo, balance, exponent }: Session): string | null {
  const minor = demo ? BigInt(balance) : cutToMinor(balance, exponent);
  return minor === undefined ? null : formatFixed(minor, exponent);
}

function roundView(session: Session, round: Round, operations: readonly Operation[]): RoundView {
  const taken = operations.filter((o) => o.kind === 'credit' && o.status === 'accepted');
  const revealed = session.demo || taken.length > 0;
  const stakesAreSettled = round.script.steps
    .map((step, index) => ({ step, operation: operations[index] }))
    .every(
      ({ step, operation }) =>
        step.kind === 'debit' || (operation !== undefined && operation.status !== 'unanswered'),
    );
  const money = (minor: bigint) => formatFixed(minor, session.exponent);
  const totals = totalsOf(round.script.steps);
  const stake = session.demo ? totals.stake : taken.reduce((sum, o) => sum + o.amount, 0n);
  const shown = session.demo ? round.script.spins.length : taken.length;
  return {
    round_id: String(round.roundId),
    state: round.state,
    shape: revealed ? round.script.shape : null,
    spins: revealed ? spinsShown(round.script, shown, money) : null,
    stake: revealed ? money(stake) : null,
    win: session.demo || (revealed && stakesAreSettled) ? money(totals.win) : null,
    notice: noticeOf(operations, (minor) => moneyText(minor, session)),
  };
}

// Stakes are asked for one after the other, and none behind a refused one: those taken are the first ones.
function spinsShown(
  { spins }: Script,
  taken: number,
  money: (minor: bigint) => string,
): readonly SpinShown[] {
  return spins.slice(0, taken).map(({ stake, reels, wins }) => ({
    stake: money(stake),
    reels,
    won: money(wins.reduce((sum, { amount }) => sum + amount, 0n)),
    wins: wins.map(({ line, symbol, amount }) => ({ line, symbol, won: money(amount) })),
  }));
}
