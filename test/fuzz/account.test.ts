import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountOf, EXAMPLES_MIN, type CallLine } from './account';

const NAME = 'POST /create-user';

/** A run in which everything was as it should be. */
function goodRun(calls = EXAMPLES_MIN) {
  const line = (number: number): CallLine => ({
    operation: NAME,
    method: 'POST',
    phase: 'fuzzing',
    mode: 'positive',
    status: number % 2 === 0 ? 200 : 400,
    code: null,
  });
  return {
    surface: 'partner',
    operations: [NAME],
    calls: Array.from({ length: calls }, (_, number) => line(number)),
    findings: [],
    ended: 'well',
  };
}
const faultsOf = (run: Parameters<typeof accountOf>[0]) => {
  const { operations, faults } = accountOf(run);
  return [...operations.flatMap((operation) => operation.faults), ...faults];
};

describe('what a run of the fuzzer amounts to', () => {
  test('a run with every example and no finding has no fault', () => {
    expect(faultsOf(goodRun())).toEqual([]);
  });

  test('a finding is a fault of its operation, or of the surface when it belongs to none', () => {
    const findings = [
      { operation: NAME, title: 'Server error' },
      { operation: 'schemathesis', title: 'Unreadable document' },
    ];
    expect(faultsOf({ ...goodRun(), findings })).toEqual([
      'Server error',
      'schemathesis: Unreadable document',
    ]);
  });

  test('an operation with too few examples is a fault, and so are calls that only say who they are not', () => {
    expect(faultsOf(goodRun(EXAMPLES_MIN - 1))).toEqual(['only 99 examples were tried']);
    const refused = goodRun().calls.map((call) => ({ ...call, status: 401 }));
    expect(faultsOf({ ...goodRun(), calls: refused })).toEqual(['only 0 calls had success']);
    const declined = goodRun().calls.map((call) => ({ ...call, status: 200, code: 10 }));
    expect(faultsOf({ ...goodRun(), calls: declined })).toEqual(['only 0 calls had success']);
    const accepted = goodRun().calls.map((call) => ({ ...call, status: 200 }));
    expect(faultsOf({ ...goodRun(), calls: accepted })).toEqual(['nothing was refused']);
  });

  test('a document without operations and a fuzzer that broke are faults', () => {
    expect(faultsOf({ ...goodRun(), operations: [] })).toHaveLength(1);
    expect(faultsOf({ ...goodRun(), ended: 'schemathesis ended with 3' })).toHaveLength(1);
  });
});

describe('the closing line of .ci/run', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'roundhouse-count-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function closing(fuzz: { report?: object; exit: string }) {
    const file = (name: string) => join(folder, name);
    const tests = { numPassedTests: 40, numFailedTests: 0, numRuntimeErrorTestSuites: 0 };
    writeFileSync(file('tests'), JSON.stringify(tests));
    writeFileSync(file('checks'), `${JSON.stringify({ checks: [{ name: 'lint', ok: true }] })}\n`);
    if (fuzz.report) writeFileSync(file('fuzz'), JSON.stringify(fuzz.report));
    const script = join(__dirname, '..', '..', 'scripts', 'count-results.mjs');
    const args = [script, file('tests'), file('checks'), '0', file('fuzz'), fuzz.exit];
    const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return { line: stdout.trim(), status };
  }

  test('counts what the fuzzer has seen to hold, and what not', () => {
    const good = { passed: 11, failed: 0 };
    expect(closing({ report: good, exit: '0' })).toEqual({
      line: '51 passed, 0 failed',
      status: 0,
    });
    expect(closing({ report: { passed: 9, failed: 2 }, exit: '1' })).toEqual({
      line: '49 passed, 2 failed',
      status: 1,
    });
  });

  test('a fuzzer that could not run, or broke at its end, is a failure', () => {
    expect(closing({ exit: '1' })).toEqual({ line: '40 passed, 1 failed', status: 1 });
    expect(closing({ report: { passed: 0, failed: 0 }, exit: '0' }).status).toBe(1);
    expect(closing({ report: { passed: 11, failed: 0 }, exit: '1' }).status).toBe(1);
  });
});
