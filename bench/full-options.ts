import { parseArgs } from 'node:util';
import { UsageError } from './run-in-home';
import type { TemporalChoice } from './stage';

export const FULL_USAGE = `npm run bench -- --full [options]
  --operations N       in the full book                                  (5000000)
  --days N             over which they are spread                        (365)
  --open-rounds N      open on the full system, and closed at once later (10000)
  --owed N             payouts owed after an outage of the wallet        (10000)
  --in-flight N        live rounds in flight, 1 to 32                    (4)
  --seconds N          length of a turn                                  (10)
  --repetitions N      turns of each system, in alternating order        (5)
  --lanes N            calls under way while many rounds are opened or paid (32)
  --temporal KIND      dev or postgres                                   (dev)
  --temporal-server DIR  where the real server's programs are, when they are not to be built
  --audit              audit the whole book at the end: an hour or more for millions of operations
  --keep               keep the logs`;

export interface FullOptions {
  readonly operations: number;
  readonly days: number;
  readonly openRounds: number;
  readonly owed: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly repetitions: number;
  readonly lanes: number;
  readonly temporal: TemporalChoice;
  readonly audit: boolean;
  readonly keep: boolean;
}

/** @throws UsageError naming what is wrong */
export function readFullOptions(args: readonly string[]): FullOptions {
  const values = parse(args);
  const { temporal: kind } = values;
  if (kind !== 'dev' && kind !== 'postgres') throw new UsageError(`--temporal: ${kind}`);
  const count = (name: string, text: string, max: number) => {
    const value = Number(text);
    if (!(value >= 1 && value <= max)) throw new UsageError(`--${name}: 1 to ${String(max)}`);
    return value;
  };
  return {
    operations: count('operations', values.operations, 100_000_000),
    days: count('days', values.days, 3_650),
    openRounds: count('open-rounds', values['open-rounds'], 100_000),
    owed: count('owed', values.owed, 100_000),
    inFlight: count('in-flight', values['in-flight'], 32),
    seconds: count('seconds', values.seconds, 600),
    repetitions: count('repetitions', values.repetitions, 100),
    lanes: count('lanes', values.lanes, 64),
    temporal: { kind, dir: values['temporal-server'] },
    audit: values.audit,
    keep: values.keep,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        full: { type: 'boolean' },
        operations: { type: 'string', default: '5000000' },
        days: { type: 'string', default: '365' },
        'open-rounds': { type: 'string', default: '10000' },
        owed: { type: 'string', default: '10000' },
        'in-flight': { type: 'string', default: '4' },
        seconds: { type: 'string', default: '10' },
        repetitions: { type: 'string', default: '5' },
        lanes: { type: 'string', default: '32' },
        temporal: { type: 'string', default: 'dev' },
        'temporal-server': { type: 'string' },
        audit: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
