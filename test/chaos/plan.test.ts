import { planOf, type ChaosPlan } from './plan';
import { failpointsOf, SCENARIOS, type Scenario } from './scenarios';

const MINUTE_MS = 60_000;

function scenario(name: string): Scenario {
  const found = SCENARIOS[name];
  if (!found) throw new Error(`no scenario ${name}`);
  return found;
}

/** Everything a plan says, with what each fault's own stream would choose first. */
function spelledOut({ faults, failpoints, extras }: ChaosPlan) {
  return [...faults, ...extras, ...failpoints].map((one) =>
    'random' in one ? { ...one, random: one.random.next() } : one,
  );
}

const countOf = ({ faults }: ChaosPlan, kind: string) =>
  faults.filter((fault) => fault.kind === kind).length;

describe('the plan of a chaos run', () => {
  test('is the same for the same seed, and another for another', () => {
    const plan = (seed: number) =>
      spelledOut(planOf(seed, scenario('full'), 3 * MINUTE_MS, undefined, false));
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
  });

  test('has every kind of fault and every failpoint in a long run', () => {
    const { perMinute } = scenario('full');
    const plan = planOf(3, scenario('full'), 30 * MINUTE_MS, undefined, false);
    for (const kind of Object.keys(perMinute))
      expect([kind, countOf(plan, kind)]).not.toEqual([kind, 0]);
    expect(plan.failpoints.map(({ name }) => name).toSorted()).toEqual(
      [...failpointsOf(false)].toSorted(),
    );
  });

  test.each([0, 1, 7, 12, 100])('kills %d times when told to', (kills) => {
    const plan = planOf(4, scenario('full'), 5 * MINUTE_MS, kills, false);
    const both = 2 * countOf(plan, 'kill_both_workers');
    expect(countOf(plan, 'kill_api') + countOf(plan, 'kill_worker') + both).toBe(kills);
  });

  test('keeps its faults inside the run', () => {
    const { faults } = planOf(5, scenario('kills'), 2 * MINUTE_MS, undefined, false);
    for (const { atMs } of faults) {
      expect(atMs).toBeGreaterThan(0);
      expect(atMs).toBeLessThan(2 * MINUTE_MS);
    }
  });

  test('does nothing in a calm run', () => {
    expect(spelledOut(planOf(6, scenario('calm'), MINUTE_MS, undefined, false))).toEqual([]);
  });
});
