import { parseArgs } from 'node:util';
import { readSettings } from '../../config/env';
import { createCasino, readDemo } from './casino';
import { isComplete, playRounds, type PlaySummary } from './play-driver';

const USAGE = `npm run play -- [options]   plays rounds against the running stack, without a browser
  --rounds N        how many (default 100)
  --seed TEXT       decides players' games, stakes, shapes and amounts (default 1)
  --players P       how many players share the rounds (default 4)
  --concurrency C   how many of them play at once (default: all)
  --json            one line of JSON instead of text
Exit code: 0 every call got a definite answer, 1 not so or interrupted, 2 wrong options`;

interface Options {
  readonly rounds: number;
  readonly seed: string;
  readonly players: number;
  readonly concurrency: number;
  readonly json: boolean;
}

function readOptions(): Options | string {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '100' },
        seed: { type: 'string', default: '1' },
        players: { type: 'string', default: '4' },
        concurrency: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (values.help) return '';
  const numbers = {
    rounds: values.rounds,
    players: values.players,
    concurrency: values.concurrency ?? values.players,
  };
  for (const [name, text] of Object.entries(numbers)) {
    if (!/^[1-9]\d{0,6}$/.test(text)) return `--${name}: must be a whole number from 1 up`;
  }
  if (values.seed === '' || values.seed.length > 100) return '--seed: 1 to 100 characters';
  return {
    rounds: Number(numbers.rounds),
    players: Number(numbers.players),
    concurrency: Number(numbers.concurrency),
    seed: values.seed,
    json: values.json,
  };
}

function print(summary: PlaySummary): string {
  const list = (record: Record<string, number | string>) =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ') || 'none';
  return [
    `rounds      ${String(summary.rounds)} in ${String(summary.seconds)} s (${String(summary.rounds_per_second)}/s)`,
    `shapes      ${list(summary.by_shape)}`,
    `stakes      ${list(summary.stakes)}`,
    `wins        ${list(summary.wins)}`,
    `refused     ${list(Object.fromEntries(Object.entries(summary.refused).map(([code, n]) => [`code ${code}:`, n])))}`,
    `top-ups     ${String(summary.top_ups)}`,
    `unanswered  ${summary.unanswered === null ? 'not known' : String(summary.unanswered)}`,
    ...summary.interruptions.map((text) => `interrupted ${text}`),
  ].join('\n');
}

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'string') {
    if (options !== '') process.stderr.write(`${options}\n`);
    process[options === '' ? 'stdout' : 'stderr'].write(`${USAGE}\n`);
    return options === '' ? 0 : 2;
  }
  const demo = readDemo(readSettings().ROUNDHOUSE_HOME);
  const summary = await playRounds(createCasino(demo), {
    ...options,
    partnerId: demo.connection.partner_id,
    progress: (text) => {
      if (!options.json) process.stdout.write(`${text}\n`);
    },
  });
  process.stdout.write(`${options.json ? JSON.stringify(summary) : print(summary)}\n`);
  return isComplete(summary) ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
