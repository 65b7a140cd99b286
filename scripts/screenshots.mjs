// npm run screenshots: installs and builds what is missing, then takes the pictures (test/tour/main.ts).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, ensureBuilt, ensureInstalled, requireNode } from './prepare.mjs';

requireNode();
ensureInstalled();
ensureBuilt();

const tour = spawn(
  process.execPath,
  [
    '-r',
    join(ROOT, 'scripts', 'typescript.cjs'),
    join(ROOT, 'test', 'tour', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
// The tour ends its own processes; we only report how it ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => tour.kill(signal));
tour.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
