import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SCENARIOS, type Scenario } from './scenarios';

export interface ChaosOptions {
  /** Determines every choice of nemesis, wallet and provider. */
  readonly seed: number;
  /** How long rounds are played under faults; more when rounds, kills or failpoints are still missing. */
  readonly minutes: number;
  /** Rounds to be played at least. */
  readonly rounds: number;
  readonly scenario: Scenario;
  /** Kills of API and worker processes, in place of the scenario's own number. */
  readonly kills: number | undefined;
  /** API and worker are two processes each; else two processes have both (docs/decisions/0015). */
  readonly apart: boolean;
  readonly json: boolean;
  /** Keeps the state folder of a run that went well, too. */
  readonly keep: boolean;
  /** A file for the report as Markdown. */
  readonly report: string | undefined;
}

export class UsageError extends Error {
  override name = 'UsageError';
}

export const USAGE = `npm run chaos -- [--seed N] [--minutes M] [--rounds R] [--scenario S] [--kills K]
                 [--apart] [--json] [--keep] [--report FILE]
scenarios:
${Object.values(SCENARIOS)
  .map(({ name, promise }) => `  ${name.padEnd(16)} ${promise}`)
  .join('\n')}`;

const SEED_MAX = 2 ** 32 - 1;

/** @throws UsageError naming the option that cannot be used */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parsed(args);
  const name = values.scenario ?? 'full';
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new UsageError(`there is no scenario ${name}`);
  return {
    seed: numberOf('seed', values.seed, 0, SEED_MAX, true) ?? randomInt(SEED_MAX),
    minutes: numberOf('minutes', values.minutes, 0.1, 600, false) ?? 2,
    rounds: numberOf('rounds', values.rounds, 1, 10_000_000, true) ?? 20,
    scenario,
    kills: numberOf('kills', values.kills, 0, 100_000, true),
    apart: values.apart ?? false,
    json: values.json ?? false,
    keep: values.keep ?? false,
    report: values.report,
  };
}

/** The command that plays the same again. */
export function replayCommand(options: ChaosOptions): string {
  const { seed, minutes, rounds, scenario, kills, apart } = options;
  return (
    `npm run chaos -- --seed ${String(seed)} --minutes ${String(minutes)} --rounds ${String(rounds)}` +
    ` --scenario ${scenario.name}${kills === undefined ? '' : ` --kills ${String(kills)}`}${apart ? ' --apart' : ''}`
  );
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string' },
        rounds: { type: 'string' },
        scenario: { type: 'string' },
        kills: { type: 'string' },
        report: { type: 'string' },
        apart: { type: 'boolean' },
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(
  name: string,
  text: string | undefined,
  min: number,
  max: number,
  whole: boolean,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const usable = text.trim() !== '' && value >= min && value <= max;
  if (!usable || (whole && !Number.isInteger(value))) {
    const form = whole ? 'a whole number' : 'a number';
    throw new UsageError(`--${name} must be ${form} of ${String(min)} to ${String(max)}`);
  }
  return value;
}
