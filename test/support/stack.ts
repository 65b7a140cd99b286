import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../src/lib/clock';
import { freePorts } from '../../src/stack/ports';
import { commandLineOf, isAlive, signalProcess } from '../../src/stack/process-table';
import { readDemo, type Demo } from '../../src/stack/seed';

const ROOT = join(__dirname, '..', '..');

/** A whole stack takes about 15 s on a small machine; a busy one may need much longer. */
const READY_TIMEOUT_MS = 120_000;

const PORT_VARIABLES = [
  'API_PORT',
  'SANDBOX_PROVIDER_PORT',
  'SANDBOX_PARTNER_PORT',
  'TEMPORAL_PORT',
  'TEMPORAL_UI_PORT',
  'POSTGRES_PORT',
  'METRICS_PORT',
] as const;

export type StackPorts = Record<(typeof PORT_VARIABLES)[number], number>;

/** One start of the supervisor. */
export interface StackRun {
  readonly pid: number;
  /** Everything it has printed so far. */
  output(): string;
  /** How it ended; waits until it has. */
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  signal(signal: NodeJS.Signals): void;
}

/** A stack of its own: state folder, ports and environment stay the same from start to start. */
export interface TestStack {
  readonly home: string;
  readonly ports: StackPorts;
  readonly environment: NodeJS.ProcessEnv;
  /** Starts `dist/stack/main.js` without waiting for anything. */
  launch(args?: readonly string[], variables?: Record<string, string>): StackRun;
  /** Starts it and waits until it is ready. Throws with its output when it ends instead. */
  start(args?: readonly string[]): Promise<StackRun>;
  demo(): Demo;
  /** Every process of this stack that is alive now, the supervisor included. */
  processes(): { pid: number; command: string }[];
  /** SIGKILL to all of them at once, as a power cut would end them. */
  killEverything(): Promise<void>;
  /** SIGTERM to the supervisor, waits for its end. */
  stop(): Promise<void>;
  /** Ends whatever is left and removes the state folder. */
  dispose(): Promise<void>;
}

/** Prepares a stack on free ports in a new state folder; nothing is started yet. */
export async function createTestStack(): Promise<TestStack> {
  const home = await mkdtemp(join(tmpdir(), 'roundhouse-stack-'));
  await chmod(home, 0o711);
  const numbers = await freePorts(PORT_VARIABLES.length);
  const ports = Object.fromEntries(
    PORT_VARIABLES.map((name, index) => [name, numbers[index]]),
  ) as StackPorts;
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    ROUNDHOUSE_ENV: 'development',
    ROUNDHOUSE_HOME: home,
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
  };
  const foreign = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'NODE_ENV', 'MASTER_KEY', 'MASTER_KEY_FILE'];
  for (const name of foreign) delete environment[name];
  let current: { child: ChildProcess; run: StackRun } | undefined;

  const launch = (args: readonly string[] = [], variables: Record<string, string> = {}) => {
    current = spawnSupervisor(args, { ...environment, ...variables });
    return current.run;
  };

  const processes = () => processesOf(home, current?.run.pid);

  const killEverything = async () => {
    // New ones may appear between two looks: a supervisor that is still alive starts what dies.
    for (let left = processes(); left.length > 0; left = processes()) {
      for (const { pid } of left) signalProcess(pid, 'SIGKILL');
      await sleep(50);
    }
  };

  const stop = async () => {
    current?.run.signal('SIGTERM');
    await current?.run.ended();
  };

  return {
    home,
    ports,
    environment,
    launch,
    async start(args = []) {
      const run = launch(args);
      await untilReady(run);
      return run;
    },
    demo() {
      const demo = readDemo(join(home, 'demo.json'));
      if (demo === undefined) throw new Error(`no demo.json in ${home}`);
      return demo;
    },
    processes,
    killEverything,
    stop,
    async dispose() {
      await killEverything();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Waits for the stack's last line. */
export async function untilReady(run: StackRun): Promise<void> {
  let ended = false;
  void run.ended().then(() => (ended = true));
  const end = Date.now() + READY_TIMEOUT_MS;
  while (!run.output().includes('Ready in ')) {
    if (ended) throw new Error(`the stack ended instead of getting ready:\n${run.output()}`);
    if (Date.now() > end) throw new Error(`the stack is not ready:\n${run.output()}`);
    await sleep(100);
  }
}

function spawnSupervisor(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { child: ChildProcess; run: StackRun } {
  // A session of its own, so that a Ctrl-C for the test run does not reach it past its test.
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'stack', 'main.js'), ...args], {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the supervisor could not be started');
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  return {
    child,
    run: {
      pid,
      output: () => output,
      ended: () => ended,
      signal: (signal) => signalProcess(pid, signal),
    },
  };
}

/**
 * The processes of one stack, found without asking the stack: by the environment of our own (the state
 * folder is in it), which children inherit and keep when their parent dies. Linux only, like the rest of
 * these tests.
 */
function processesOf(
  home: string,
  supervisor: number | undefined,
): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 1 && pid !== process.pid)
    .filter((pid) => isAlive(pid) && (pid === supervisor || namesHome(pid, home)))
    .map((pid) => ({ pid, command: commandLineOf(pid) ?? '' }));
}

function namesHome(pid: number, home: string): boolean {
  try {
    const variables = readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
    return variables.includes(`ROUNDHOUSE_HOME=${home}`);
  } catch {
    return false;
  }
}
