import type { Burst, Live, Outage } from './burst';
import type { Filled } from './fill-book';
import type { FullOptions } from './full-options';
import type { StatementCost } from './measure/plans';
import { median, quantile } from './measure/statistics';
import type { Turn } from './turn';

/** Everything one run found. */
export interface FullResult {
  readonly filled: Filled & { readonly seconds: number };
  readonly memory: {
    readonly rounds: number;
    readonly seconds: number;
    readonly grownBytes: Readonly<Record<string, number>>;
  };
  readonly turns: { readonly empty: readonly Turn[]; readonly full: readonly Turn[] };
  readonly plans: readonly StatementCost[];
  readonly burst: Burst;
  readonly outage: Outage;
  /** Null when it was not asked for. */
  readonly auditSeconds: number | null;
  readonly faults: readonly string[];
}

/** Statements that are told: those that read most. */
const STATEMENTS_TOLD = 12;
const QUERY_TOLD = 110;
const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** What a run found, as Markdown. */
export function fullTables(options: FullOptions, result: FullResult): string {
  const { faults } = result;
  return [
    bookText(options, result),
    latencyTable(options, result.turns),
    memoryText(result.memory),
    plansTable(result.plans),
    burstTable(result.burst),
    outageTable(result.outage),
    faults.length === 0
      ? 'No round was lost.'
      : ['**NOT WELL:**', ...faults.slice(0, 40).map((fault) => `- ${fault}`)].join('\n'),
  ].join('\n\n');
}

function bookText({ days, temporal }: FullOptions, { filled, auditSeconds }: FullResult): string {
  return (
    `Temporal: ${temporal.kind}. A book of ${String(filled.operations)} operations in ${String(filled.rounds)} rounds ` +
    `over ${String(days)} days, ${(filled.bytes / GIB).toFixed(1)} GiB ` +
    `(${(filled.bytes / filled.operations / 1_024).toFixed(1)} KiB an operation, indexes included), filled in ` +
    `${filled.seconds.toFixed(0)} s.` +
    (auditSeconds === null
      ? ''
      : ` \`roundhouse audit\` over all of it: ${auditSeconds.toFixed(0)} s.`)
  );
}

function latencyTable({ inFlight }: FullOptions, turns: FullResult['turns']): string {
  const rowOf = (name: 'empty' | 'full') => {
    const each = turns[name];
    return row([
      name,
      median(each.map((turn) => turn.rounds / turn.seconds)).toFixed(1),
      pair(each.flatMap((turn) => turn.credit)),
      pair(each.flatMap((turn) => turn.debit)),
      cpuText(each),
    ]);
  };
  // Turns that were played one after the other are compared; the median of these is told.
  const ratioOf = (kind: 'credit' | 'debit', share: number) =>
    median(
      turns.full.map(
        (turn, index) =>
          quantile(turn[kind], share) / quantile(turns.empty[index]?.[kind] ?? [], share),
      ),
    ).toFixed(2);
  const ratios = (kind: 'credit' | 'debit') => `${ratioOf(kind, 0.5)} / ${ratioOf(kind, 0.99)}`;
  return [
    `### Live rounds, ${String(inFlight)} in flight, on an empty and on the full system`,
    row(['', 'rounds/s', 'Credit p50/p99 ms', 'Debit p50/p99 ms', 'CPU ms a round by process']),
    row(['---', '---', '---', '---', '---']),
    rowOf('empty'),
    rowOf('full'),
    row(['full / empty', '', ratios('credit'), ratios('debit'), '']),
  ].join('\n');
}

function cpuText(turns: readonly Turn[]): string {
  const rounds = turns.reduce((sum, turn) => sum + turn.rounds, 0);
  const seconds = new Map<string, number>();
  for (const { cpu } of turns) {
    for (const [name, each] of Object.entries(cpu)) {
      if (name !== 'wallet' && name !== 'provider')
        seconds.set(name, (seconds.get(name) ?? 0) + each);
    }
  }
  return [...seconds]
    .map(([name, each]) => `${name} ${((1_000 * each) / rounds).toFixed(0)}`)
    .join(', ');
}

function memoryText({ rounds, seconds, grownBytes }: FullResult['memory']): string {
  const grown = Object.entries(grownBytes)
    .map(([name, bytes]) => `${name} ${(bytes / MIB).toFixed(0)} MiB`)
    .join(', ');
  return (
    `${String(rounds)} rounds were opened in ${seconds.toFixed(0)} s (${(rounds / seconds).toFixed(1)} a second). ` +
    `Memory grew by: ${grown}.`
  );
}

function plansTable(plans: readonly StatementCost[]): string {
  return [
    `### Plans: ${String(plans.length)} statements of live rounds, sweep, seals and lists`,
    row(['statement', 'times', 'rows read', 'pages', 'grows with the book']),
    row(['---', '---', '---', '---', '---']),
    ...plans
      .filter((each, index) => index < STATEMENTS_TOLD || each.faults.size > 0)
      .map(({ query, times, rowsRead, pages, faults }) =>
        row([
          `\`${query.slice(0, QUERY_TOLD).replaceAll('|', '\\|')}\``,
          String(times),
          String(rowsRead),
          String(pages),
          faults.size === 0 ? 'no' : [...faults].join(', '),
        ]),
      ),
  ].join('\n');
}

function burstTable({ before, during, closed, seconds, retries }: Burst): string {
  return [
    `### ${String(closed)} rounds closed at once`,
    `All at the wallet after ${seconds.toFixed(1)} s (${(closed / seconds).toFixed(1)} a second); ${String(retries)} calls were repeated.`,
    '',
    ...liveTable({ 'live before': before, 'live during': during }),
  ].join('\n');
}

function outageTable(outage: Outage): string {
  const { owed, noticedSeconds, drainSeconds, tellingSeconds, peakPayouts } = outage;
  const { drainedPayouts: drained } = outage;
  return [
    `### ${String(owed)} payouts owed after an outage of the wallet`,
    `The drain noticed after ${noticedSeconds.toFixed(1)} s and paid in ${drainSeconds.toFixed(1)} s: ${drained.toFixed(1)} a second beside live rounds, ` +
      `${((100 * drained) / peakPayouts).toFixed(0)} % of the peak of ${peakPayouts.toFixed(1)} without them. The last round's workflow was told ${tellingSeconds.toFixed(1)} s later.`,
    '',
    ...liveTable({
      'the partner before': outage.ownBefore,
      'the partner while it drains': outage.ownDrain,
      'the partner while rounds are told': outage.ownTold,
      'the other partner before': outage.neighbourBefore,
      'the other partner during the outage': outage.neighbourOut,
      'the other partner while it drains': outage.neighbourDrain,
    }),
  ].join('\n');
}

function liveTable(lives: Readonly<Record<string, Live>>): string[] {
  return [
    row([
      'live rounds of',
      'rounds/s',
      'Credit p50/p99 ms',
      'Debit p50/p99 ms',
      'longest gap ms',
      'repeated / refused',
    ]),
    row(['---', '---', '---', '---', '---', '---']),
    ...Object.entries(lives).map(([name, live]) =>
      row([
        name,
        (live.rounds / live.seconds).toFixed(1),
        pair(live.stakes),
        pair(live.payouts),
        live.longestGapMs.toFixed(0),
        `${String(live.retries)} / ${String(live.refused)}`,
      ]),
    ),
  ];
}

const pair = (values: readonly number[]) =>
  `${quantile(values, 0.5).toFixed(0)} / ${quantile(values, 0.99).toFixed(0)}`;
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
