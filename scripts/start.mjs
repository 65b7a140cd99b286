// npm start: installs and builds what is missing, then becomes the supervisor of the stack.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, ensureBuilt, ensureInstalled, requireNode } from './prepare.mjs';

requireNode();
process.chdir(ROOT);
ensureInstalled();
ensureBuilt();
process.env.ROUNDHOUSE_ENV ??= 'development';
stopWithNpm();
await import(pathToFileURL(join(ROOT, 'dist', 'stack', 'main.js')).href);

/**
 * npm hands a signal to the shell between itself and us, and not every shell passes it on: when npm is
 * gone, so are we.
 */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event !== 'start') return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}
