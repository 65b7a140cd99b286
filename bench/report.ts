import type { Counts } from './counts';
import type { Shape } from './load/play';
import { median, quantile } from './measure/statistics';
import type { BenchOptions } from './options';
import type { SubjectName } from './subject';
import type { Turn } from './turn';

/** Everything one run found. */
export interface BenchResult {
  readonly options: BenchOptions;
  readonly turns: readonly Turn[];
  readonly counts: ReadonlyMap<SubjectName, Counts>;
  readonly faults: readonly string[];
}

const TITLES: Record<SubjectName, string> = {
  roundhouse: '(a) Roundhouse',
  apart: '(a) API and worker apart',
  textbook: '(b) textbook Temporal',
  dbos: '(c) DBOS',
  restate: '(d) Restate',
  forwarder: '(e) plain forwarder',
};

/** Long polls wait at the server and cost it little; they are no requests of a round. */
const LONG_POLLS = /^Poll/;

type Row = readonly (string | number | null)[];

/** The tables of a run, as Markdown. */
export function tables(result: BenchResult): string {
  const { options, faults } = result;
  const parts = options.shapes.flatMap((shape) =>
    options.inFlight.map((inFlight) => cellTables(result, shape, inFlight)),
  );
  return [
    ...parts,
    countTable(result),
    ratioTable(result),
    faults.length === 0
      ? 'No round was lost, and all books agree.'
      : ['**NOT WELL:**', ...faults.slice(0, 40).map((fault) => `- ${fault}`)].join('\n'),
  ].join('\n\n');
}

function cellTables(result: BenchResult, shape: Shape, inFlight: number): string {
  const { subjects } = result.options;
  const of = (name: SubjectName) => turnsOf(result.turns, name, shape, inFlight);
  const speed = subjects.map((name): Row => {
    const turns = of(name);
    const rates = turns.map(rate);
    return [
      TITLES[name],
      fixed(median(rates), 1),
      `${fixed(Math.min(...rates), 1)}-${fixed(Math.max(...rates), 1)}`,
      `${String(sum(turns, (turn) => turn.retries))} / ${String(sum(turns, (turn) => turn.refused))}`,
      pair(turns, 'credit'),
      pair(turns, 'creditOurs'),
      ...(shape === 'win' ? [pair(turns, 'debit'), pair(turns, 'debitOurs')] : []),
    ];
  });
  const cost = subjects.map((name): Row => {
    const turns = of(name);
    const rounds = sum(turns, (turn) => turn.rounds);
    const cpu = cpuOf(turns);
    return [
      TITLES[name],
      fixed((1_000 * Object.values(cpu).reduce((a, b) => a + b, 0)) / rounds, 1),
      Object.entries(cpu)
        .map(([process, seconds]) => `${process} ${fixed((1_000 * seconds) / rounds, 1)}`)
        .join(', '),
      fixed(sum(turns, (turn) => turn.writes) / rounds, 1),
      fixed(sum(turns, (turn) => turn.transactions) / rounds, 1),
      fixed(sum(turns, (turn) => turn.walBytes) / rounds / 1024, 1),
      requestsOf(turns, rounds),
    ];
  });
  return [
    `### ${shape === 'win' ? 'Win round' : 'Lost round'}, ${String(inFlight)} in flight`,
    table(
      [
        '',
        'rounds/s',
        'spread',
        'calls repeated / stakes refused',
        'Credit p50/p99 ms',
        'ours',
        ...(shape === 'win' ? ['Debit p50/p99 ms', 'ours'] : []),
      ],
      speed,
    ),
    table(
      [
        'per 1,000 rounds or per round',
        'CPU s/1,000',
        'by process',
        'writing commits',
        'transactions',
        'WAL KiB',
        'RPCs (long polls)',
      ],
      cost,
    ),
  ].join('\n\n');
}

/** The cost of the subject itself: what the wallet and the provider use is the same work for all. */
function cpuOf(turns: readonly Turn[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const { cpu } of turns) {
    for (const [name, seconds] of Object.entries(cpu)) {
      if (name !== 'wallet' && name !== 'provider') all[name] = (all[name] ?? 0) + seconds;
    }
  }
  return all;
}

function requestsOf(turns: readonly Turn[], rounds: number): string {
  let short = 0;
  let long = 0;
  for (const { requests } of turns) {
    for (const [operation, count] of Object.entries(requests)) {
      if (LONG_POLLS.test(operation)) long += count;
      else short += count;
    }
  }
  return short === 0 ? '' : `${fixed(short / rounds, 1)} (${fixed(long / rounds, 1)})`;
}

function countTable({ counts, options }: BenchResult): string {
  const rows = options.subjects.map((name): Row => {
    const count = counts.get(name);
    return [
      TITLES[name],
      count?.events ?? '',
      count?.workflow_tasks ?? '',
      count?.workflow_tasks_before_answers ?? '',
      count?.activities ?? '',
      count?.book_commits ?? '',
    ];
  });
  return [
    `### Counts of a win round (medians of ${String(options.countRounds)} played one after the other)`,
    table(
      ['', 'events', 'workflow tasks', 'of these before both answers', 'activities', 'commits'],
      rows,
    ),
  ].join('\n\n');
}

/** Ratios of Roundhouse's rate to each peer's, from the turns of one repetition each. */
function ratioTable(result: BenchResult): string {
  const { options } = result;
  const peers = options.subjects.filter((name) => name !== 'roundhouse');
  const rows = options.shapes.flatMap((shape) =>
    options.inFlight.map((inFlight): Row => {
      const texts = peers.map((peer) => {
        const ratios = ratiosOf(result.turns, peer, shape, inFlight);
        if (ratios.length === 0) return '';
        const ends = [Math.min(...ratios), Math.max(...ratios)].map((each) => fixed(each, 2));
        return `${fixed(median(ratios), 2)} (${ends.join('-')})`;
      });
      return [`${shape}, ${String(inFlight)} in flight`, ...texts];
    }),
  );
  return [
    '### Rounds/s of (a) over each peer: median and spread of the repetitions',
    table(['', ...peers.map((peer) => TITLES[peer])], rows),
  ].join('\n\n');
}

function ratiosOf(
  turns: readonly Turn[],
  peer: SubjectName,
  shape: Shape,
  inFlight: number,
): number[] {
  const ours = turnsOf(turns, 'roundhouse', shape, inFlight);
  const theirs = turnsOf(turns, peer, shape, inFlight);
  return ours.flatMap((turn, index) => {
    const other = theirs[index];
    return other ? [rate(turn) / rate(other)] : [];
  });
}

/** The last line for machines: win rounds, 8 in flight where they were played. */
export function jsonLine({ turns, counts, options, faults }: BenchResult): string {
  const inFlight = options.inFlight.includes(8) ? 8 : (options.inFlight[0] ?? 0);
  const ratio = (peer: SubjectName) => {
    const value = median(ratiosOf(turns, peer, 'win', inFlight));
    return Number.isNaN(value) ? null : Number(fixed(value, 3));
  };
  const ours: Counts | undefined = counts.get('roundhouse');
  return JSON.stringify({
    ratios: {
      vs_textbook: ratio('textbook'),
      vs_forwarder: ratio('forwarder'),
      vs_dbos: ratio('dbos'),
      vs_restate: ratio('restate'),
    },
    counts: {
      workflow_tasks: ours?.workflow_tasks ?? null,
      workflow_tasks_before_answers: ours?.workflow_tasks_before_answers ?? null,
      events: ours?.events ?? null,
      book_commits: ours?.book_commits ?? null,
    },
    faults: faults.length,
  });
}

function turnsOf(
  turns: readonly Turn[],
  name: SubjectName,
  shape: Shape,
  inFlight: number,
): Turn[] {
  return turns.filter(
    (turn) => turn.subject === name && turn.shape === shape && turn.inFlight === inFlight,
  );
}

const rate = ({ rounds, seconds }: Turn) => rounds / seconds;
const sum = (turns: readonly Turn[], of: (turn: Turn) => number) =>
  turns.reduce((total, turn) => total + of(turn), 0);
const fixed = (value: number, digits: number) => value.toFixed(digits);

function pair(
  turns: readonly Turn[],
  name: 'credit' | 'creditOurs' | 'debit' | 'debitOurs',
): string {
  const all = turns.flatMap((turn) => turn[name]);
  return `${fixed(quantile(all, 0.5), 0)} / ${fixed(quantile(all, 0.99), 0)}`;
}

function table(head: readonly string[], rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.map((cell) => String(cell ?? '')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
