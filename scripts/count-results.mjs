// node scripts/count-results.mjs <jest report> <failed checks>: prints the closing line of .ci/run,
// `N passed, N failed`, and exits with 1 unless everything passed. The numbers are jest's own; what failed
// without being a test (no report, a test file that does not load, a static check) counts as one each.
import { existsSync, readFileSync } from 'node:fs';

const [file, failedChecks] = process.argv.slice(2);
let passed = 0;
let failed = Number(failedChecks);
if (file !== undefined && existsSync(file)) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed = report.numPassedTests;
  failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
} else {
  failed += 1;
}
// jest ended with a failure that its report does not show: a global set-up or a coverage threshold.
if (failed === 0 && (process.env.TESTS_EXIT_CODE ?? '0') !== '0') failed = 1;
if (passed === 0 && failed === 0) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
