// node scripts/count-results.mjs <jest report> <checks report> <exit code of the tests> <fuzz report> <its exit
// code>: prints the closing line of .ci/run, `N passed, N failed`, and exits with 1 unless everything passed. The
// tests are counted by jest's own report, the operations of the API by the fuzzer's. What failed without being
// one of them counts as one each: a test file that does not load, a static check, a report that is missing.
import { existsSync, readFileSync } from 'node:fs';

const [testsReport, checksReport, testsExit, fuzzReport, fuzzExit] = process.argv.slice(2);
const tests = countTests(testsReport);
const fuzz = countFuzz(fuzzReport);
const passed = tests.passed + fuzz.passed;
const failed = tests.failed + fuzz.failed + countFailedChecks(checksReport);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);

function countTests(path) {
  if (!existsSync(path)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(path, 'utf8'));
  const failures = report.numFailedTests + report.numRuntimeErrorTestSuites;
  // jest may fail in a way its report does not show; a run without a single test proves nothing.
  const hidden = failures === 0 && (testsExit !== '0' || report.numPassedTests === 0);
  return { passed: report.numPassedTests, failed: hidden ? 1 : failures };
}

/** The fuzzer writes its report at its end; without one (no Python, no stack) it has proved nothing. */
function countFuzz(path) {
  if (!existsSync(path)) return { passed: 0, failed: 1 };
  const { passed, failed } = JSON.parse(readFileSync(path, 'utf8'));
  const hidden = failed === 0 && (fuzzExit !== '0' || passed === 0);
  return { passed, failed: hidden ? 1 : failed };
}

/** The checks print one line of JSON at their end. */
function countFailedChecks(path) {
  try {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    return JSON.parse(lines.at(-1)).checks.filter((check) => !check.ok).length;
  } catch {
    return 1;
  }
}
