import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { sleep } from '../../src/lib/clock';
import { createTestStack, untilReady, type StackRun, type TestStack } from '../support/stack';

/** Three starts of everything on a small machine. */
jest.setTimeout(300_000);

let stack: TestStack;
/** The supervisor that runs now, across the tests of a life of one stack. */
let running: StackRun;
beforeAll(async () => {
  stack = await createTestStack();
});
afterAll(async () => {
  await stack.dispose();
});

/** Waits until no process of the stack is left; gives back those that are after `timeoutMs`. */
async function leftAfter(timeoutMs: number): Promise<string[]> {
  const end = Date.now() + timeoutMs;
  while (stack.processes().length > 0 && Date.now() < end) await sleep(100);
  return stack.processes().map(({ command }) => command);
}

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

describe('what stops a start, in one sentence', () => {
  test('a taken port names port, variable and what to do, and nothing was started', async () => {
    const server = await listenOn(stack.ports.TEMPORAL_UI_PORT);
    const run = stack.launch();
    expect((await run.ended()).code).toBe(1);
    server.close();
    expect(run.output().trim()).toMatch(
      new RegExp(
        `^Port ${String(stack.ports.TEMPORAL_UI_PORT)} \\(Temporal UI\\) is already taken .* TEMPORAL_UI_PORT=\\d+ npm start$`,
      ),
    );
    expect(stack.processes()).toEqual([]);
  });

  test('two variables with the same port are named both', async () => {
    const run = stack.launch([], { METRICS_PORT: String(stack.ports.API_PORT) });
    expect((await run.ended()).code).toBe(1);
    expect(run.output()).toContain('API_PORT and METRICS_PORT both name port');
  });

  test('faults of the configuration are told all at once', async () => {
    const run = stack.launch([], { API_PORT: 'many', LOG_LEVEL: 'loud' });
    expect((await run.ended()).code).toBe(1);
    expect(run.output()).toContain('- API_PORT: ');
    expect(run.output()).toContain('- LOG_LEVEL: ');
  });

  test('a folder with other files is not taken over, and --fresh removes nothing there', async () => {
    const other = join(stack.home, '..', `${stack.home.split('/').at(-1) ?? ''}-other`);
    await mkdir(other);
    await writeFile(join(other, 'letter.txt'), 'dear');
    const run = stack.launch(['--fresh'], { ROUNDHOUSE_HOME: other });
    expect((await run.ended()).code).toBe(1);
    expect(run.output()).toContain(`${other} holds other files`);
    expect(await readFile(join(other, 'letter.txt'), 'utf8')).toBe('dear');
    await rm(other, { recursive: true });
  });

  test('a state folder that cannot be made names the folder and the variable', async () => {
    const file = join(stack.home, 'a-file');
    await writeFile(file, '');
    const run = stack.launch([], { ROUNDHOUSE_HOME: join(file, 'home') });
    expect((await run.ended()).code).toBe(1);
    expect(run.output()).toContain(`The state folder ${file}/home cannot be used (ENOTDIR)`);
    expect(run.output()).toContain('ROUNDHOUSE_HOME');
  });

  test('an unknown option is named', async () => {
    const run = stack.launch(['--frehs']);
    expect((await run.ended()).code).toBe(1);
    expect(run.output()).toContain('--frehs');
  });
});

describe('a stack that runs', () => {
  test('prints its addresses and writes demo.json for its owner alone', async () => {
    running = await stack.start();
    const { API_PORT, SANDBOX_PROVIDER_PORT, SANDBOX_PARTNER_PORT, TEMPORAL_UI_PORT } = stack.ports;
    for (const line of [
      `Storefront        http://localhost:${String(SANDBOX_PARTNER_PORT)}`,
      `API               http://localhost:${String(API_PORT)}`,
      `API docs          http://localhost:${String(API_PORT)}/docs`,
      `Sandbox provider  http://localhost:${String(SANDBOX_PROVIDER_PORT)}`,
      `Temporal UI       http://localhost:${String(TEMPORAL_UI_PORT)}`,
      `PostgreSQL        postgres://127.0.0.1:${String(stack.ports.POSTGRES_PORT)}/roundhouse`,
      `Metrics           http://localhost:${String(stack.ports.METRICS_PORT)}/metrics`,
      `State folder      ${stack.home}`,
    ]) {
      expect(running.output()).toContain(line);
    }
    const text = (value: RegExp): unknown => expect.stringMatching(value);
    expect(JSON.parse(await readFile(join(stack.home, 'demo.json'), 'utf8'))).toEqual({
      api: `http://127.0.0.1:${String(API_PORT)}`,
      partner: {
        prefix: 'DEMO',
        api_key: text(/^\S{20,}$/),
        agent_secret: text(/^\S{32,}$/),
        wallet_url: `http://127.0.0.1:${String(SANDBOX_PARTNER_PORT)}/wallet`,
      },
      connection: {
        key: 'sandbox',
        callback_base: `http://127.0.0.1:${String(API_PORT)}/providers/sandbox`,
        api_key: text(/^\S{20,}$/),
        partner_id: text(/^\d+$/),
      },
      storefront: `http://localhost:${String(SANDBOX_PARTNER_PORT)}`,
      temporal_ui: `http://localhost:${String(TEMPORAL_UI_PORT)}`,
    });
    for (const name of ['demo.json', 'stack.json', 'master.key']) {
      expect((await stat(join(stack.home, name))).mode & 0o777).toBe(0o600);
    }
  });

  test('a second start on the same state folder says that one is running', async () => {
    const second = spawnSync(process.execPath, [join(__dirname, '../../dist/stack/main.js')], {
      env: stack.environment,
      encoding: 'utf8',
    });
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(`Roundhouse is already running on ${stack.home}`);
    expect(second.stdout).toBe('');
  });

  test('a part that dies is started again, and the user is told', async () => {
    const server = stack.processes().find(({ command }) => command.includes('dist/server/main.js'));
    if (server === undefined) throw new Error('no server process');
    process.kill(server.pid, 'SIGKILL');
    const url = `http://127.0.0.1:${String(stack.ports.API_PORT)}/health/ready`;
    const end = Date.now() + 60_000;
    for (;;) {
      await sleep(200);
      const pids = stack.processes().map(({ pid }) => pid);
      const status = await fetch(url).then(
        (response) => response.status,
        () => 0,
      );
      if (!pids.includes(server.pid) && status === 200) break;
      if (Date.now() > end) throw new Error('the server did not come back');
    }
    expect(running.output()).toContain('Server was ended by SIGKILL; starting it again');
  });

  test('after a SIGKILL of the supervisor alone, the next start takes over', async () => {
    const before = stack.demo();
    running.signal('SIGKILL');
    await running.ended();
    running = await stack.start();
    expect(running.output()).toMatch(
      /ending PostgreSQL \(process \d+\), left by a run that was killed/,
    );
    expect(stack.demo()).toEqual(before);
  });

  test('after a SIGKILL of everything at once, the next start has the same state', async () => {
    const before = stack.demo();
    await stack.killEverything();
    running = await stack.start();
    expect(stack.demo()).toEqual(before);
    expect(running.output()).not.toContain('made partner');
  });

  test('Ctrl-C ends every process within 15 s', async () => {
    // npm passes on what the terminal has sent already: the second one must not count as a second Ctrl-C.
    running.signal('SIGINT');
    await sleep(100);
    running.signal('SIGINT');
    expect(await leftAfter(15_000)).toEqual([]);
    expect((await running.ended()).code).toBe(0);
  });

  test('a signal in the middle of the start ends every process as well', async () => {
    const run = stack.launch();
    while (!run.output().includes('Starting Temporal')) await sleep(20);
    run.signal('SIGTERM');
    expect((await run.ended()).code).toBe(0);
    expect(await leftAfter(1_000)).toEqual([]);
  });

  test('--fresh begins with an empty book and another key', async () => {
    const before = stack.demo();
    const run = stack.launch(['--fresh']);
    await untilReady(run);
    expect(stack.demo().partner.prefix).toBe('DEMO');
    expect(stack.demo().partner.api_key).not.toBe(before.partner.api_key);
    run.signal('SIGTERM');
    expect((await run.ended()).code).toBe(0);
    expect(await leftAfter(1_000)).toEqual([]);
  });
});
