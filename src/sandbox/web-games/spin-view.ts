import { cutToMinor, formatFixed } from '../../domain/money';
import type { Session } from './session-book';
import type { Game } from './catalogue';
import { totalsOf, type Shape } from './engine';
import type { Operation, Round } from './operation';

/** What the page and the headless driver see of a session. Amounts are decimal text. */
export interface SpinView {
  readonly game: { readonly id: number; readonly title: string };
  readonly currency: string;
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
  readonly reels: readonly (readonly string[])[] | null;
  readonly stake: string | null;
  /** Known to the player once every stake of the round is settled. */
  readonly win: string | null;
  /** Why the spin did not happen, or is not over, in plain words. */
  readonly notice: { readonly code: number | null; readonly text: string } | null;
}

const CHECKING = 'The casino is not answering. Your spin is being checked; please wait.';
const PAYING =
  'You won. The casino is not answering yet; your win will be paid as soon as it does.';
const CLOSING = 'The casino is not answering. Your round is being closed; please wait.';
const WIN_REFUSED = 'The casino refused to book this win. Please contact its support.';
const REFUSALS: Record<number, string> = {
  1: 'The casino could not take this stake. Please try again.',
  2: 'There is not enough money in your account for this stake.',
  4: 'Your account is blocked from playing. Please contact the casino.',
  5: 'This round was already closed. Please spin again.',
  11: 'The casino does not know this player. Please open the game again.',
  14: 'Your session has ended. Please open the game again.',
};

/** The stakes on offer, in minor units: from a tenth of a unit where there are tenths, else from ten. */
export function stakesOf(exponent: number): readonly bigint[] {
  // Coins with many decimals are dear: their games start at a ten-thousandth.
  const smallest =
    exponent > 3 ? 10n ** BigInt(exponent - 4) : 10n ** BigInt(Math.max(exponent - 1, 1));
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
  return {
    round_id: String(round.roundId),
    state: round.state,
    shape: revealed ? round.script.shape : null,
    reels: revealed ? round.script.reels : null,
    stake: revealed ? money(stake) : null,
    win: session.demo || (revealed && stakesAreSettled) ? money(totals.win) : null,
    notice: noticeOf(operations),
  };
}

function noticeOf(operations: readonly Operation[]): RoundView['notice'] {
  const last = operations.at(-1);
  if (last?.status === 'unanswered' && last.attempts > 1) {
    const text = last.kind === 'credit' ? CHECKING : last.amount > 0n ? PAYING : CLOSING;
    return { code: last.code, text };
  }
  const refused = operations.find((operation) => operation.status === 'refused');
  if (!refused) return null;
  if (refused.kind === 'debit') return { code: refused.code, text: WIN_REFUSED };
  return {
    code: refused.code,
    text:
      REFUSALS[refused.code ?? 1] ??
      `The casino refused this stake (code ${String(refused.code)}).`,
  };
}
