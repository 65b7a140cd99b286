/**
 * Processes are stopped and started, and keys and secrets replaced, while players play over two API processes
 * behind a load balancer: real processes, real signals, one connection a player that is kept.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from '../../src/config/child-environment';
import { rotateConnectionKey } from '../../src/db/connection-keys';
import { rotateApiKey } from '../../src/db/partner-keys';
import { activateAgentSecret, rotateAgentSecret } from '../../src/db/partner-secrets';
import { rewrapBook } from '../../src/db/rewrap';
import { openVault } from '../../src/db/vault';
import { sleep } from '../../src/lib/clock';
import { freePorts } from '../../src/stack/ports';
import type { ProcessEnd, RunningProcess } from '../../src/stack/running-process';
import { startBuilt } from '../chaos/processes';
import { eventually } from '../support/eventually';
import { startLoad, type Credentials, type Load } from '../support/load';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { masterKeysOf, TEST_MASTER_KEY } from '../support/test-office';

const HOUR = 3_600_000;
const NEW_MASTER_KEY = 'cd'.repeat(32);
/** Longer than any pause of a player, shorter than the slow answers below. */
const DRAIN_MS = 1_000;
const SLOW_MS = 2_000;
const PLAYERS = 6;
/** More than a stop may take (src/lib/run-service.ts): it ends by itself, or the test has failed. */
const STOP_MS_MAX = 40_000;

/** Processes start one after the other, on a machine that may be busy elsewhere. */
jest.setTimeout(400_000);

let house: TestRoundhouse;
let players: TestPlayer[];
let folder: string;
let ports: number[];
let processes: (RunningProcess | undefined)[];
let masterKey: string;
let credentials: Credentials;

interface Layout {
  /** The first two listen for requests. */
  readonly scripts: readonly string[];
  readonly atFirst: readonly number[];
  /** One that is stopped while it makes wallet calls, and one that is started then. */
  readonly stopped: number;
  readonly spare: number;
  /** Who is restarted together, one after the other, each time until all have been. */
  readonly parts: readonly (readonly number[])[];
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  'API and worker in one process': {
    scripts: ['server/main.js', 'server/main.js', 'server/main.js'],
    atFirst: [0, 1],
    stopped: 0,
    spare: 2,
    parts: [[0], [1]],
  },
  'API and worker apart': {
    scripts: ['api/main.js', 'api/main.js', 'worker/main.js', 'worker/main.js'],
    atFirst: [0, 1, 2],
    stopped: 2,
    spare: 3,
    parts: [
      [0, 2],
      [1, 3],
    ],
  },
};
const APIS = [0, 1];

describe.each(Object.entries(LAYOUTS))('%s', (_, layout) => {
  beforeAll(async () => {
    masterKey = TEST_MASTER_KEY;
    house = await startRoundhouse({
      partner: { wallet_attempt_timeout_ms: 10_000 },
      connection: { answer_deadline_ms: 15_000 },
    });
    folder = await mkdtemp(join(tmpdir(), 'roundhouse-no-downtime-'));
    ports = await freePorts(2 * layout.scripts.length);
    processes = layout.scripts.map(() => undefined);
    players = await Promise.all(Array.from({ length: PLAYERS }, () => house.newPlayer()));
    credentials = { apiKey: house.apiKey, providerKey: 'secret' };
    // The rounds are driven by real worker processes.
    await house.stopWorker();
    await Promise.all(layout.atFirst.map(start));
  });
  afterAll(async () => {
    for (const running of processes ?? []) running?.kill();
    await house?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  async function start(index: number): Promise<void> {
    const script = layout.scripts[index] ?? '';
    await startBuilt(
      {
        name: script,
        script,
        env: childEnvironment({
          ROUNDHOUSE_ENV: 'development',
          LOG_LEVEL: 'warn',
          DATABASE_URL: house.databaseUrl,
          MASTER_KEY: masterKey,
          TEMPORAL_ADDRESS: process.env.ROUNDHOUSE_TEST_TEMPORAL_ADDRESS ?? '',
          TEMPORAL_NAMESPACE: house.client.options.namespace,
          API_PORT: String(ports[index]),
          API_DRAIN_MS: String(DRAIN_MS),
          METRICS_PORT: String(ports[layout.scripts.length + index]),
        }),
        logFile: join(folder, `${String(index)}.log`),
      },
      (running) => (processes[index] = running),
    );
  }

  async function stop(index: number): Promise<ProcessEnd | undefined> {
    const running = processes[index];
    processes[index] = undefined;
    return running?.stop('SIGTERM', STOP_MS_MAX);
  }

  const urlOf = (index: number) => `http://127.0.0.1:${String(ports[index])}`;
  const IN_ORDER = { code: 0, signal: null };

  async function restart(...indexes: number[]): Promise<void> {
    for (const end of await Promise.all(indexes.map(stop))) expect(end).toEqual(IN_ORDER);
    await Promise.all(indexes.map(start));
  }

  const numbers = { next: 1_000 };
  const load = () => startLoad(house, { urls: APIS.map(urlOf), players, credentials, numbers });

  /** Every stake and win was answered, is in the book once, was paid once, and was noted as written. */
  async function endsWhole(playing: Load, before: { rounds: number }): Promise<number> {
    const { rounds, faults } = await playing.stop();
    expect(faults).toEqual([]);
    const all = before.rounds + rounds;
    await eventually(async () => {
      const { rows } = await house.pool.query<Record<string, number>>(
        `SELECT count(*)::int AS operations, count(*) FILTER (WHERE payout_state = 'paid')::int AS paid,
              count(*) FILTER (WHERE answer_written_at IS NULL)::int AS unseen,
              (SELECT count(*)::int FROM rounds WHERE status <> 'closed') AS open,
              (SELECT count(*)::int FROM obligations WHERE status <> 'done') AS owed,
              (SELECT count(*)::int FROM cases) AS cases
         FROM operations`,
      );
      const whole = { operations: 2 * all, paid: all, unseen: 0, open: 0, owed: 0, cases: 0 };
      expect(rows[0]).toEqual(whole);
    }, 60_000);
    expect(house.wallet.effects('/bet')).toBe(all);
    expect(house.wallet.effects('/settle-bet')).toBe(all);
    expect(house.wallet.effects('/bet-end')).toBe(all);
    const won = players.reduce(
      (sum, { userAgent }) => sum + Number(house.wallet.balance(userAgent)),
      0,
    );
    expect(won).toBe(PLAYERS * 1_000 + 2 * all);
    return rounds;
  }

  /** What a process says of its readiness and of the connection, until nobody takes new ones any more. */
  async function probe(index: number): Promise<string[]> {
    const seen: string[] = [];
    while (seen.at(-1) !== 'refused') {
      const answer = await fetch(`${urlOf(index)}/health/ready`).catch(() => undefined);
      const connection = answer?.headers.get('connection') ?? '';
      seen.push(answer ? `${String(answer.status)} ${connection}` : 'refused');
      await answer?.arrayBuffer();
      await sleep(20);
    }
    return seen;
  }

  let played = 0;

  test('two processes are restarted under load: each request is answered once, each operation done once', async () => {
    const playing = load();
    for (const index of APIS) {
      await playing.untilAllHaveMoved();
      // A browser's connection in advance, on which nothing is ever asked, does not hold the process.
      const unused = connect(ports[index] ?? 0, '127.0.0.1').on('error', () => undefined);
      // Answers that come only when nobody listens any more.
      house.wallet.script('/bet', { afterMs: SLOW_MS }, { afterMs: SLOW_MS }, { afterMs: SLOW_MS });
      await eventually(() => expect(house.wallet.slowUnderWay).toBe(3));
      const [end, probes] = await Promise.all([stop(index), probe(index)]);
      expect(end).toEqual(IN_ORDER);
      // The first was asked before the signal came.
      const sinceSignal = probes.slice(probes.findLastIndex((seen) => seen.startsWith('200')) + 1);
      expect(new Set(sinceSignal)).toEqual(new Set(['503 close', 'refused']));
      unused.destroy();
      const others = playing.answersFrom[1 - index] ?? 0;
      await playing.untilAllHaveMoved();
      expect(playing.answersFrom[1 - index]).toBeGreaterThan(others);
      await start(index);
    }
    played += await endsWhole(playing, { rounds: played });
  });

  test('a worker that is stopped in the middle of wallet calls ends them; no call is lost and none is made twice', async () => {
    const playing = load();
    await playing.untilAllHaveMoved();
    const calls = Array.from({ length: PLAYERS }, () => ({ afterMs: SLOW_MS }));
    for (const endpoint of ['/bet', '/settle-bet']) house.wallet.script(endpoint, ...calls);
    await eventually(() => expect(house.wallet.slowUnderWay).toBe(PLAYERS));
    const [end] = await Promise.all([stop(layout.stopped), start(layout.spare)]);
    expect(end).toEqual(IN_ORDER);
    await playing.untilAllHaveMoved();
    played += await endsWhole(playing, { rounds: played });
    for (const endpoint of ['/bet', '/settle-bet', '/bet-end']) {
      const ids = house.wallet.seen(endpoint).map(({ body }) => body.bet_id);
      expect(ids).toHaveLength(new Set(ids).size);
    }
    await start(layout.stopped);
    if (!layout.parts.flat().includes(layout.spare))
      expect(await stop(layout.spare)).toEqual(IN_ORDER);
  });

  test('every key and secret is replaced under load, the master key too, with no refused request and no bad signature', async () => {
    const playing = load();
    await playing.untilAllHaveMoved();

    const first = { ...credentials };
    credentials.apiKey = (await rotateApiKey(house.office, 'LAG1', HOUR)).apiKey;
    await rotateConnectionKey(house.office, 'sandbox', { apiKey: 'renewed', overlapMs: HOUR });
    credentials.providerKey = 'renewed';
    const next = await rotateAgentSecret(house.office, 'LAG1', { overlapMs: HOUR, replace: false });
    house.wallet.alsoAccept(next.agentSecret);
    await activateAgentSecret(house.office, 'LAG1');
    await playing.untilAllHaveMoved();
    // Everybody calls with the new ones: the old ones end.
    await house.pool.query(
      `UPDATE partner_keys SET expires_at = now() WHERE expires_at IS NOT NULL`,
    );
    await house.pool.query(`UPDATE connection_keys SET expires_at = now() WHERE version = 1`);
    const oldKey = startLoad(house, {
      urls: [urlOf(0)],
      players: players.slice(0, 1),
      credentials: first,
      numbers,
    });
    const refused = await oldKey.stop();
    expect(refused.faults.join('\n')).toMatch(/open-game: 401[^]*Credit: 200 \{"code":10/);

    masterKey = `${NEW_MASTER_KEY},${TEST_MASTER_KEY}`;
    for (const part of layout.parts) await restart(...part);
    const keys = masterKeysOf(NEW_MASTER_KEY, TEST_MASTER_KEY);
    const vault = await openVault({ pool: house.pool, keys });
    await rewrapBook({ ...house.office, vault }, keys);
    await playing.untilAllHaveMoved();
    masterKey = NEW_MASTER_KEY;
    await restart(...(layout.parts[0] ?? []));

    const since = house.wallet.calls.length;
    await playing.untilAllHaveMoved();
    await endsWhole(playing, { rounds: played });
    expect(new Set(house.wallet.calls.slice(since).map(({ secret }) => secret))).toEqual(
      new Set([next.agentSecret]),
    );
    expect(house.wallet.badSignatures).toBe(0);
  });
});
