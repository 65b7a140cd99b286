// npm run chaos: installs and builds what is missing, then runs the chaos machine (test/chaos/main.ts).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, ensureBuilt, ensureInstalled, requireNode } from './prepare.mjs';

requireNode();
ensureInstalled();
ensureBuilt();

const machine = spawn(
  process.execPath,
  [
    '-r',
    join(ROOT, 'scripts', 'typescript.cjs'),
    join(ROOT, 'test', 'chaos', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
// The machine ends its own processes; we only report how it ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => machine.kill(signal));
machine.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
