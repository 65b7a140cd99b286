import { createRandom, type Random } from './random';

export type RoundShape =
  | 'win'
  | 'loss'
  | 'close_by_stake'
  | 'bonus'
  | 'never_closed'
  | 'late_win'
  | 'impatient'
  | 'zero_stake';

/** One call of a round. Amounts are minor units. */
export interface Step {
  readonly kind: 'stake' | 'payout';
  readonly transaction: string;
  readonly amount: bigint;
  readonly isClose: boolean;
  readonly betAmount: bigint | null;
  /** Sent twice at once, to whichever processes the harness names. */
  readonly twice: boolean;
}

/** What the provider will do in a round, known from the seed alone. */
export interface RoundScript {
  readonly shape: RoundShape;
  readonly round: string;
  readonly steps: readonly Step[];
  /** Sent for this round after the next round of the same game has taken its stake. */
  readonly late: Step | null;
  /** The payout leaves while the stake has no answer yet, this long after it. */
  readonly payoutAfterMs: number | null;
  /** An operation that was accepted is sent again when the round is over. */
  readonly repeats: boolean;
  /** An accepted transaction is sent with another amount when the round is over. */
  readonly conflicts: boolean;
  /** Left open at the end of the run, as a player does who goes to sleep. */
  readonly staysOpen: boolean;
  readonly authorizes: boolean;
}

const SHAPES: readonly (readonly [RoundShape, number])[] = [
  ['win', 24],
  ['loss', 20],
  ['close_by_stake', 10],
  ['bonus', 16],
  ['never_closed', 12],
  ['late_win', 6],
  ['impatient', 6],
  ['zero_stake', 6],
];

/** Beyond what a double keeps. */
const LONG_BASE = 2n ** 53n + 1n;

/** The script of a lane's n-th round: the same for a seed, whatever happens around it. */
export function scriptRound(seed: number, lane: number, n: number): RoundScript {
  const random = createRandom(seed, `round ${String(lane)} ${String(n)}`);
  const shape = shapeOf(random);
  const base = LONG_BASE + BigInt(lane) * 1_000_000_000n + BigInt(n) * 1_000n;
  let made = 0;
  const step = (kind: Step['kind'], amount: bigint, rest: Partial<Step> = {}): Step => {
    made += 1;
    const transaction = base + BigInt(made);
    return {
      kind,
      transaction: (random.chance(0.03) ? -transaction : transaction).toString(),
      amount,
      isClose: false,
      betAmount: null,
      twice: random.chance(0.12),
      ...rest,
    };
  };
  const { steps, late } = stepsOf(shape, random, step);
  return {
    shape,
    round: (random.chance(0.2) ? base : BigInt(lane) * 1_000_000n + BigInt(n) + 1n).toString(),
    steps,
    late,
    payoutAfterMs: shape === 'impatient' ? random.int(30, 600) : null,
    repeats: random.chance(0.25),
    conflicts: random.chance(0.04),
    staysOpen: random.chance(0.3),
    authorizes: n === 0 || random.chance(0.04),
  };
}

function stepsOf(
  shape: RoundShape,
  random: Random,
  step: (kind: Step['kind'], amount: bigint, rest?: Partial<Step>) => Step,
): { steps: Step[]; late: Step | null } {
  const bet = stakeAmount(random);
  const win = (of: bigint) => of * BigInt(random.int(1, 5)) + BigInt(random.int(0, 99));
  const only = (...steps: Step[]) => ({ steps, late: null });
  switch (shape) {
    case 'win':
      return only(step('stake', bet), step('payout', win(bet), { isClose: true, betAmount: bet }));
    case 'loss':
      return only(step('stake', bet), step('payout', 0n, { isClose: true, betAmount: bet }));
    case 'close_by_stake':
      return only(step('stake', bet, { isClose: true }));
    case 'zero_stake':
      return only(step('stake', 0n), step('payout', win(100n), { isClose: true, betAmount: 0n }));
    case 'impatient':
      return only(
        step('stake', bet, { twice: false }),
        step('payout', win(bet), { isClose: random.chance(0.5), betAmount: bet, twice: false }),
      );
    case 'never_closed':
      return only(
        step('stake', bet),
        ...(random.chance(0.5) ? [step('payout', win(bet), { betAmount: bet })] : []),
      );
    case 'late_win': {
      const steps = [step('stake', bet)];
      return { steps, late: step('payout', win(bet), { betAmount: bet }) };
    }
    case 'bonus': {
      const second = stakeAmount(random);
      const steps = [step('stake', bet)];
      for (let free = random.int(1, 3); free > 0; free -= 1) {
        steps.push(step('payout', win(50n), { betAmount: bet }));
      }
      if (random.chance(0.6)) {
        steps.push(step('stake', second));
        steps.push(step('payout', win(second), { betAmount: second }));
      }
      steps.push(
        step('payout', random.chance(0.5) ? win(20n) : 0n, { isClose: true, betAmount: bet }),
      );
      return { steps, late: null };
    }
  }
}

function stakeAmount(random: Random): bigint {
  return random.chance(0.3) ? BigInt(random.int(1, 20)) * 100n : BigInt(random.int(1, 9_999));
}

function shapeOf(random: Random): RoundShape {
  let left = random.next() * SHAPES.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [shape, weight] of SHAPES) {
    left -= weight;
    if (left < 0) return shape;
  }
  return 'win';
}
