// node scripts/temporal-server.mjs: builds and runs the real Temporal server on PostgreSQL
// (docs/operations/temporal-server.md).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, ensureInstalled, requireNode } from './prepare.mjs';

requireNode();
ensureInstalled();

const main = join(ROOT, 'bench', 'temporal-server', 'main.ts');
const server = spawn(
  process.execPath,
  ['-r', join(ROOT, 'scripts', 'typescript.cjs'), main, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
// It ends its own processes; we only report how it ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));
server.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
