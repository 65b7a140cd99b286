// npm run bench: installs and builds what is missing, then runs the bench (bench/main.ts).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, ensureBuilt, ensureInstalled, requireNode } from './prepare.mjs';

requireNode();
ensureInstalled();
ensureBuilt();

const bench = spawn(
  process.execPath,
  [
    '-r',
    join(ROOT, 'scripts', 'typescript.cjs'),
    join(ROOT, 'bench', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
// The bench ends its own processes; we only report how it ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => bench.kill(signal));
bench.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
