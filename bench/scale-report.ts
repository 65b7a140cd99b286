import { median, quantile } from './measure/statistics';
import type { ScaleTurn } from './scale';
import type { ScaleOptions } from './scale-options';
import { nameOfLayout, type Layout } from './start-roundhouse';

/** All cores at work: whatever is added takes its time from something else. */
const MACHINE_FULL = 0.9;
/** A thread that works this much of the time lets its queue grow. */
const THREAD_FULL = 0.85;
/** Waits that are told, of each server. */
const WAITS_TOLD = 3;

/** What a run found, as Markdown. */
export function scaleTables(
  options: ScaleOptions,
  turns: readonly ScaleTurn[],
  faults: readonly string[],
): string {
  const parts = options.temporal.map(({ kind }) => {
    const of = (layout: Layout) =>
      turns.filter((each) => each.temporal === kind && each.layout === layout);
    return [
      `### ${kind === 'dev' ? 'Development server' : 'Server on PostgreSQL'}, won rounds, ${String(options.inFlight)} in flight`,
      row(['processes', 'rounds/s', 'spread', 'Credit p50/p99 ms', 'Debit p50/p99 ms', 'limit']),
      row(['---', '---', '---', '---', '---', '---']),
      ...options.layouts.map((layout) => speedRow(layout, of(layout))),
      '',
      row([
        'processes',
        'cores by process',
        'busiest thread',
        'machine busy (ours)',
        'waits',
        'written a round',
      ]),
      row(['---', '---', '---', '---', '---', '---']),
      ...options.layouts.map((layout) => loadRow(layout, of(layout))),
      '',
    ].join('\n');
  });
  const verdict =
    faults.length === 0
      ? 'No round was lost, and all books agree.'
      : ['**NOT WELL:**', ...faults.slice(0, 40).map((fault) => `- ${fault}`)].join('\n');
  return [...parts, verdict].join('\n');
}

const rateOf = ({ turn }: ScaleTurn) => turn.rounds / turn.seconds;

function speedRow(layout: Layout, turns: readonly ScaleTurn[]): string {
  const rates = turns.map(rateOf);
  const pair = (name: 'credit' | 'debit') => {
    const all = turns.flatMap(({ turn }) => turn[name]);
    return `${quantile(all, 0.5).toFixed(0)} / ${quantile(all, 0.99).toFixed(0)}`;
  };
  return row([
    nameOfLayout(layout),
    median(rates).toFixed(1),
    `${Math.min(...rates).toFixed(1)}-${Math.max(...rates).toFixed(1)}`,
    pair('credit'),
    pair('debit'),
    [...new Set(turns.map(limitOf))].join('; '),
  ]);
}

/** What kept a turn from being faster. */
function limitOf({ machineBusy, busiestThread, waits }: ScaleTurn): string {
  const full = `a thread of ${busiestThread.process} (${busiestThread.cores.toFixed(2)} cores)`;
  if (machineBusy >= MACHINE_FULL) return `the machine's cores (${percent(machineBusy)} busy)`;
  if (busiestThread.cores >= THREAD_FULL) return full;
  const [worst] = Object.entries(waits)
    .flatMap(([server, { by }]) => by.map(([event, count]) => ({ server, event, count })))
    .filter(({ event }) => event !== 'CPU' && !event.startsWith('Client:'))
    .sort((a, b) => b.count - a.count);
  if (worst && worst.count >= 1) return `${worst.server}, ${worst.event}`;
  return 'none of them: latency, at this number in flight';
}

function loadRow(layout: Layout, turns: readonly ScaleTurn[]): string {
  const cores = new Map<string, number>();
  for (const { turn } of turns) {
    for (const [name, seconds] of Object.entries(turn.cpu)) {
      cores.set(name, (cores.get(name) ?? 0) + seconds / turn.seconds / turns.length);
    }
  }
  const [busiest] = turns
    .map(({ busiestThread }) => busiestThread)
    .sort((a, b) => b.cores - a.cores);
  const waits = Object.keys(turns[0]?.waits ?? {}).map((server) => {
    const sums = new Map<string, number>();
    for (const { waits: each } of turns) {
      for (const [event, count] of each[server]?.by ?? []) {
        sums.set(event, (sums.get(event) ?? 0) + count / turns.length);
      }
    }
    const told = [...sums].sort(([, a], [, b]) => b - a).slice(0, WAITS_TOLD);
    return `${server}: ${told.map(([event, count]) => `${event} ${count.toFixed(2)}`).join(', ')}`;
  });
  return row([
    nameOfLayout(layout),
    [...cores].map(([name, each]) => `${name} ${each.toFixed(2)}`).join(', '),
    busiest ? `${busiest.process} ${busiest.cores.toFixed(2)}` : '',
    turns.map((each) => `${percent(each.machineBusy)} (${percent(each.machineOurs)})`).join(', '),
    waits.join('; '),
    writtenText(turns),
    requestsText(turns),
  ]);
}

/** Commits and WAL of a round, in our PostgreSQL and in Temporal's. */
function writtenText(turns: readonly ScaleTurn[]): string {
  const rounds = turns.reduce((sum, { turn }) => sum + turn.rounds, 0);
  const text = (name: string, writes: number, walBytes: number) =>
    `${name}: ${(writes / rounds).toFixed(1)} commits, ${(walBytes / rounds / 1_024).toFixed(0)} KiB WAL`;
  const sum = (of: (each: ScaleTurn) => number) => turns.reduce((all, each) => all + of(each), 0);
  return [
    text(
      'book',
      sum(({ turn }) => turn.writes),
      sum(({ turn }) => turn.walBytes),
    ),
    ...(turns[0]?.temporalWrites
      ? [
          text(
            'Temporal',
            sum(({ temporalWrites }) => temporalWrites?.writes ?? 0),
            sum(({ temporalWrites }) => temporalWrites?.walBytes ?? 0),
          ),
        ]
      : []),
  ].join('; ');
}

/** By service: the server's limits are per service. */
function requestsText(turns: readonly ScaleTurn[]): string {
  const rounds = turns.reduce((sum, { turn }) => sum + turn.rounds, 0);
  return ['frontend', 'history', 'matching']
    .map((service) => {
      const all = turns.reduce((sum, each) => sum + (each.serviceRequests[service] ?? 0), 0);
      return `${service} ${(all / rounds).toFixed(0)}`;
    })
    .join(', ');
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
