// npm start: installs and builds what is missing, then becomes the supervisor of the stack.
import { readFileSync } from 'node:fs';
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
 * npm runs us below a shell, and not every shell passes a signal on, nor does a killed npm: when one of
 * those two above us is gone, nobody could stop the stack any more, so it stops itself.
 */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event !== 'start') return;
  const above = ancestors();
  const watch = setInterval(() => {
    if (ancestors() === above) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

/** Our parent, and its parent where ours is npm's shell: above npm it is nobody's business who leaves. */
function ancestors() {
  const parent = process.ppid;
  try {
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(
      readFileSync(`/proc/${parent}/stat`, 'utf8'),
    );
    return /^(ba|da)?sh$/.test(name) ? `${parent} ${rest.split(' ')[1]}` : `${parent}`;
  } catch {
    return `${parent}`;
  }
}
