/**
 * Who may send a provider's callbacks at all, in production: the IP list, the optional callback secret, and what
 * is counted and logged of those who may not (issue: provider callbacks; S9, S13, S14).
 */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import pino from 'pino';
import { dropCallbackSecrets, rotateCallbackSecret } from '../../src/db/callback-secrets';
import { connectionByKey, createConnection, updateConnection } from '../../src/db/connections';
import { rotateConnectionKey } from '../../src/db/connection-keys';
import type { Office } from '../../src/db/office';
import { warnOfUnreachableConnections } from '../../src/api/routes/provider/provider-auth';
import { listenForMetrics } from '../../src/lib/metrics';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { createTestCli } from '../support/test-cli';
import { testOffice } from '../support/test-office';

const HOUR = 3_600_000;
let house: TestRoundhouse;
let player: TestPlayer;
let production: Office;
let logged = '';
let rounds = 0;

beforeAll(async () => {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString();
      done();
    },
  });
  house = await startRoundhouse({
    development: false,
    log: pino({ level: 'trace' }, sink),
    // A busy machine shall not decide what these tests are about.
    partner: { wallet_attempt_timeout_ms: 10_000 },
    connection: { answer_deadline_ms: 15_000 },
  });
  production = await testOffice(house.pool, { development: false });
  await allow(['127.0.0.1']);
  player = await house.newPlayer();
});
afterAll(() => house?.close());

const allow = (ipWhitelist: string[], settings: object = {}) =>
  updateConnection(house.office, 'sandbox', { ipWhitelist, settings });

function bodyOfNewStake(): string {
  rounds += 1;
  const call = { round: String(rounds), transaction: '1', amount: '5' };
  return house.provider.body('Credit', { ...call, token: player.token, player: player.id });
}

async function credit(headers: Record<string, string> = {}) {
  const { code, message } = await house.provider.send('/Credit', {
    body: bodyOfNewStake(),
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { code, message };
}

/** What was counted under these labels. */
async function counted(name: string, labels: Record<string, string>): Promise<number> {
  const lines = (await house.metrics.text()).split('\n').filter((line) => line.startsWith(name));
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const line = lines.find((each) => wanted.every((one) => each.includes(one)));
  return Number(line?.split(' ').at(-1) ?? 0);
}
const refusals = (reason: string, method = 'Credit', connection = 'sandbox') =>
  counted('roundhouse_provider_refusals_total', { connection, method, reason });

const taken = { code: 0, message: 'Ok' };
const wrongAddress = { code: 1, message: 'Address not allowed' };
const wrongSecret = { code: 1, message: 'Callback secret missing or wrong' };

describe('the IP list', () => {
  afterAll(() => allow(['127.0.0.1'], { any_address: null }));

  test('a stored connection without a list takes no callback in production, until that is said in so many words', async () => {
    await allow([]);
    const before = await refusals('address');
    expect(await credit()).toEqual(wrongAddress);
    for (const method of ['Debit', 'Authorization']) {
      expect(await house.provider.raw(method, '{}')).toMatchObject(wrongAddress);
    }
    expect(await refusals('address')).toBe(before + 1);
    expect(logged).toContain('provider address not allowed');
    await updateConnection(production, 'sandbox', { settings: { any_address: true } });
    expect(await credit()).toEqual(taken);
  });

  test('a list that is there counts, whatever any_address says', async () => {
    await allow(['192.0.2.1'], { any_address: true });
    expect(await credit()).toEqual(wrongAddress);
    await allow(['192.0.2.1', '127.0.0.0/8'], { any_address: null });
    expect(await credit()).toEqual(taken);
  });

  test.each([
    ['x-forwarded-for', '127.0.0.1'],
    ['x-real-ip', '127.0.0.1'],
    ['forwarded', 'for=127.0.0.1'],
    ['x-client-ip', '127.0.0.1'],
    ['true-client-ip', '127.0.0.1'],
    ['cf-connecting-ip', '127.0.0.1'],
  ])('a forged %s does not pass the IP list of a connection', async (name, value) => {
    await allow(['192.0.2.1']);
    expect(await credit({ [name]: value })).toEqual(wrongAddress);
    expect(await credit({ [name]: '192.0.2.1' })).toEqual(wrongAddress);
  });

  test.each([
    [[], {}],
    [['0.0.0.0/0'], {}],
    [['203.0.113.7', '::/0'], {}],
    [['::ffff:0:0/96'], { any_address: true }],
  ])(
    'in production no connection is made or changed to the list %j with %j',
    async (list, settings) => {
      const input = { ipWhitelist: list, settings };
      const fault = /ip_whitelist: .*any_address/;
      await expect(updateConnection(production, 'sandbox', input)).rejects.toThrow(fault);
      const made = createConnection(production, {
        key: 'open',
        dialect: 'web-games',
        baseUrl: 'https://games.example.com',
        partnerId: '7',
        apiKey: 'k',
        ...input,
      });
      await expect(made).rejects.toThrow(fault);
      expect(await connectionByKey(house.pool, 'open')).toBeUndefined();
    },
  );

  test('taking any_address away needs a list; a suspension needs nothing', async () => {
    await allow([], { any_address: true });
    const back = updateConnection(production, 'sandbox', { settings: { any_address: null } });
    await expect(back).rejects.toThrow('name the addresses');
    await allow([], { any_address: null });
    await expect(updateConnection(production, 'sandbox', { partnerId: '7' })).rejects.toThrow(
      'name the addresses',
    );
    await updateConnection(production, 'sandbox', { status: 'suspended' });
    await updateConnection(production, 'sandbox', { status: 'active' });
  });

  test('the API names at its start the connections that nobody can call, and only those', async () => {
    const open = {
      dialect: 'web-games',
      baseUrl: 'https://a.example',
      partnerId: '7',
      apiKey: 'k',
    };
    await createConnection(house.office, { key: 'forgotten', ...open });
    await createConnection(production, { key: 'said', ...open, settings: { any_address: true } });
    await allow(['127.0.0.1'], { any_address: null });
    const warnings: unknown[] = [];
    const log = { warn: (...told: unknown[]) => void warnings.push(told) } as never;
    await warnOfUnreachableConnections(house.pool, true, log);
    expect(warnings).toEqual([]);
    await warnOfUnreachableConnections(house.pool, false, log);
    expect(warnings).toEqual([
      [{ connections: ['forgotten'] }, expect.stringContaining('refused')],
    ]);
    await allow([], {});
  });

  test('connection create without a list says both ways out', async () => {
    const { cli } = createTestCli(house.pool, { ROUNDHOUSE_ENV: 'production' });
    const { code, err } = await cli(
      ...['connection', 'create', 'games', '--dialect', 'web-games', '--partner-id', '7'],
      ...['--base-url', 'https://8.8.8.8', '--api-key', 'k'],
    );
    expect(code).toBe(2);
    expect(err).toContain('--ip-whitelist: is empty');
    expect(err).toContain('any_address');
  });
});

describe('the callback secret', () => {
  const header = (value: string) => ({ 'x-callback-secret': value });
  const dropAll = () => dropCallbackSecrets(house.office, 'sandbox').catch(() => undefined);
  const rotate = (secret?: string, overlapMs = 0) =>
    rotateCallbackSecret(house.office, 'sandbox', { secret, overlapMs });
  beforeAll(() => allow(['127.0.0.1'], { any_address: null }));
  beforeEach(dropAll);
  afterAll(dropAll);

  test('a right signature without the header, or with a wrong one, is refused, and nothing moves', async () => {
    const { value } = await rotate();
    expect(await credit(header(value))).toEqual(taken);
    const [before, moved] = [await refusals('header'), house.wallet.effects('/bet')];
    const wrong = [
      '',
      'x',
      `${value}x`,
      value.slice(0, -1),
      value.toUpperCase(),
      `${value}, ${value}`,
    ];
    for (const each of wrong) expect(await credit(header(each))).toEqual(wrongSecret);
    expect(await credit()).toEqual(wrongSecret);
    expect(await refusals('header')).toBe(before + wrong.length + 1);
    expect(house.wallet.effects('/bet')).toBe(moved);
    expect(logged).toContain('callback without a valid callback secret');
  });

  test('the header sent twice is no value', async () => {
    const { value } = await rotate();
    const url = new URL(`${house.baseUrl}/providers/sandbox/Credit`);
    const text = await new Promise<string>((resolve, reject) => {
      const headers = { 'x-callback-secret': [value, value] };
      const call = httpRequest(url, { method: 'POST', headers }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve(body));
      });
      call.on('error', reject);
      call.end(bodyOfNewStake());
    });
    expect(JSON.parse(text)).toEqual(wrongSecret);
  });

  test('is asked for before the body is read', async () => {
    await rotate();
    const { port } = new URL(house.baseUrl);
    const reply = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        // Announces a body, and never sends it.
        socket.write(
          'POST /providers/sandbox/Credit HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\n',
        ),
      );
      socket.once('data', (chunk) => (resolve(chunk.toString()), socket.destroy()));
      socket.once('error', reject);
    });
    expect(reply).toMatch(/^HTTP\/1\.1 200 /);
    expect(reply).toContain(JSON.stringify(wrongSecret));
  });

  test('is rotated under play: two are accepted, then only the new one', async () => {
    const first = await rotate('agreed-on-with-the-provider');
    const second = await rotate(undefined, HOUR / 2);
    expect(await credit(header(first.value))).toEqual(taken);
    expect(await credit(header(second.value))).toEqual(taken);
    await expect(rotate(undefined, HOUR)).rejects.toThrow('two values are valid already');
    await expect(rotate(first.value, 0)).rejects.toThrow('in use already');
    await house.pool.query(
      'UPDATE connection_callback_secrets SET expires_at = now() WHERE version = $1',
      [first.version],
    );
    expect(await credit(header(first.value))).toEqual(wrongSecret);
    expect(await credit(header(second.value))).toEqual(taken);
    const third = await rotate();
    expect(await credit(header(second.value))).toEqual(wrongSecret);
    expect(await credit(header(third.value))).toEqual(taken);
    await dropCallbackSecrets(house.office, 'sandbox');
    expect(await credit()).toEqual(taken);
  });

  test('the first one is required only after its overlap, and its uses are seen before', async () => {
    const { value, version, secrets } = await rotate(undefined, HOUR);
    expect(secrets[0]?.lastUsedAt).toBeNull();
    expect(await credit()).toEqual(taken);
    expect(await credit(header('not-the-one-agreed-on'))).toEqual(taken);
    expect(await credit(header(value))).toEqual(taken);
    const { rows } = await house.pool.query(
      `UPDATE connection_callback_secrets SET required_from = now() - interval '1 second'
        WHERE version = $1 RETURNING last_used_at`,
      [version],
    );
    expect(rows).toEqual([{ last_used_at: expect.any(Date) }]);
    expect(await credit()).toEqual(wrongSecret);
    expect(await credit(header('not-the-one-agreed-on'))).toEqual(wrongSecret);
    expect(await credit(header(value))).toEqual(taken);
  });

  test("one connection's secret opens no other, even when its row is copied there", async () => {
    const { value } = await rotate();
    const other = await createConnection(house.office, {
      key: 'other',
      dialect: 'web-games',
      baseUrl: 'https://a.example',
      partnerId: '7',
      apiKey: 'k',
      ipWhitelist: ['127.0.0.1'],
    });
    await house.pool.query(
      `INSERT INTO connection_callback_secrets (connection_id, version, digest)
       SELECT $1, 1, digest FROM connection_callback_secrets ORDER BY version DESC LIMIT 1`,
      [other.id],
    );
    const response = await fetch(`${house.baseUrl}/providers/other/Credit`, {
      method: 'POST',
      headers: header(value),
    });
    expect(await response.json()).toEqual(wrongSecret);
  });

  test('the CLI makes it, shows it once, and keeps it out of every log', async () => {
    const { cli, json } = createTestCli(house.pool);
    const rotateArgs = ['connection', 'rotate-callback-secret', 'sandbox'];
    const made = await json<{ callback_secret: string }>(...rotateArgs, '--now');
    expect(made.callback_secret).toMatch(/^[\w-]{43}$/);
    expect(await credit(header(made.callback_secret))).toEqual(taken);
    const given = 'a-value-the-operator-gave';
    const second = await cli(...rotateArgs, '--secret', given);
    expect(second.code).toBe(0);
    expect(await credit(header(given))).toEqual(taken);
    const shown = await json<{ callback_secrets: object[] }>('connection', 'show', 'sandbox');
    expect(shown.callback_secrets[0]).toEqual({
      version: expect.any(Number),
      created_at: expect.any(String),
      required_from: expect.any(String),
      last_used_at: expect.any(String),
      expires_at: null,
    });
    expect(await credit(header(`${given}!`))).toEqual(wrongSecret);
    const log = await json<{ action: string; subject: string }[]>('audit-log', 'show');
    const { rows } = await house.pool.query<{ row: string }>(
      `SELECT t::text AS row FROM audit_log t
       UNION ALL SELECT t::text FROM connection_callback_secrets t`,
    );
    const off = await cli(...rotateArgs, '--off', '--json');
    expect(off.code).toBe(0);
    expect(await credit()).toEqual(taken);
    expect(log.map(({ action }) => action)).toContain('connection.rotate-callback-secret');
    const everything = JSON.stringify([log, rows, shown, second, off, logged]);
    for (const value of [made.callback_secret, given]) {
      expect(everything).not.toContain(value);
      expect(everything).not.toContain(Buffer.from(value).toString('hex'));
    }
  });

  test.each([
    [['--secret', 'too-short'], '--secret: must be 16'],
    [['--secret', 'with blanks in between it'], '--secret: must be 16'],
    [['--off'], '--off: there is no'],
    [['--off', '--now'], '--off: makes no value'],
    [['--now', '--overlap', '1h'], '--now: and --overlap'],
  ])('rotate-callback-secret %j is refused', async (flags, text) => {
    const { cli } = createTestCli(house.pool);
    const { code, err } = await cli('connection', 'rotate-callback-secret', 'sandbox', ...flags);
    expect(code).toBe(2);
    expect(err).toContain(text);
  });
});

describe('what is counted', () => {
  beforeAll(() => allow(['127.0.0.1'], { any_address: null }));

  test('a wrong signature, a broken shape, a token of somebody else, a key that was rotated away', async () => {
    const before = await Promise.all(['hash', 'shape', 'ownership'].map((one) => refusals(one)));
    const other = await house.newPlayer();
    const call = {
      round: '9',
      transaction: '1',
      amount: '5',
      token: other.token,
      player: player.id,
    };
    await house.provider.credit({ ...call, hash: 'f'.repeat(32) });
    await house.provider.raw('Credit', '{}');
    await house.provider.credit(call);
    await rotateConnectionKey(house.office, 'sandbox', { apiKey: 'another', overlapMs: 0 });
    await credit();
    await rotateConnectionKey(house.office, 'sandbox', { apiKey: 'secret', overlapMs: 0 });
    const after = await Promise.all(['hash', 'shape', 'ownership'].map((one) => refusals(one)));
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([2, 1, 1]);
  });

  test('strangers who make up connections and methods grow no label set', async () => {
    const series = async () =>
      (await house.metrics.text()).split('\n').filter((line) => line.includes('_refusals_total{'));
    const ask = (path: string) => fetch(`${house.baseUrl}/providers/${path}`, { method: 'POST' });
    await ask('nobody-0/method-0');
    await ask('sandbox/method-0');
    const before = (await series()).length;
    for (let number = 1; number <= 20; number++) {
      await ask(`nobody-${number}/Credit-${number}`);
      await ask(`sandbox/method-${number}`);
    }
    expect(await series()).toHaveLength(before);
    expect((await series()).join()).not.toMatch(/nobody|method-/);
    expect(await refusals('connection', 'other', '')).toBeGreaterThan(20);
    expect(await refusals('method', 'other')).toBeGreaterThan(20);
  });

  test("a partner's refusals: key, address, suspension", async () => {
    const of = (reason: string) => counted('roundhouse_partner_refusals_total', { reason });
    const ask = (key: string) =>
      fetch(`${house.baseUrl}/game/open-game`, { method: 'POST', headers: { 'x-api-key': key } });
    const set = (column: string, value: unknown) =>
      house.pool.query(`UPDATE partners SET ${column} = $1`, [value]);
    expect((await ask('rh_live_nobody')).status).toBe(401);
    await set('ip_whitelist', ['192.0.2.1']);
    expect((await ask(house.apiKey)).status).toBe(403);
    await set('ip_whitelist', []);
    await set('status', 'suspended');
    expect((await ask(house.apiKey)).status).toBe(403);
    await set('status', 'active');
    expect([await of('invalid_key'), await of('address'), await of('suspended')]).toEqual([
      1, 1, 1,
    ]);
  });

  test('is served on a listener of its own, and not on the public port', async () => {
    const listener = await listenForMetrics(house.metrics, { host: '127.0.0.1', port: 0 });
    try {
      const ask = (path: string, init?: RequestInit) =>
        fetch(`http://127.0.0.1:${listener.port}${path}`, init);
      const reply = await ask('/metrics');
      expect(reply.headers.get('content-type')).toContain('text/plain');
      expect(await reply.text()).toContain('roundhouse_provider_refusals_total{');
      expect((await ask('/')).status).toBe(404);
      expect((await ask('/metrics', { method: 'POST' })).status).toBe(404);
      expect((await fetch(`${house.baseUrl}/metrics`)).status).toBe(404);
      await expect(
        listenForMetrics(house.metrics, { host: '127.0.0.1', port: listener.port }),
      ).rejects.toThrow('EADDRINUSE');
    } finally {
      await listener.close();
    }
  });
});
