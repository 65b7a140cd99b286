import { cpus } from 'node:os';
import type { ThreadProfile } from './measure/cpu-profile';
import type { StatementTime } from './measure/statements';
import type { Turn } from './turn';

/** What was seen of one turn. */
export interface Account {
  readonly turn: Turn;
  readonly inFlight: number;
  /** By `process.hrtime`. */
  readonly fromUs: number;
  readonly toUs: number;
  /** Of our processes; `index` 0 is a process's main thread. */
  readonly threads: readonly {
    readonly process: string;
    readonly pid: number;
    readonly index: number;
    readonly name: string;
    readonly seconds: number;
  }[];
  /** PostgreSQL's processes by whom they work for. */
  readonly backends: readonly { readonly name: string; readonly seconds: number }[];
  readonly statements: readonly StatementTime[];
  /** CPU of the Temporal server by part; undefined for one that does not tell. */
  readonly goParts: ReadonlyMap<string, number> | undefined;
  readonly profiles: readonly ThreadProfile[];
}

/** The thread that `--cpu-prof` has V8 start. */
const PROFILER = 'v8:ProfEvntProc';
/** Parts of a thread, and statements, that are told by name; the others are a line together. */
const PARTS_TOLD = 16;
const STATEMENTS_TOLD = 20;
const QUERY_CHARACTERS = 100;

type Line = readonly [name: string, ms: number];

/** The account as Markdown; everything in milliseconds of CPU for a round unless it says otherwise. */
export function accountTables(account: Account): string {
  const { turn, inFlight } = account;
  const { rounds } = turn;
  const perRound = (seconds: number) => (seconds * 1_000) / rounds;
  const processes = Object.entries(turn.cpu)
    .filter(([name]) => !/^(wallet|provider)$/.test(name))
    .map(([name, seconds]): Line => [name, seconds - profilerSeconds(account, name)]);
  const total = processes.reduce((sum, [, seconds]) => sum + seconds, 0);
  return [
    '# Where the CPU of a won round goes',
    '',
    `Made by \`npm run bench -- --account\`: ${String(rounds)} won rounds at ${(rounds / turn.seconds).toFixed(1)} a second, ` +
      `${String(inFlight)} in flight, on ${String(cpus().length)} cores (${cpus()[0]?.model ?? ''}), Node.js ${process.version}. ` +
      'How it is made is in [README.md](README.md#where-the-cpu-goes). All figures are milliseconds of CPU a round ' +
      'unless it is said otherwise. The profilers take some themselves: the thread that V8 has for it is left out of the ' +
      'first table, what they take in other threads is not.',
    table('By process', total, processes, perRound),
    ...threadTables(account, perRound),
    ...postgresTables(account, perRound),
    ...temporalTables(account, perRound),
  ].join('\n');
}

function profilerSeconds({ threads }: Account, process: string): number {
  return threads
    .filter((thread) => thread.process === process && thread.name === PROFILER)
    .reduce((sum, { seconds }) => sum + seconds, 0);
}

function threadTables({ threads, profiles }: Account, perRound: (seconds: number) => number) {
  return [...new Set(threads.map(({ process }) => process))].flatMap((process) => {
    const own = threads.filter((thread) => thread.process === process);
    const profiled = own.length === 0 ? [] : profiles.filter(({ pid }) => pid === own[0]?.pid);
    const named = new Map(profiled.map((profile) => [threadOf(profile, own), profile]));
    const sums = new Map<string, number>();
    for (const thread of own) {
      const name = nameOf(thread, named.get(thread));
      sums.set(name, (sums.get(name) ?? 0) + thread.seconds);
    }
    const total = [...sums.values()].reduce((sum, seconds) => sum + seconds, 0);
    return [
      table(`${process}: threads`, total, [...sums], perRound),
      ...[...named].flatMap(([thread, profile]) =>
        thread === undefined || profile.busyUs === 0
          ? []
          : [
              table(
                `${process}: ${nameOf(thread, profile)} by part`,
                thread.seconds,
                // Samples are of the clock; the thread's own account says what of it was CPU.
                [...profile.parts].map(([part, us]) => [
                  part,
                  (us / profile.busyUs) * thread.seconds,
                ]),
                perRound,
              ),
              `\nWriting to sockets, wherever above: ${perRound((profile.writesUs / profile.busyUs) * thread.seconds).toFixed(2)}`,
            ],
      ),
    ];
  });
}

type Thread = Account['threads'][number];

/** Node's number says which is the main one; any other is the thread that worked about as long as its profile says. */
function threadOf({ threadId, busyUs }: ThreadProfile, threads: readonly Thread[]) {
  if (threadId === 0) return threads.find(({ index }) => index === 0);
  const distance = (thread: Thread) => Math.abs(thread.seconds - busyUs / 1e6);
  return threads
    .filter(({ index, name }) => index > 0 && name === 'node')
    .sort((a, b) => distance(a) - distance(b))[0];
}

function nameOf({ index, name }: Thread, profile: ThreadProfile | undefined): string {
  if (index === 0) return 'main thread';
  if (profile) return 'workflow thread';
  if (name === PROFILER) return 'the profiler itself';
  if (name === 'node') return "V8's compilers and garbage collectors, libuv";
  return `SDK's core (${name})`;
}

function postgresTables(
  { turn, backends, statements }: Account,
  perRound: (seconds: number) => number,
): string[] {
  const sums = new Map<string, number>();
  for (const { name, seconds } of backends) sums.set(name, (sums.get(name) ?? 0) + seconds);
  const { rounds } = turn;
  const told = statements
    .slice(0, STATEMENTS_TOLD)
    .map(({ query, calls, plans, ms }) =>
      row([
        `\`${query.slice(0, QUERY_CHARACTERS).replaceAll('|', '\\|').replaceAll('`', '')}\``,
        (calls / rounds).toFixed(2),
        (plans / rounds).toFixed(2),
        (ms / rounds).toFixed(3),
      ]),
    );
  const left = statements.slice(STATEMENTS_TOLD);
  const sum = (values: readonly number[]) => values.reduce((all, each) => all + each, 0);
  return [
    table('postgres: processes', turn.cpu.postgres ?? 0, [...sums], perRound),
    '\n## postgres: statements\n',
    'Elapsed milliseconds by its own account, from the plan to the last row: time without a core is in it, what the ' +
      'protocol and the commit of a transaction cost outside a statement is not.\n',
    row(['statement', 'a round', 'planned', 'ms a round']),
    row(['---', '---:', '---:', '---:']),
    ...told,
    row([
      `${String(left.length)} others`,
      (sum(left.map(({ calls }) => calls)) / rounds).toFixed(2),
      (sum(left.map(({ plans }) => plans)) / rounds).toFixed(2),
      (sum(left.map(({ ms }) => ms)) / rounds).toFixed(3),
    ]),
    row([
      '**all**',
      (sum(statements.map(({ calls }) => calls)) / rounds).toFixed(2),
      (sum(statements.map(({ plans }) => plans)) / rounds).toFixed(2),
      (sum(statements.map(({ ms }) => ms)) / rounds).toFixed(3),
    ]),
  ];
}

function temporalTables({ turn, goParts }: Account, perRound: (seconds: number) => number) {
  if (!goParts) return ['\nThe development server does not tell what its CPU is used for.'];
  const sampled = [...goParts.values()].reduce((sum, ms) => sum + ms, 0);
  const seconds = turn.cpu.temporal ?? 0;
  return [
    table(
      'temporal by part',
      seconds,
      [...goParts].map(([part, ms]) => [part, (ms / sampled) * seconds]),
      perRound,
    ),
  ];
}

/** Lines in seconds, the largest first; what is left of the total is a line too. */
function table(
  title: string,
  total: number,
  lines: readonly Line[],
  perRound: (seconds: number) => number,
): string {
  const sorted = [...lines].sort(([, a], [, b]) => b - a);
  const told = sorted.slice(0, PARTS_TOLD);
  const rest = total - told.reduce((sum, [, seconds]) => sum + seconds, 0);
  const line = (name: string, seconds: number) =>
    row([name, perRound(seconds).toFixed(2), `${((100 * seconds) / total).toFixed(1)} %`]);
  return [
    `\n## ${title}\n`,
    row(['', 'ms a round', 'part']),
    row(['---', '---:', '---:']),
    ...told.map(([name, seconds]) => line(name, seconds)),
    ...(perRound(rest) >= 0.005 ? [line('the rest', rest)] : []),
    line('**all**', total),
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
