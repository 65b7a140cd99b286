/** Each operation gets at least so many requests of the fuzzing phase. */
export const EXAMPLES_MIN = 100;

/** A call, as test/fuzz/hooks.py wrote it down. */
export interface CallLine {
  readonly operation: string;
  readonly method: string;
  readonly phase: string | null;
  readonly mode: string | null;
  readonly status: number;
  /** Of a callback's answer. */
  readonly code: number | null;
}

export interface Finding {
  readonly operation: string;
  readonly title: string;
}

export interface OperationAccount {
  readonly name: string;
  readonly summary: string;
  readonly faults: readonly string[];
}

export interface SurfaceAccount {
  readonly surface: string;
  readonly operations: readonly OperationAccount[];
  /** What belongs to no single operation. */
  readonly faults: readonly string[];
}

/**
 * What a run amounts to. A run that never got behind the door proves nothing, so each operation must have
 * had its examples, some of them answered with success and, where there is something to refuse, some refused.
 */
export function accountOf(run: {
  readonly surface: string;
  readonly operations: readonly string[];
  readonly calls: readonly CallLine[];
  readonly findings: readonly Finding[];
  readonly ended: string;
}): SurfaceAccount {
  const operations = run.operations.map((name) => {
    const [method, path = ''] = name.split(' ');
    const calls = run.calls.filter((call) => call.operation === name && call.method === method);
    const fuzzed = calls.filter((call) => call.phase === 'fuzzing');
    const good = calls.filter(isSuccess).length;
    const faults = run.findings
      .filter(({ operation }) => operation === name)
      .map(({ title }) => title);
    if (fuzzed.length < EXAMPLES_MIN) faults.push(`only ${fuzzed.length} examples were tried`);
    if (good < EXAMPLES_MIN / 20) faults.push(`only ${good} calls had success`);
    if (good === calls.length && !path.startsWith('/health')) faults.push('nothing was refused');
    return { name, summary: `${name}: ${calls.length} calls, ${tally(calls)}`, faults };
  });
  const known = new Set(run.operations);
  const strays = run.findings.filter(({ operation }) => !known.has(operation));
  const faults = strays.map(({ operation, title }) => `${operation}: ${title}`);
  if (operations.length === 0) faults.push('the document describes no operation');
  if (run.ended !== 'well' && run.findings.length === 0) faults.push(run.ended);
  return { surface: run.surface, operations, faults };
}

function isSuccess({ status, code }: CallLine): boolean {
  return status === 200 && (code === null || code === 0);
}

/** How often each answer came: `200 x 80, 400 x 40`, or by code where every status is 200. */
function tally(calls: readonly CallLine[]): string {
  const counts = new Map<string, number>();
  for (const { status, code } of calls) {
    const answer = code === null ? String(status) : `code ${code}`;
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return [...counts].map(([answer, count]) => `${answer} x ${count}`).join(', ');
}
