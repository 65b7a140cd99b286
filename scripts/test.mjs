// npm test: installs and builds what is missing (the end-to-end tests run the build), then runs jest.
// Arguments go to jest: npm test -- --selectProjects unit
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, ensureBuilt, ensureInstalled, requireNode } from './prepare.mjs';

requireNode();
ensureInstalled();
ensureBuilt();

/** jest's own account of the run: `.ci/run` counts from it. */
const REPORT = join(ROOT, '.cache', 'jest-report.json');
mkdirSync(join(ROOT, '.cache'), { recursive: true });

const jest = spawn(
  process.execPath,
  [
    join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js'),
    '--json',
    `--outputFile=${REPORT}`,
    ...process.argv.slice(2),
  ],
  // With --json jest prints the report on standard output as well; people read standard error.
  { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] },
);
// jest ends its servers in the tear-down, so a signal is its business; we only report how it ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
jest.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
