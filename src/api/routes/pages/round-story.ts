import type { ShownBet, ShownCall, ShownOperation, ShownRound } from '../../../db/show-round';
import { currencyOf } from '../../../domain/currency';
import { cutToMinor, EXPONENT_MAX, formatFixed, parseAmount } from '../../../domain/money';
import { assert } from '../../../lib/assert';

/** How something stands; always told in words as well. */
export type Mood = 'good' | 'bad' | 'warn' | 'plain';

/** A round told to its player; amounts with all the currency's decimals. */
export interface RoundStory {
  readonly title: string;
  readonly product: string;
  readonly roundRef: string;
  readonly currency: string;
  readonly state: { readonly text: string; readonly mood: Mood };
  readonly startedAt: string;
  /** Who closed it, and when it began to close; null while it is open. */
  readonly closed: { readonly at: string | null; readonly by: string } | null;
  readonly verdict: { readonly label: string; readonly amount: string; readonly mood: Mood };
  readonly sums: readonly { readonly name: string; readonly amount: string }[];
  readonly events: readonly StoryEvent[];
  /** What we still owe of this round, a sentence each; money first. */
  readonly owed: readonly string[];
}

export interface StoryEvent {
  readonly what: 'Stake' | 'Win' | 'Stake given back';
  /** Null while it has not happened yet. */
  readonly at: string | null;
  /** With a sign when it moved money. */
  readonly amount: string;
  readonly state: string;
  readonly mood: Mood;
  /** What the state means for the player's money, where the word alone does not say it. */
  readonly meaning: string | null;
  /** The balance the game was told after it; null while there is none. */
  readonly balance: string | null;
  readonly betId: string | null;
  /** The operation behind it; null for what we did ourselves. */
  readonly operation: ShownOperation | null;
}

const STATES: Readonly<Record<string, RoundStory['state']>> = {
  open: { text: 'Open', mood: 'plain' },
  closing: { text: 'Closing', mood: 'warn' },
  closed: { text: 'Closed', mood: 'good' },
};

const CLOSERS: Readonly<Record<string, string>> = {
  provider: 'the game',
  next_stake: 'us, because the next round began',
  session_end: 'us, because the session ended',
  idle: 'us, because nothing happened any more',
};

type Told = Pick<StoryEvent, 'state' | 'mood' | 'meaning'> & {
  /** What it has moved so far: -1 from the player, 1 to the player, 0 nothing. */
  readonly moved: -1n | 0n | 1n;
};

const NOT_PAID = 'It was refused and is not paid.';

const PAYOUTS: Readonly<Record<string, Told>> = {
  waiting: {
    state: 'waits for its stake',
    mood: 'warn',
    meaning: "It is paid as soon as the casino's wallet has told that it took the stake.",
    moved: 0n,
  },
  held: {
    state: 'held for a check',
    mood: 'warn',
    meaning:
      'It is larger than what is paid without a look. It is written down until a person decides.',
    moved: 0n,
  },
  owed: {
    state: 'under way',
    mood: 'warn',
    meaning: "The casino's wallet has not confirmed it yet. It is paid for certain.",
    moved: 0n,
  },
  paid: { state: 'paid', mood: 'good', meaning: null, moved: 1n },
  nothing: { state: 'done', mood: 'plain', meaning: 'There was nothing to pay.', moved: 0n },
  void: { state: 'refused', mood: 'bad', meaning: NOT_PAID, moved: 0n },
};

const REFUSED: Told = {
  state: 'refused',
  mood: 'bad',
  meaning: 'No money was taken.',
  moved: 0n,
};

/** Tells the book's view of a round as its player reads it. */
export function roundStoryOf(shown: ShownRound): RoundStory {
  const { round } = shown;
  const money = moneyTextOf(round.currency);
  const told = shown.operations.map((operation) => ({
    operation,
    minor: money.minorOf(operation.amount),
    ...toldOf(operation, shown),
  }));
  const events = [
    ...told.map(({ operation, minor, moved, ...rest }): StoryEvent => ({
      what: operation.kind === 'stake' ? 'Stake' : 'Win',
      at: operation.created_at,
      amount: moved === 0n ? money.text(minor) : money.signed(minor * moved),
      ...rest,
      balance: money.balance(operation.answer_balance),
      betId: operation.bet_id,
      operation,
    })),
    ...refundsOf(shown, money),
  ].sort((a, b) => (a.at ?? LAST).localeCompare(b.at ?? LAST));
  const owed = owedOf(shown, (text) => `${money.fixed(text)} ${round.currency}`);
  return {
    title: round.game,
    product: round.product,
    roundRef: round.round,
    currency: round.currency,
    state: STATES[round.status] ?? { text: round.status, mood: 'plain' },
    startedAt: round.created_at,
    closed:
      round.closed_by === null
        ? null
        : { at: round.closing_at, by: CLOSERS[round.closed_by] ?? round.closed_by },
    ...sumsOf(told, shown, money),
    events,
    owed,
  };
}

/** Sorts behind every time. */
const LAST = '~';

function toldOf(operation: ShownOperation, { bets, calls }: ShownRound): Told {
  if (operation.kind === 'payout') return PAYOUTS[operation.payout_state ?? 'void'] ?? REFUSED;
  const bet = bets.find(({ bet_id }) => bet_id === operation.bet_id);
  if (!bet) return REFUSED;
  if (bet.decision === 'confirmed') {
    return { state: 'taken', mood: 'good', meaning: null, moved: -1n };
  }
  if (bet.decision === 'open') {
    return {
      state: 'under way',
      mood: 'warn',
      meaning: "The casino's wallet has not told yet whether it took the stake.",
      moved: 0n,
    };
  }
  if (bet.outcome === 'done') {
    return {
      state: 'taken, but does not count',
      mood: 'warn',
      meaning: 'The wallet answered too late for the game. The stake is given back, below.',
      moved: 0n,
    };
  }
  if (!isAsked(bet, calls)) return REFUSED;
  return {
    state: 'does not count',
    mood: 'warn',
    meaning:
      "The casino's wallet has not told whether it took the stake. If it did, the stake is given back.",
    moved: 0n,
  };
}

/** Whether the wallet still has to tell if it took a stake. */
function isAsked({ bet_id }: ShownBet, calls: readonly ShownCall[]): boolean {
  return calls.some(
    (call) => call.bet_id === bet_id && call.verb === 'take' && call.status === 'open',
  );
}

/** Stakes that were taken, did not count, and go back (rule 4). */
function refundsOf({ bets, calls }: ShownRound, money: MoneyText): StoryEvent[] {
  return bets.filter(isRefund).map((bet) => {
    const call = calls.find(({ bet_id, verb }) => bet_id === bet.bet_id && verb === 'give');
    const done = call?.status === 'done';
    const minor = money.minorOf(bet.stake);
    return {
      what: 'Stake given back',
      at: done ? call.done_at : null,
      amount: money.text(minor),
      state: done ? 'done' : 'under way',
      mood: done ? 'good' : 'warn',
      meaning: done
        ? 'The stake and this cancel each other out.'
        : "The casino's wallet has not confirmed it yet. It is given back for certain.",
      balance: done ? money.balance(bet.balance) : null,
      betId: bet.bet_id,
      operation: null,
    };
  });
}

function isRefund({ form, decision, outcome }: ShownBet): boolean {
  return form === 'stake' && decision === 'failed' && outcome === 'done';
}

interface ToldMoney extends Told {
  readonly operation: ShownOperation;
  readonly minor: bigint;
}

function sumsOf(
  told: readonly ToldMoney[],
  { bets, calls }: ShownRound,
  money: MoneyText,
): Pick<RoundStory, 'verdict' | 'sums'> {
  const sum = (lines: readonly ToldMoney[]) => lines.reduce((all, { minor }) => all + minor, 0n);
  const staked = sum(told.filter(({ moved }) => moved === -1n));
  const won = sum(told.filter(({ moved }) => moved === 1n));
  const stateOf = ({ operation }: ToldMoney) => operation.payout_state ?? '';
  const owed = sum(told.filter((line) => ['owed', 'waiting', 'held'].includes(stateOf(line))));
  const refunds = bets.filter(isRefund);
  const isBack = ({ bet_id }: ShownBet) =>
    calls.some((call) => call.bet_id === bet_id && call.verb === 'give' && call.status === 'done');
  const total = (some: readonly ShownBet[]) =>
    some.reduce((all, { stake }) => all + money.minorOf(stake), 0n);
  const back = total(refunds.filter(isBack));
  const stillOwed = owed + total(refunds.filter((bet) => !isBack(bet)));
  const undecided = bets.some((bet) => bet.decision === 'open' || isAsked(bet, calls));
  const figures: [string, bigint, boolean][] = [
    ['Staked', staked, true],
    ['Won', won, true],
    ['Given back', back, back > 0n],
    ['Under way', stillOwed, stillOwed > 0n],
  ];
  return {
    verdict: verdictOf(won - staked, {
      played: staked > 0n || won > 0n ? 'played' : back > 0n ? 'given back' : 'nothing',
      settled: !undecided && stillOwed === 0n,
      money,
    }),
    sums: figures
      .filter(([, , shown]) => shown)
      .map(([name, minor]) => ({ name, amount: money.text(minor) })),
  };
}

const EVEN = {
  played: 'Stakes and wins are even',
  'given back': 'The stake was given back',
  nothing: 'No money was moved',
} as const;

function verdictOf(
  result: bigint,
  { played, settled, money }: { played: keyof typeof EVEN; settled: boolean; money: MoneyText },
): RoundStory['verdict'] {
  const amount = money.signed(result);
  if (!settled) return { label: 'So far; not settled yet', amount, mood: 'warn' };
  if (result > 0n) return { label: 'Won in this round', amount, mood: 'good' };
  if (result < 0n) return { label: 'Lost in this round', amount, mood: 'plain' };
  return { label: EVEN[played], amount, mood: 'plain' };
}

function owedOf(
  { operations, bets, calls }: ShownRound,
  money: (text: string) => string,
): string[] {
  const waiting = operations.flatMap(({ payout_state, amount }) => {
    if (payout_state === 'waiting') {
      return `The win of ${money(amount)}: it waits until the wallet has told whether it took the stake.`;
    }
    if (payout_state !== 'held') return [];
    return `The win of ${money(amount)}: it is larger than what is paid without a look; a person decides on it.`;
  });
  const open = calls.filter(({ status }) => status === 'open');
  const ofMoney = open.flatMap((call) => moneyOwed(call, bets, money) ?? []);
  const paper = open.flatMap(({ verb }) => PAPER[verb] ?? []);
  return [...new Set([...waiting, ...ofMoney, ...paper])];
}

function moneyOwed(
  { bet_id, verb }: ShownCall,
  bets: readonly ShownBet[],
  money: (text: string) => string,
): string | undefined {
  const bet = bets.find((one) => one.bet_id === bet_id);
  if (verb === 'take' && bet?.form === 'stake') {
    return `An answer about the stake of ${money(bet.stake)}: the casino's wallet is asked until it tells whether it took it.`;
  }
  if (verb !== 'give') return undefined;
  const what = bet && isRefund(bet) ? 'stake' : 'win';
  const amount = money((what === 'stake' ? bet?.stake : bet?.payout) ?? '0');
  return `The ${what} of ${amount}${what === 'stake' ? ', back' : ''}: it is sent to the casino's wallet until the wallet confirms it.`;
}

/** Owed to the casino, not to the player. */
const PAPER: Readonly<Record<string, string>> = {
  end: 'Telling the casino that the bet has ended; this moves no money.',
  report: "Writing the bet into the casino's history; this moves no money.",
};

/** Amounts of a currency, with all its decimals. */
export interface MoneyText {
  minorOf(text: string): bigint;
  text(minor: bigint): string;
  /** With `+` or the minus of print, which screen readers say. */
  signed(minor: bigint): string;
  /** An amount of the book. */
  fixed(text: string): string;
  /** A wallet may count in more decimals than the currency has; what is shown is cut, never rounded up. */
  balance(text: string | null): string | null;
}

export function moneyTextOf(currency: string): MoneyText {
  const exponent = currencyOf(currency)?.exponent ?? EXPONENT_MAX;
  const text = (minor: bigint) => formatFixed(minor, exponent);

  function minorOf(amount: string): bigint {
    const parsed = parseAmount(amount, exponent);
    assert(parsed.ok, 'the book prints amounts of its own currencies');
    return parsed.minor;
  }

  return {
    minorOf,
    text,
    signed: (minor) =>
      minor < 0n ? `\u2212${text(-minor)}` : `${minor > 0n ? '+' : ''}${text(minor)}`,
    fixed: (amount) => text(minorOf(amount)),
    balance(balance) {
      if (balance === null) return null;
      const minor = cutToMinor(balance, exponent);
      return minor === undefined ? balance : text(minor);
    },
  };
}
