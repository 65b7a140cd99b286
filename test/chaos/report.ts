import type { Unrest } from './drain';
import type { FaultRecord } from './nemesis';
import { replayCommand, type ChaosOptions } from './options';

export interface ChaosResult {
  readonly options: ChaosOptions;
  readonly playedMs: number;
  readonly provider: {
    readonly rounds: number;
    readonly operations: number;
    readonly ok: number;
    readonly refused: number;
    readonly unanswered: number;
  };
  readonly faults: readonly FaultRecord[];
  /** Planned, and never begun. */
  readonly unbegunFaults: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly failpointsHit: readonly string[];
  readonly failpointsMissing: readonly string[];
  /** From the end of the faults until everything was at rest; null when it never was. */
  readonly drainMs: number | null;
  readonly unrest: Unrest;
  readonly invariants: Readonly<Record<string, string>>;
  /** What ended though the nemesis did not kill it: how, and how often. */
  readonly ownEnds: Readonly<Record<string, number>>;
  /** By kind. */
  readonly cases: Readonly<Record<string, number>>;
}

/** Below this, so little went well that the run shows nothing. */
const OK_SHARE_MIN = 0.7;
export const DRAIN_MS_MAX = 60_000;

/** Why the run counts as failed; empty when it went well. */
export function failuresOf(result: ChaosResult): string[] {
  const { provider, options, drainMs, unrest } = result;
  const failures: string[] = [];
  if (provider.rounds < options.rounds) {
    failures.push(
      `only ${String(provider.rounds)} of ${String(options.rounds)} rounds were played`,
    );
  }
  if (shareOf(result) < OK_SHARE_MIN) {
    failures.push(`${percent(shareOf(result))} of the operations ended ok, which shows nothing`);
  }
  const notFired = result.faults.filter(({ fired }) => !fired);
  for (const { kind, target } of notFired) failures.push(`fault ${kind} did not fire: ${target}`);
  if (result.unbegunFaults > 0) {
    failures.push(`${String(result.unbegunFaults)} planned faults were never begun`);
  }
  for (const [how, count] of Object.entries(unexplainedEnds(result))) {
    failures.push(`${how}, ${String(count)} times, though nobody killed it`);
  }
  for (const name of result.failpointsMissing) failures.push(`failpoint ${name} was never hit`);
  if (drainMs === null) {
    failures.push(`not at rest: ${JSON.stringify({ ...unrest, examples: unrest.examples })}`);
  } else if (drainMs > DRAIN_MS_MAX) {
    failures.push(`it took ${seconds(drainMs)} to come to rest`);
  }
  for (const [name, text] of Object.entries(result.invariants)) {
    if (text !== 'ok') failures.push(`${name}: ${text}`);
  }
  return failures;
}

/** The line for machines. */
export function jsonLine(result: ChaosResult): string {
  return JSON.stringify({
    ok: failuresOf(result).length === 0,
    seed: result.options.seed,
    rounds: result.provider.rounds,
    operations_ok_share: Number(shareOf(result).toFixed(4)),
    kills: killsOf(result),
    faults: faultsOf(result),
    drain_ms: result.drainMs,
    invariants: result.invariants,
  });
}

/** The report for people, as Markdown; it reads well in a terminal, too. */
export function markdown(result: ChaosResult, commit?: string): string {
  const { options, provider, drainMs } = result;
  const failures = failuresOf(result);
  return [
    `# Chaos run ${options.scenario.name}, seed ${String(options.seed)}: ${failures.length === 0 ? 'ok' : 'FAILED'}`,
    '',
    `\`${replayCommand(options)}\``,
    '',
    `${options.scenario.promise}.`.replace(/^./, (letter) => letter.toUpperCase()),
    '',
    '| | |',
    '|---|---|',
    ...(commit === undefined ? [] : [`| commit | ${commit} |`]),
    `| played | ${seconds(result.playedMs)} |`,
    `| rounds | ${String(provider.rounds)} |`,
    `| operations | ${String(provider.operations)}: ${String(provider.ok)} ok (${percent(shareOf(result))}), ${String(provider.refused)} refused, ${String(provider.unanswered)} unanswered |`,
    `| kills | ${listed(killsOf(result))} |`,
    `| time to drain | ${drainMs === null ? 'never' : seconds(drainMs)} |`,
    `| cases | ${listed(result.cases)} |`,
    `| failpoints | ${String(result.failpointsHit.length)} hit, ${String(result.failpointsMissing.length)} not |`,
    '',
    ...section('Failures', failures),
    ...section(
      'Invariants',
      Object.entries(result.invariants).map(([name, text]) => `${name}: ${text}`),
    ),
    ...section('Faults by kind', countLines(faultsOf(result))),
    ...section('Failpoints hit', result.failpointsHit),
    ...section('Ended though nobody killed it', countLines(unexplainedEnds(result))),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [`## ${title}`, '', ...lines.map((line) => `- ${line}`), ''];
}

function shareOf({ provider }: ChaosResult): number {
  return provider.operations === 0 ? 0 : provider.ok / provider.operations;
}

function killsOf({ kills, failpointsHit }: ChaosResult): Record<string, number> {
  return failpointsHit.length === 0 ? { ...kills } : { ...kills, failpoint: failpointsHit.length };
}

/**
 * A failpoint's death is a SIGKILL as well: only when there are more of these, one is unexplained (fewer, when
 * the nemesis killed the same process in that moment). A process
 * that ends with 1 while it starts found its database or Temporal down: its supervisor starts it again.
 */
function unexplainedEnds({ ownEnds, failpointsHit }: ChaosResult): Record<string, number> {
  const isKill = ([how]: [string, number]) => how.includes('SIGKILL');
  const ends = Object.entries(ownEnds).filter(([how]) => !/did not start: .*code 1$/.test(how));
  const killed = ends.filter(isKill).reduce((sum, [, count]) => sum + count, 0);
  if (killed > failpointsHit.length) return Object.fromEntries(ends);
  return Object.fromEntries(ends.filter((end) => !isKill(end)));
}

function faultsOf({ faults }: ChaosResult): Record<string, number> {
  const counts: Record<string, number> = {};
  const fired = faults.filter((fault) => fault.fired).map(({ kind }) => kind);
  for (const kind of fired.toSorted()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const countLines = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).map(([what, count]) => `${what}: ${String(count)}`);
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const listed = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([kind, count]) => `${kind} ${String(count)}`)
    .join(', ') || 'none';
