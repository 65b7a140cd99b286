import { createHash } from 'node:crypto';

/**
 * What a round may look like on the wire. The provider document leaves all of these open: a Debit "may
 * not be called", `is_close` may stand on either method, and a round may hold several of both.
 *
 *   loss_closed     Credit(close)
 *   loss_open       Credit                          and nothing ever again
 *   loss_debit      Credit, Debit 0 (close)
 *   win_closed      Credit, Debit (close)
 *   win_open        Credit, Debit                   and nothing ever again
 *   bonus           2-3 Credits and 1-4 Debits, the last one closes
 *   bonus_open      the same, never closed
 *   bonus_lost      2-3 Credits, the last one closes
 */
export const SHAPES = [
  'loss_closed',
  'loss_open',
  'loss_debit',
  'win_closed',
  'win_open',
  'bonus',
  'bonus_open',
  'bonus_lost',
] as const;

export type Shape = (typeof SHAPES)[number];

/** One call of a round. `of` is the index of the stake a win belongs to. Amounts are minor units. */
export type Step =
  | { readonly kind: 'credit'; readonly amount: bigint; readonly isClose: boolean }
  | {
      readonly kind: 'debit';
      readonly amount: bigint;
      readonly isClose: boolean;
      readonly of: number;
    };

export interface Script {
  readonly shape: Shape;
  readonly steps: readonly Step[];
  /** Three rows of three symbols. */
  readonly reels: readonly (readonly string[])[];
}

// Chances in thousandths. With the multipliers below about 95 % of all stakes come back.
const SHAPE_CHANCES: readonly (readonly [Shape, number])[] = [
  ['loss_closed', 260],
  ['loss_open', 170],
  ['loss_debit', 120],
  ['win_closed', 230],
  ['win_open', 110],
  ['bonus', 75],
  ['bonus_open', 25],
  ['bonus_lost', 10],
];

// Multipliers of the stake in tenths.
const WINS: readonly (readonly [number, number])[] = [
  [5, 25],
  [10, 20],
  [15, 15],
  [20, 18],
  [30, 10],
  [50, 7],
  [100, 4],
  [250, 1],
];
const BONUS_WINS: readonly (readonly [number, number])[] = [
  [5, 32],
  [10, 32],
  [20, 23],
  [30, 9],
  [40, 4],
];

type Draw = (below: number) => number;

/** A stream of numbers that depends on nothing but the seed: the same spin twice is the same round twice. */
export function createDraw(seed: string): Draw {
  let block = createHash('sha256').update(seed).digest();
  let at = 0;
  return (below) => {
    if (at + 4 > block.length) {
      block = createHash('sha256').update(block).digest();
      at = 0;
    }
    const word = block.readUInt32BE(at);
    at += 4;
    return Math.floor((word / 2 ** 32) * below);
  };
}

/**
 * Draws a round.
 *
 * @param seed names the spin, for instance `<session seed>/<number of the round>`
 * @param stake in minor units
 * @param symbols the game's own, the dearest first
 * @param forced a shape a test asks for; its amounts still come from the seed
 */
export function drawRound(
  seed: string,
  stake: bigint,
  symbols: readonly string[],
  forced?: Shape,
): Script {
  const draw = createDraw(seed);
  const drawn = weighted(draw, SHAPE_CHANCES);
  const shape = forced ?? drawn;
  return { shape, steps: stepsOf(shape, stake, draw), reels: reelsOf(shape, symbols, draw) };
}

function stepsOf(shape: Shape, stake: bigint, draw: Draw): Step[] {
  const credit = (amount: bigint, isClose: boolean): Step => ({ kind: 'credit', amount, isClose });
  const debit = (amount: bigint, isClose: boolean, of: number): Step => ({
    kind: 'debit',
    amount,
    isClose,
    of,
  });
  switch (shape) {
    case 'loss_closed':
      return [credit(stake, true)];
    case 'loss_open':
      return [credit(stake, false)];
    case 'loss_debit':
      return [credit(stake, false), debit(0n, true, 0)];
    case 'win_closed':
      return [credit(stake, false), debit(times(stake, weighted(draw, WINS)), true, 0)];
    case 'win_open':
      return [credit(stake, false), debit(times(stake, weighted(draw, WINS)), false, 0)];
    case 'bonus':
    case 'bonus_open':
    case 'bonus_lost': {
      const stakes = [stake, ...bonusStakes(stake, draw)];
      const wins = shape === 'bonus_lost' ? 0 : 1 + draw(4);
      const steps: Step[] = stakes.map((amount, i) =>
        credit(amount, shape === 'bonus_lost' && i === stakes.length - 1),
      );
      for (let win = 0; win < wins; win++) {
        const of = draw(stakes.length);
        const amount = times(stakes[of] ?? stake, weighted(draw, BONUS_WINS));
        const last = win === wins - 1;
        const step = debit(amount, last && shape === 'bonus', of);
        // A win may come as soon as its stake is in; the last call of all stays last, since it may close.
        if (last) steps.push(step);
        else steps.splice(between(draw, positionAfter(steps, of), steps.length), 0, step);
      }
      return steps;
    }
  }
}

function bonusStakes(stake: bigint, draw: Draw): bigint[] {
  return Array.from({ length: 1 + draw(2) }, () => stake * BigInt(1 + draw(2)));
}

function positionAfter(steps: readonly Step[], stakeIndex: number): number {
  let seen = -1;
  return steps.findIndex((step) => step.kind === 'credit' && ++seen === stakeIndex) + 1;
}

function between(draw: Draw, low: number, high: number): number {
  return low + draw(high - low + 1);
}

// The smallest coin is the least a win can be: a stake of one yen at half pays one.
function times(stake: bigint, tenths: number): bigint {
  const amount = (stake * BigInt(tenths)) / 10n;
  return amount > 0n ? amount : 1n;
}

function weighted<T>(draw: Draw, table: readonly (readonly [T, number])[]): T {
  const total = table.reduce((sum, [, weight]) => sum + weight, 0);
  let left = draw(total);
  for (const [value, weight] of table) {
    if (left < weight) return value;
    left -= weight;
  }
  throw new Error('a table of chances is empty');
}

function reelsOf(shape: Shape, symbols: readonly string[], draw: Draw): string[][] {
  const any = () => symbols[draw(symbols.length)] ?? 'star';
  const rows = [0, 1, 2].map(() => [any(), any(), any()]);
  const lucky = any();
  if (shape.startsWith('bonus')) return [rows[0] ?? [], ['bonus', 'bonus', 'bonus'], rows[2] ?? []];
  if (shape.startsWith('win')) return [rows[0] ?? [], [lucky, lucky, lucky], rows[2] ?? []];
  // A loss must not look like a win: the middle row never holds three alike.
  const other = symbols.find((symbol) => symbol !== lucky) ?? 'bonus';
  return [rows[0] ?? [], [lucky, other, rows[1]?.[2] ?? lucky], rows[2] ?? []];
}

/**
 * What is left of a round when one of its later stakes is refused: the wins of the stakes that were
 * taken are still paid, nothing more is staked, and a round that was to be closed still is.
 *
 * @param refused index of the refused step
 */
export function withoutRefusedStake(steps: readonly Step[], refused: number): Step[] {
  const taken = steps.slice(0, refused).filter((step) => step.kind === 'credit').length;
  const rest = steps
    .slice(refused + 1)
    .filter((step) => step.kind === 'debit' && step.of < taken)
    .map((step) => ({ ...step }));
  const closes = steps.some((step) => step.isClose);
  const kept: Step[] = [...steps.slice(0, refused + 1), ...rest];
  if (taken === 0 || !closes || rest.some((step) => step.isClose)) return kept;
  return [...kept, { kind: 'debit', amount: 0n, isClose: true, of: 0 }];
}

/** The stakes and wins of a script, in minor units. */
export function totalsOf(steps: readonly Step[]): { stake: bigint; win: bigint } {
  let stake = 0n;
  let win = 0n;
  for (const step of steps) {
    if (step.kind === 'credit') stake += step.amount;
    else win += step.amount;
  }
  return { stake, win };
}

/** The stake a Debit belongs to, which is sent as its `bet_amount`. */
export function stakeOf(steps: readonly Step[], of: number): bigint {
  return steps.filter((step) => step.kind === 'credit')[of]?.amount ?? 0n;
}

/** A script as JSON keeps it: amounts as text, since JSON has no integers of this size. */
export function scriptToJson(script: Script): string {
  return JSON.stringify(script, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** The inverse of `scriptToJson`, from the value PostgreSQL hands back. */
export function scriptFromJson(stored: unknown): Script {
  const raw = stored as Omit<Script, 'steps'> & {
    steps: readonly { kind: 'credit' | 'debit'; amount: string; isClose: boolean; of?: number }[];
  };
  return {
    ...raw,
    steps: raw.steps.map((step) =>
      step.kind === 'credit'
        ? { kind: 'credit', amount: BigInt(step.amount), isClose: step.isClose }
        : { kind: 'debit', amount: BigInt(step.amount), isClose: step.isClose, of: step.of ?? 0 },
    ),
  };
}
