import { createHash } from 'node:crypto';
import { assert } from '../../lib/assert';
import type { Game } from './catalogue';
import {
  machineOf,
  tenthsOf,
  type LineWin,
  type Machine,
  type Outcome,
  type Reels,
} from './machine';

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

/** One turn of the reels: its stake, what they show, and what that pays. Amounts are minor units. */
export interface Spin {
  readonly stake: bigint;
  readonly reels: Reels;
  readonly wins: readonly SpinWin[];
}

export interface SpinWin extends LineWin {
  readonly amount: bigint;
}

export interface Script {
  readonly shape: Shape;
  readonly steps: readonly Step[];
  /** One for each stake, in their order: a bonus round has several. */
  readonly spins: readonly Spin[];
}

// Chances in thousandths. With the paytables about 95 % of all stakes come back.
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

/** How many lines win in each further spin of a bonus round that is won: four at most in all. */
const BONUS_PLANS: readonly (readonly (readonly number[])[])[] = [
  [[1], [2], [3]],
  [
    [0, 1],
    [1, 0],
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
    [0, 2],
    [2, 0],
  ],
];

/** What a further spin of a bonus round stakes, in stakes of the round's first. */
const BONUS_STAKES = [1, 2] as const;

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
 * Draws a round: its shape by chance, then for each spin one of all the places where the game's reels can
 * stop with that outcome. What is paid is what the reels show.
 *
 * @param seed names the spin, for instance `<session seed>/<number of the round>`
 * @param stake in minor units, a multiple of ten: pays are tenths of it, and no coin is ever split
 * @param forced a shape a test asks for; reels and amounts still come from the seed
 */
export function drawRound(seed: string, stake: bigint, game: Game, forced?: Shape): Script {
  const draw = createDraw(seed);
  const drawn = weighted(draw, SHAPE_CHANCES);
  const shape = forced ?? drawn;
  const spins = spinsOf(shape, stake, machineOf(game), draw);
  return { shape, steps: stepsOf(shape, spins, draw), spins };
}

function spinsOf(shape: Shape, stake: bigint, machine: Machine, draw: Draw): Spin[] {
  const spin = (amount: bigint, outcomes: readonly Outcome[]): Spin => {
    const { reels, wins } = pick(draw, outcomes);
    const paid = wins.map((win) => ({ ...win, amount: tenthsOfStake(amount, win.tenths) }));
    return { stake: amount, reels, wins: paid };
  };
  const losses = machine.byLines[0] ?? [];
  switch (shape) {
    case 'loss_closed':
    case 'loss_open':
    case 'loss_debit':
      return [spin(stake, losses)];
    case 'win_closed':
    case 'win_open':
      return [spin(stake, machine.wins)];
    case 'bonus':
    case 'bonus_open':
    case 'bonus_lost': {
      const plan = pick(draw, pick(draw, BONUS_PLANS));
      return [
        spin(stake, machine.bonus),
        ...plan.map((lines) =>
          spin(
            stake * BigInt(pick(draw, BONUS_STAKES)),
            shape === 'bonus_lost' ? losses : (machine.byLines[lines] ?? []),
          ),
        ),
      ];
    }
  }
}

function stepsOf(shape: Shape, spins: readonly Spin[], draw: Draw): Step[] {
  const credits = spins.map(({ stake }): Step => ({
    kind: 'credit',
    amount: stake,
    isClose: false,
  }));
  const last = credits.length - 1;
  const closed = (steps: readonly Step[]): Step[] =>
    steps.map((step, at) => (at === steps.length - 1 ? { ...step, isClose: true } : step));
  switch (shape) {
    case 'loss_closed':
    case 'bonus_lost':
      return closed(credits);
    case 'loss_open':
      return credits;
    case 'loss_debit':
      return closed([...credits, debit(0n, 0)]);
    case 'win_closed':
      return closed([...credits, debit(sum(spins[0]?.wins ?? []), 0)]);
    case 'win_open':
      return [...credits, debit(sum(spins[0]?.wins ?? []), 0)];
    case 'bonus':
    case 'bonus_open': {
      // Each line of a bonus round is paid for itself, as soon as its stake is in or later; the last call
      // of all is a win, since it may close the round.
      const wins = spins.flatMap((one, of) => one.wins.map(({ amount }) => debit(amount, of)));
      const steps = [...credits];
      const final = wins.pop();
      for (const win of wins) {
        steps.splice(between(draw, positionAfter(steps, win.of), steps.length), 0, win);
      }
      if (final) steps.push(final);
      assert(last > 0 && final, 'a bonus round has further stakes and at least one win');
      return shape === 'bonus' ? closed(steps) : steps;
    }
  }
}

function debit(amount: bigint, of: number): Extract<Step, { kind: 'debit' }> {
  return { kind: 'debit', amount, isClose: false, of };
}

function sum(wins: readonly SpinWin[]): bigint {
  return wins.reduce((total, { amount }) => total + amount, 0n);
}

function positionAfter(steps: readonly Step[], stakeIndex: number): number {
  let seen = -1;
  return steps.findIndex((step) => step.kind === 'credit' && ++seen === stakeIndex) + 1;
}

function between(draw: Draw, low: number, high: number): number {
  return low + draw(high - low + 1);
}

function tenthsOfStake(stake: bigint, tenths: number): bigint {
  const amount = stake * BigInt(tenths);
  assert(amount % 10n === 0n, 'a stake is a multiple of ten, so that no coin is split');
  return amount / 10n;
}

function pick<T>(draw: Draw, choices: readonly T[]): T {
  const choice = choices[draw(choices.length)];
  assert(choice !== undefined, 'the reels can show every outcome');
  return choice;
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

/**
 * What of all stakes comes back to players over time, as a fraction: counted over every place where the
 * reels can stop and every plan of a bonus round, not tried out.
 */
export function returnToPlayer(game: Game): number {
  const { wins, byLines } = machineOf(game);
  const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const pays = (outcomes: readonly Outcome[]) => mean(outcomes.map(tenthsOf)) / 10;
  const paysByLines = byLines.map((outcomes) => (outcomes.length > 0 ? pays(outcomes) : 0));
  const bonusStake = mean(BONUS_STAKES);
  const bonusSpins = mean(BONUS_PLANS.map((plans) => mean(plans.map((plan) => plan.length))));
  const bonusPays = mean(
    BONUS_PLANS.map((plans) =>
      mean(plans.map((plan) => plan.reduce((all, lines) => all + (paysByLines[lines] ?? 0), 0))),
    ),
  );
  let staked = 0;
  let paid = 0;
  for (const [shape, chance] of SHAPE_CHANCES) {
    staked += chance * (1 + (shape.startsWith('bonus') ? bonusSpins * bonusStake : 0));
    if (shape.startsWith('win')) paid += chance * pays(wins);
    if (shape === 'bonus' || shape === 'bonus_open') paid += chance * bonusStake * bonusPays;
  }
  return paid / staked;
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
  const raw = stored as {
    shape: Shape;
    steps: readonly { kind: 'credit' | 'debit'; amount: string; isClose: boolean; of?: number }[];
    spins?: readonly {
      stake: string;
      reels: Reels;
      wins: readonly (LineWin & { amount: string })[];
    }[];
  };
  return {
    shape: raw.shape,
    steps: raw.steps.map((step) =>
      step.kind === 'credit'
        ? { kind: 'credit', amount: BigInt(step.amount), isClose: step.isClose }
        : { kind: 'debit', amount: BigInt(step.amount), isClose: step.isClose, of: step.of ?? 0 },
    ),
    // Rounds from before there were win lines have no spins to show; their money is in the steps.
    spins: (raw.spins ?? []).map((spin) => ({
      stake: BigInt(spin.stake),
      reels: spin.reels,
      wins: spin.wins.map((win) => ({ ...win, amount: BigInt(win.amount) })),
    })),
  };
}
