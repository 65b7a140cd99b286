import { closeSync, fsyncSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from './clock';

/** What an operation can die of here, by name: see docs/decisions/0002. */
export type Failpoints = (point: string, kind: string) => Promise<void>;

const KILL_AFTER_MS = 20;

const inert: Failpoints = () => Promise.resolve();

/**
 * Crash points for fault tests. A point fires when the file `<point>.<kind>` is in the folder; what the file
 * says is done: `kill` ends this process at once (SIGKILL), `throw` fails the step, `pause <ms>` holds it up.
 * The file is renamed to `….hit` before that, so that it fires once, in one process, and whoever armed it
 * can tell.
 *
 * @param dir undefined: nothing ever fires, and nothing is looked up
 */
export function createFailpoints(dir: string | undefined): Failpoints {
  if (dir === undefined) return inert;
  return async (point, kind) => {
    const action = claim(dir, `${point}.${kind}`);
    if (action === undefined) return;
    if (action === 'kill') {
      // What was begun before this point (bytes on their way to a wallet) gets out; nothing more is begun.
      await sleep(KILL_AFTER_MS);
      process.kill(process.pid, 'SIGKILL');
      await sleep(60_000);
    }
    const pause = /^pause (\d{1,6})$/.exec(action);
    if (pause) return sleep(Number(pause[1]));
    throw new Error(`failpoint ${point} of ${kind}`);
  };
}

function claim(dir: string, name: string): string | undefined {
  const armed = join(dir, name);
  const hit = `${armed}.hit`;
  try {
    renameSync(armed, hit);
  } catch {
    return undefined;
  }
  const file = openSync(hit, 'r');
  fsyncSync(file);
  closeSync(file);
  return readFileSync(hit, 'utf8').trim();
}
