import { join } from 'node:path';
import { childEnvironment } from '../src/config/child-environment';
import type { StackHome } from '../src/stack/home';
import { untilReady } from '../src/stack/keep-running';
import { startProcess, type RunningProcess } from '../src/stack/running-process';

const ROOT = join(__dirname, '..');
const READY_TIMEOUT_MS = 60_000;

export interface StartNode {
  readonly name: string;
  /** Below the repository's root: a built `.js` below dist/, or a `.ts` of the bench. */
  readonly script: string;
  /** What a program of the bench is told; it reads it with `readConfig`. */
  readonly config?: unknown;
  readonly env?: Record<string, string>;
  readonly nodeArgs?: readonly string[];
}

/** Starts a Node.js program and waits until it says that it is ready. */
export async function startNode(home: StackHome, options: StartNode): Promise<RunningProcess> {
  const { name, script, config, env = {}, nodeArgs = [] } = options;
  // The guard ends it when this process is killed and can end nobody any more.
  const guard = join(ROOT, 'dist', 'stack', 'child-guard.js');
  const compiler = join(ROOT, 'scripts', 'typescript.cjs');
  const running = startProcess({
    name,
    command: process.execPath,
    args: [
      ...nodeArgs,
      ...['--enable-source-maps', '--require', guard],
      ...(script.endsWith('.ts') ? ['--require', compiler] : []),
      join(ROOT, script),
      ...(config === undefined ? [] : [JSON.stringify(config)]),
    ],
    env: childEnvironment(env),
    logFile: home.logFile(name),
    ipc: true,
  });
  home.remember(running);
  await untilReady(running, running.saidReady, READY_TIMEOUT_MS);
  return running;
}

/** What `startNode` was given as `config`. */
export function readConfig<Config>(): Config {
  return JSON.parse(process.argv[2] ?? '{}') as Config;
}

/** Tells `startNode` that this program is ready. */
export function sayReady(): void {
  process.send?.({ ready: true });
}
