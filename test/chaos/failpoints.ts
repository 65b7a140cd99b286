import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../src/lib/clock';
import type { PlannedFailpoint } from './plan';

export interface ArmedFailpoints {
  /** Arms each at its time; resolves when all have been hit, or soon after `stop`. */
  run(): Promise<void>;
  stop(): void;
  /** Those at which a process died. */
  hit(): readonly string[];
  /** Those which no process has come by, armed or not. */
  missing(): readonly string[];
}

/**
 * Arms each failpoint once: whichever process comes by first renames the file and dies. A file stays until
 * then, so no point is missed because nothing of its kind happened to be under way.
 */
export function armFailpoints(
  dir: string,
  plan: readonly PlannedFailpoint[],
  report: (line: string) => void,
): ArmedFailpoints {
  const stopping = new AbortController();
  const hit = new Set<string>();
  const beganAt = Date.now();

  async function armOne({ name, atMs }: PlannedFailpoint): Promise<void> {
    await sleep(Math.max(0, atMs - (Date.now() - beganAt)), stopping.signal);
    if (stopping.signal.aborted) return;
    const armed = join(dir, name);
    // Written beside it and renamed: nobody sees a file without its content.
    writeFileSync(`${armed}.unfinished`, 'kill');
    renameSync(`${armed}.unfinished`, armed);
    while (!stopping.signal.aborted && !existsSync(`${armed}.hit`)) {
      await sleep(100, stopping.signal);
    }
    if (withdraw(armed)) return;
    hit.add(name);
    report(`failpoint ${name}: hit`);
  }

  /** The faults are over: what nobody came by must not kill anybody now. False when somebody has. */
  function withdraw(armed: string): boolean {
    try {
      renameSync(armed, `${armed}.withdrawn`);
      return true;
    } catch {
      return false;
    }
  }

  return {
    async run() {
      await Promise.all(plan.map(armOne));
    },
    stop: () => stopping.abort(),
    hit: () => [...hit].sort(),
    missing: () => plan.map(({ name }) => name).filter((name) => !hit.has(name)),
  };
}
