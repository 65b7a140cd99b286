import type { Operation } from './operation';

/** What happened to the player's money when a round is not simply played, in plain words. */
export interface Notice {
  /** The casino's code; null while it has said nothing. */
  readonly code: number | null;
  /** `waiting` ends by itself; `refused` is over. */
  readonly kind: 'waiting' | 'refused';
  readonly title: string;
  readonly text: string;
}

/** What each refusal of a stake means to the player; `amount` as it is printed. */
const STAKE_REFUSALS: Record<number, { title: string; text: (amount: string) => string }> = {
  1: {
    title: 'The casino could not take your stake',
    // The casino may not know itself what became of the stake; what it took for a refused spin it gives back.
    text: (amount) =>
      `This spin does not count, and your ${amount} is yours: if the casino took it all the same, it gives it back. You can spin again.`,
  },
  2: {
    title: 'Your balance is too low for this stake',
    text: (amount) =>
      `There is not enough money in your account for a stake of ${amount}. Nothing was taken. Choose a lower stake, or add money at the casino.`,
  },
  4: {
    title: 'You cannot play at the moment',
    text: (amount) =>
      `The casino has blocked your account from playing. Your stake of ${amount} was not taken and your balance is as it was. Please ask the casino why.`,
  },
  5: {
    title: 'This round was already closed',
    text: (amount) => `Your stake of ${amount} was not taken. You can spin again.`,
  },
  11: {
    title: 'The casino does not know this player',
    text: (amount) =>
      `Your stake of ${amount} was not taken. Please open the game again from the casino.`,
  },
  14: {
    title: 'Your session has ended',
    text: (amount) =>
      `Your session has ended, so your stake of ${amount} was not taken. Your balance is safe at the casino; open the game again from there to play on.`,
  },
};

/**
 * Words for a round's trouble; null when there is none. A first attempt that still waits is no trouble.
 *
 * @param operations of one round, in the order of their steps
 * @param money prints minor units with their currency
 */
export function noticeOf(
  operations: readonly Operation[],
  money: (minor: bigint) => string,
): Notice | null {
  const last = operations.at(-1);
  if (last?.status === 'unanswered' && last.attempts > 1) return waiting(last, money);
  const refused = operations.find((operation) => operation.status === 'refused');
  if (!refused) return null;
  const amount = money(refused.amount);
  if (refused.kind === 'debit') {
    return {
      code: refused.code,
      kind: 'refused',
      title: 'The casino refused to book your win',
      text: `Your win of ${amount} is not in your balance. The game has it on record as round ${String(refused.roundId)}: please give that number to the casino's support.`,
    };
  }
  const { title, text } = STAKE_REFUSALS[refused.code ?? 1] ?? {
    title: `The casino refused your stake (code ${String(refused.code)})`,
    text: () => `Your stake of ${amount} was not taken.`,
  };
  const before = 'The spins before it count, and what they won is paid.';
  return {
    code: refused.code,
    kind: 'refused',
    title: refused.step > 0 ? 'Your bonus round ended early' : title,
    text: refused.step > 0 ? `${title}. ${text(amount)} ${before}` : text(amount),
  };
}

function waiting(operation: Operation, money: (minor: bigint) => string): Notice {
  const amount = money(operation.amount);
  const common = { code: operation.code, kind: 'waiting' } as const;
  if (operation.kind === 'credit') {
    return {
      ...common,
      title: 'Your spin is being checked',
      text: `The casino has not answered, so it is not known whether your stake of ${amount} was taken. Your spin is being checked: if the stake was taken, the spin counts; if not, your balance stays as it was. You need not do anything.`,
    };
  }
  if (operation.amount === 0n) {
    return {
      ...common,
      title: 'Your round is being closed',
      text: 'The casino has not answered yet. No money is waiting; you can play on as soon as it answers.',
    };
  }
  return {
    ...common,
    title: `You won ${amount}`,
    text: 'The casino has not answered yet, so your win is not in your balance. It is on record and will be paid as soon as the casino answers. You need not do anything.',
  };
}
