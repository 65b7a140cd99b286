// npm run bench: installs and builds what is missing, then runs the bench: bench/main.ts, or the program that
// the first option names.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, ensureBuilt, ensureInstalled, requireNode } from './prepare.mjs';

requireNode();
ensureInstalled();
ensureBuilt();

const PROGRAMS = { '--scale': 'scale.ts', '--full': 'full.ts', '--account': 'account.ts' };
const args = process.argv.slice(2);
const program = PROGRAMS[args[0]] ?? 'main.ts';
// DBOS and Restate are installed when they are first wanted; a quick run has neither.
const wanted = /--subjects[= ](\S+)/.exec(args.join(' '))?.[1];
const isWanted = (name) =>
  (wanted ?? (args.includes('--quick') || program !== 'main.ts' ? '' : name)).includes(name);
if (isWanted('dbos') || isWanted('restate')) {
  // Their install scripts report to their makers and do nothing else.
  ensureInstalled(join(ROOT, 'bench'), ['--ignore-scripts']);
}

const bench = spawn(
  process.execPath,
  ['-r', join(ROOT, 'scripts', 'typescript.cjs'), join(ROOT, 'bench', program), ...args],
  { cwd: ROOT, stdio: 'inherit' },
);
// The bench ends its own processes; we only report how it ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => bench.kill(signal));
bench.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
