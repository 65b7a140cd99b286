import type { Shape } from './load/play';
import { UsageError } from './run-in-home';
import type { TemporalChoice } from './stage';
import type { SubjectName } from './subject';

export const USAGE = `npm run bench -- [options]
  --quick              Roundhouse, the textbook and the forwarder, won rounds, 8 in flight: under 3 minutes
  --json               the last line is JSON: {"ratios": {...}, "counts": {...}}
  --subjects LIST      of roundhouse,apart,textbook,dbos,restate,forwarder
  --shapes LIST        of win,lost
  --in-flight LIST     rounds in flight, each 1 to 32
  --repetitions N      turns of each subject in each cell, in alternating order
  --seconds N          length of a turn
  --count-rounds N     won rounds played one after the other for the exact counts
  --duplicates RATE    share of calls that are sent again after their answer
  --seed N             of the wallet's latency and of the duplicates
  --temporal KIND      dev (the development server), or postgres (the real server, built once)
  --temporal-server DIR  where the real server's programs are, when they are not to be built
  --profile DIR        Roundhouse's API and worker leave CPU profiles there
  --keep               keep the logs
npm run bench -- --scale | --full | --account   other programs, with a --help of their own`;

export interface BenchOptions {
  readonly quick: boolean;
  readonly json: boolean;
  readonly subjects: readonly SubjectName[];
  readonly shapes: readonly Shape[];
  readonly inFlight: readonly number[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly countRounds: number;
  readonly duplicates: number;
  readonly seed: number;
  readonly profileDir: string | undefined;
  readonly temporal: TemporalChoice;
  readonly keep: boolean;
}

const SUBJECTS: readonly SubjectName[] = [
  'roundhouse',
  'apart',
  'textbook',
  'dbos',
  'restate',
  'forwarder',
];
const SHAPES: readonly Shape[] = ['win', 'lost'];
const FLAGS = ['quick', 'json', 'keep'];
const VALUES = [
  'subjects',
  'shapes',
  'in-flight',
  'repetitions',
  'seconds',
  'count-rounds',
  'duplicates',
  'seed',
  'profile',
  'temporal',
  'temporal-server',
];

/** @throws UsageError naming what is wrong */
export function readOptions(args: readonly string[]): BenchOptions {
  const given = new Map<string, string>();
  for (let index = 0; index < args.length; index++) {
    const [name = '', inline] = (args[index] ?? '').replace(/^--/, '').split(/=(.*)/s);
    if (name === 'help') throw new UsageError('usage');
    if (FLAGS.includes(name)) given.set(name, 'true');
    else if (VALUES.includes(name)) given.set(name, inline ?? args[++index] ?? '');
    else throw new UsageError(`unknown option ${String(args[index])}`);
  }
  const quick = given.has('quick');
  const list = <Item extends string>(name: string, allowed: readonly Item[], preset: Item[]) =>
    (given.get(name)?.split(',') ?? preset).map((text) => {
      const item = allowed.find((each) => each === text);
      if (item === undefined)
        throw new UsageError(`--${name}: ${text} is not one of ${allowed.join(', ')}`);
      return item;
    });
  const number = (
    name: string,
    preset: number,
    min: number,
    max: number,
    text = given.get(name),
  ) => {
    const value = text === undefined ? preset : Number(text);
    if (text === '' || !(value >= min && value <= max)) {
      throw new UsageError(`--${name}: a number of ${String(min)} to ${String(max)} is expected`);
    }
    return value;
  };
  return {
    quick,
    json: given.has('json'),
    keep: given.has('keep'),
    subjects: list(
      'subjects',
      SUBJECTS,
      quick ? ['roundhouse', 'textbook', 'forwarder'] : [...SUBJECTS],
    ),
    shapes: list('shapes', SHAPES, quick ? ['win'] : [...SHAPES]),
    inFlight: (given.get('in-flight') ?? (quick ? '8' : '1,8,32'))
      .split(',')
      .map((text) => number('in-flight', 8, 1, 32, text)),
    repetitions: number('repetitions', quick ? 3 : 5, 1, 100),
    seconds: number('seconds', quick ? 8 : 6, 0.5, 600),
    countRounds: number('count-rounds', 20, 1, 1_000),
    duplicates: number('duplicates', 0.05, 0, 1),
    seed: number('seed', 1, 0, 2 ** 31),
    profileDir: given.get('profile'),
    temporal: {
      kind: list('temporal', ['dev', 'postgres'], ['dev'])[0] ?? 'dev',
      dir: given.get('temporal-server'),
    },
  };
}
