import { parseArgs } from 'node:util';
import { UsageError } from './run-in-home';
import type { TemporalChoice } from './stage';
import type { Layout } from './start-roundhouse';

export const SCALE_USAGE = `npm run bench -- --scale [options]
  --temporal LIST      of dev,postgres: the Temporal servers, one after the other  (dev,postgres)
  --temporal-server DIR  where the real server's programs are, when they are not to be built
  --layouts LIST       processes that are API and worker, or APIs x workers apart, in alternating
                       order                                                       (1,2,4,1x1,2x2)
  --in-flight N        rounds in flight, 1 to 32                                   (32)
  --seconds N          length of a turn                                            (10)
  --repetitions N      turns of each layout                                        (3)
  --keep               keep the logs`;

export interface ScaleOptions {
  readonly temporal: readonly TemporalChoice[];
  readonly layouts: readonly Layout[];
  readonly inFlight: number;
  readonly seconds: number;
  readonly repetitions: number;
  readonly keep: boolean;
}

/** @throws UsageError naming what is wrong */
export function readScaleOptions(args: readonly string[]): ScaleOptions {
  const values = parse(args);
  return {
    temporal: values.temporal.split(',').map((kind) => {
      if (kind !== 'dev' && kind !== 'postgres') throw new UsageError(`--temporal: ${kind}`);
      return { kind, dir: values['temporal-server'] };
    }),
    layouts: values.layouts.split(',').map((text) => {
      const [, first, workers] = /^([1-9])(?:x([1-9]))?$/.exec(text) ?? [];
      if (first === undefined) throw new UsageError(`--layouts: ${text} is not like 2 or 2x4`);
      return workers === undefined
        ? { servers: Number(first) }
        : { apis: Number(first), workers: Number(workers) };
    }),
    inFlight: count('in-flight', values['in-flight'], 32),
    seconds: count('seconds', values.seconds, 600),
    repetitions: count('repetitions', values.repetitions, 100),
    keep: values.keep,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scale: { type: 'boolean' },
        temporal: { type: 'string', default: 'dev,postgres' },
        'temporal-server': { type: 'string' },
        layouts: { type: 'string', default: '1,2,4,1x1,2x2' },
        'in-flight': { type: 'string', default: '32' },
        seconds: { type: 'string', default: '10' },
        repetitions: { type: 'string', default: '3' },
        keep: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function count(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!(value >= 1 && value <= max)) throw new UsageError(`--${name}: 1 to ${String(max)}`);
  return value;
}
