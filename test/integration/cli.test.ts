/**
 * The command line in this process against a database of its own: what is printed where, what it changes,
 * and which exit code says how it went (SPEC §6).
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool } from 'pg';
import { createLinks } from '../../src/api/routes/pages/links';
import type { CliIo } from '../../src/cli/context';
import { run } from '../../src/cli/run';
import { authenticatePartner } from '../../src/db/authenticate-partner';
import { gamesOf, productsFor } from '../../src/db/catalogue';
import { agentSecretOf } from '../../src/db/partner-secrets';
import { partnerByPrefix } from '../../src/db/partners';
import { findOrCreatePlayer } from '../../src/db/players';
import { createPool } from '../../src/db/pool';
import type { Vault } from '../../src/db/vault';
import { systemClock } from '../../src/lib/clock';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/postgres';
import { TEST_MASTER_KEY, testVault } from '../support/test-office';

let database: TestDatabase;
let pool: Pool;
let vault: Vault;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 3 });
  vault = await testVault(pool);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function cli(
  args: readonly string[],
  variables: Record<string, string> = {},
  resolve?: CliIo['resolve'],
) {
  let out = '';
  let err = '';
  const code = await run(args, {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    environment: {
      ROUNDHOUSE_ENV: 'development',
      DATABASE_URL: database.url,
      MASTER_KEY: TEST_MASTER_KEY,
      ...variables,
    },
    ...(resolve && { resolve }),
  });
  return { code, out, err } satisfies Outcome;
}

/** The one JSON document a command printed; fails the test when it did not end well. */
async function json<Value>(args: readonly string[]): Promise<Value> {
  const { code, out, err } = await cli([...args, '--json']);
  if (code !== 0) throw new Error(`exit ${code}: ${err}`);
  return JSON.parse(out) as Value;
}

const createArgs = (prefix: string) => [
  'partner',
  'create',
  '--prefix',
  prefix,
  '--currency',
  'EUR',
  '--wallet-url',
  'http://127.0.0.1:9/wallet/',
];

const connectionArgs = (key: string, baseUrl: string) => [
  'connection',
  'create',
  key,
  '--dialect',
  'web-games',
  '--base-url',
  baseUrl,
  '--partner-id',
  '2',
  '--api-key',
  'secret',
];

describe('partner', () => {
  test('create prints keys that work, and only this once', async () => {
    const created = await json<Record<string, string>>([
      ...createArgs('LAG1'),
      '--ip-whitelist',
      '10.0.0.1, 10.1.0.0/16',
      '--settings',
      '{"max_in_flight": 7}',
    ]);
    expect(created).toMatchObject({
      prefix: 'LAG1',
      currency: 'EUR',
      status: 'active',
      wallet_url: 'http://127.0.0.1:9/wallet',
      ip_whitelist: ['10.0.0.1', '10.1.0.0/16'],
      settings: { max_in_flight: 7, bet_end: true },
    });
    const found = await authenticatePartner(pool, vault, created.api_key!);
    expect(found?.partner.prefix).toBe('LAG1');
    expect(await agentSecretOf(pool, vault, found!.partner.id)).toBe(created.agent_secret);

    const shown = await cli(['partner', 'show', 'LAG1', '--json']);
    expect(shown.out).not.toContain(created.api_key);
    expect(shown.out).not.toContain(created.agent_secret);
  });

  test('update changes what it is given and leaves the rest', async () => {
    await json(createArgs('LAG2'));
    const updated = await json<object>([
      'partner',
      'update',
      'LAG2',
      '--settings',
      '{"history": false}',
      '--ip-whitelist',
      '192.0.2.1',
    ]);
    expect(updated).toMatchObject({
      ip_whitelist: ['192.0.2.1'],
      wallet_url: 'http://127.0.0.1:9/wallet',
      settings: { history: false, bet_end: true },
    });
    const again = await json<object>(['partner', 'update', 'LAG2', '--ip-whitelist', '']);
    expect(again).toMatchObject({ ip_whitelist: [], settings: { history: false } });
  });

  test('suspend and resume', async () => {
    await json(createArgs('LAG3'));
    expect(await json(['partner', 'suspend', 'LAG3'])).toMatchObject({ status: 'suspended' });
    expect((await partnerByPrefix(pool, 'LAG3'))?.status).toBe('suspended');
    expect(await json(['partner', 'resume', 'LAG3'])).toMatchObject({ status: 'active' });
  });

  test('list is a table for people and an array for scripts', async () => {
    await json(createArgs('LAG4'));
    const { out } = await cli(['partner', 'list']);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^PREFIX +STATUS +CURRENCY +WALLET_URL/);
    expect(lines.find((line) => line.startsWith('LAG4'))).toMatch(
      /^LAG4 +active +EUR +http:\/\/127\.0\.0\.1:9\/wallet +-$/,
    );
    const list = await json<{ prefix: string }[]>(['partner', 'list']);
    expect(list.map(({ prefix }) => prefix)).toContain('LAG4');
  });

  test('show is one aligned line a field', async () => {
    await json(createArgs('LAG5'));
    const { out } = await cli(['partner', 'show', 'LAG5']);
    expect(out).toMatch(/^prefix +LAG5$/m);
    expect(out).toMatch(/^settings\.wallet_attempt_timeout_ms +2000$/m);
  });
});

describe('keys and secrets', () => {
  interface Shown {
    api_keys: { key_id: string; expires_at: string | null; last_used_at: string | null }[];
    agent_secrets: { version: number; state: string }[];
  }
  const HOUR = 3_600_000;

  test('rotate-key prints the new key this once, and until when the old one is valid', async () => {
    await json(createArgs('ROT1'));
    const made = await json<{ key_id: string; api_key: string; ending: { expires_at: string }[] }>([
      ...['partner', 'rotate-key', 'ROT1', '--overlap', '7d'],
    ]);
    expect(Date.parse(made.ending[0]!.expires_at) - Date.now()).toBeGreaterThan(6.9 * 24 * HOUR);
    expect((await authenticatePartner(pool, vault, made.api_key))?.keyId).toBe(made.key_id);
    const shown = await cli(['partner', 'show', 'ROT1', '--json']);
    expect(shown.out).not.toContain(made.api_key);
    const { api_keys: keys } = JSON.parse(shown.out) as Shown;
    expect(keys.map(({ key_id, expires_at }) => [key_id === made.key_id, expires_at])).toEqual([
      [true, null],
      [false, made.ending[0]!.expires_at],
    ]);
    expect(keys[0]?.last_used_at).not.toBeNull();
    const again = await cli(['partner', 'rotate-key', 'ROT1']);
    expect(again).toMatchObject({ code: 2, out: '' });
    expect(again.err).toContain('--now: the older key');
    expect(await json(['partner', 'rotate-key', 'ROT1', '--now'])).toMatchObject({
      prefix: 'ROT1',
    });
  });

  test('rotate-secret waits for a day unless it is told otherwise', async () => {
    const { agent_secret: first } = await json<Record<string, string>>(createArgs('ROT2'));
    const next = await json<{ agent_secret: string; signs_from: string }>([
      ...['partner', 'rotate-secret', 'ROT2'],
    ]);
    const waits = Date.parse(next.signs_from) - Date.now();
    expect(waits).toBeGreaterThan(23.9 * HOUR);
    expect(waits).toBeLessThan(24.1 * HOUR);
    const partner = await partnerByPrefix(pool, 'ROT2');
    expect(await agentSecretOf(pool, vault, partner!.id)).toBe(first);
    const { agent_secrets: secrets } = await json<Shown>(['partner', 'show', 'ROT2']);
    expect(secrets.map(({ version, state }) => [version, state])).toEqual([
      [2, 'next'],
      [1, 'signing'],
    ]);
    expect((await cli(['partner', 'rotate-secret', 'ROT2'])).err).toContain(
      '--activate: version 2',
    );
    await json(['partner', 'rotate-secret', 'ROT2', '--activate']);
    expect(await agentSecretOf(pool, vault, partner!.id)).toBe(next.agent_secret);
  });

  test("a provider's key is rotated without ever being shown", async () => {
    await json(connectionArgs('rotated', 'http://127.0.0.1:9'));
    const { out } = await cli([
      ...['connection', 'rotate-key', 'rotated', '--api-key', 'brand-new-key', '--json'],
    ]);
    expect(out).not.toMatch(/brand-new-key|secret/);
    const shown = await cli(['connection', 'show', 'rotated', '--json']);
    expect(shown.out).not.toMatch(/brand-new-key|"secret"/);
    expect(JSON.parse(shown.out)).toMatchObject({
      api_keys: [
        { version: 2, expires_at: null },
        { version: 1, expires_at: expect.any(String), last_used_at: null },
      ],
    });
  });

  test.each(['1', '24', '-1h', '1w', '91d', '99999999d'])('%s is no overlap', async (overlap) => {
    const { code, err } = await cli(['partner', 'rotate-key', 'ROT1', `--overlap=${overlap}`]);
    expect(code).toBe(2);
    expect(err).toContain('--overlap: must be a duration');
  });

  test.each([
    ['none', { MASTER_KEY: '' }, 'MASTER_KEY_FILE: is missing'],
    ["another book's", { MASTER_KEY: '9'.repeat(64) }, 'this book is sealed with master key'],
  ])(
    'with %s for a master key, changes are refused and reading goes on',
    async (_name, key, text) => {
      for (const args of [
        createArgs('NOKEY'),
        ['partner', 'rotate-key', 'LAG1'],
        ['partner', 'suspend', 'LAG1'],
        ['rewrap'],
        ['migrate'],
      ]) {
        const { code, out, err } = await cli(args, key);
        expect([code, out]).toEqual([1, '']);
        expect(err).toContain(text);
        expect(err).not.toMatch(/ {4}at |9999/);
      }
      expect((await cli(['partner', 'show', 'LAG1'], key)).code).toBe(0);
      expect(await partnerByPrefix(pool, 'NOKEY')).toBeUndefined();
    },
  );

  test('rewrap says what it did, and that earlier keys may go', async () => {
    const renewed = '7'.repeat(64);
    const both = { MASTER_KEY: `${renewed},${TEST_MASTER_KEY}` };
    expect((await cli(['rewrap', '--json'], both)).code).toBe(0);
    expect((await cli(createArgs('WRAP1'), { MASTER_KEY: renewed })).code).toBe(0);
    expect((await cli(createArgs('WRAP2'))).code).toBe(1);
    const back = { MASTER_KEY: `${TEST_MASTER_KEY},${renewed}` };
    expect((await cli(['rewrap'], back)).out).toMatch(/^rewrapped +\d+$/m);
    expect((await cli(createArgs('WRAP2'))).code).toBe(0);
  });
});

describe('bad input names its flag, exits with 2 and changes nothing', () => {
  const wrong: readonly (readonly [string, string[], string])[] = [
    ['a missing flag', ['partner', 'create', '--prefix', 'BAD1'], '--currency'],
    ['an unknown flag', [...createArgs('BAD1'), '--colour', 'red'], '--colour'],
    ['a prefix out of its alphabet', createArgs('bad.1'), '--prefix'],
    ['an unknown currency', createArgs('BAD1').with(5, 'XYZ'), '--currency'],
    ['a currency without settled decimals', createArgs('BAD1').with(5, 'DMO'), '--currency'],
    ['a wallet that is no URL', createArgs('BAD1').with(7, 'wallet'), '--wallet-url'],
    [
      'a wallet in a private network',
      createArgs('BAD1').with(7, 'http://10.0.0.1'),
      '--wallet-url',
    ],
    [
      'the metadata address',
      createArgs('BAD1').with(7, 'http://169.254.169.254/wallet'),
      '--wallet-url',
    ],
    [
      'an address list with a typo',
      [...createArgs('BAD1'), '--ip-whitelist', '10.0.0'],
      '--ip-whitelist',
    ],
    ['settings that are not JSON', [...createArgs('BAD1'), '--settings', '{'], '--settings'],
    [
      'an unknown setting',
      [...createArgs('BAD1'), '--settings', '{"max_in_fligth": 1}'],
      '--settings: max_in_fligth',
    ],
    [
      'a setting out of range',
      [...createArgs('BAD1'), '--settings', '{"wallet_attempt_timeout_ms": 1}'],
      '--settings: wallet_attempt_timeout_ms',
    ],
    ['an unknown partner', ['partner', 'show', 'NOBODY'], 'PREFIX: there is no partner NOBODY'],
    ['a word too many', ['partner', 'list', 'LAG1'], 'too many arguments'],
    ['an update of nothing', ['partner', 'update', 'NOBODY'], '--wallet-url'],
    ['an unknown command', ['partner', 'delete', 'LAG1'], "unknown command 'delete'"],
    ['an unknown dialect', connectionArgs('bad', 'http://127.0.0.1:9').with(4, 'x'), '--dialect'],
    ['a connection key out of its alphabet', connectionArgs('Bad', 'http://127.0.0.1:9'), 'KEY'],
    [
      'a partner id that is no number',
      connectionArgs('bad', 'http://127.0.0.1:9').with(8, '02'),
      '--partner-id',
    ],
    ['a provider in a private network', connectionArgs('bad', 'http://192.168.0.1'), '--base-url'],
    ['an unknown player', ['player', 'block', 'LAG1.nobody'], 'USER_AGENT'],
  ];

  test.each(wrong)('%s', async (_name, args, named) => {
    const before = await pool.query('SELECT count(*) FROM partners');
    const { code, out, err } = await cli(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(named);
    expect(err).not.toContain('    at ');
    const after = await pool.query('SELECT count(*) FROM partners');
    expect(after.rows).toEqual(before.rows);
  });

  test('a prefix is never given twice', async () => {
    await json(createArgs('TWICE'));
    const { code, err } = await cli(createArgs('TWICE'));
    expect(code).toBe(2);
    expect(err).toContain('--prefix: TWICE is taken');
  });

  test.each([
    ['https://10.0.0.1/', 'not a public address'],
    ['https://169.254.169.254/latest', 'not a public address'],
    ['https://[::ffff:192.168.0.1]/', 'not a public address'],
    ['https://0x7f.1/', 'not a public address'],
    ['https://2130706433/', 'not a public address'],
    ['https://wallet/', 'no public name'],
    ['https://wallet.example:22/', "not the web's"],
  ])('a wallet or provider at %s is refused when it is typed in', async (url, text) => {
    const production = { ROUNDHOUSE_ENV: 'production' };
    const walletArgs = [...createArgs('SSRF1').slice(0, -1), url];
    const partner = await cli(walletArgs, production);
    const connection = await cli(connectionArgs('ssrf', url), production);
    for (const { code, err } of [partner, connection]) {
      expect(code).toBe(2);
      expect(err).toContain(text);
    }
    const changed = await cli(['partner', 'update', 'LAG1', '--wallet-url', url], production);
    expect(changed).toMatchObject({ code: 2, err: expect.stringContaining(text) });
  });

  test('in development loopback is a wallet, and the rest of the private world is none', async () => {
    for (const url of ['http://10.0.0.1/', 'http://169.254.169.254/', 'http://[fe80::1]/']) {
      const { code, err } = await cli([...createArgs('SSRF2').slice(0, -1), url]);
      expect(code).toBe(2);
      expect(err).toContain('--wallet-url');
    }
  });

  test('a name that resolves to a private address is refused when it is typed in', async () => {
    const url = 'https://wallet.example.com/';
    const { code, err } = await cli(
      [...createArgs('SSRF3').slice(0, -1), url],
      { ROUNDHOUSE_ENV: 'production' },
      (_hostname, _options, callback) => callback(null, [{ address: '10.0.0.1', family: 4 }]),
    );
    expect(code).toBe(2);
    expect(err).toContain('--wallet-url: wallet.example.com: 10.0.0.1');
    expect(await partnerByPrefix(pool, 'SSRF3')).toBeUndefined();
  });

  test('a name that does not resolve here is taken with a warning', async () => {
    const url = 'https://wallet.example.com/';
    const { code, err } = await cli(
      [...createArgs('LATER1').slice(0, -1), url],
      { ROUNDHOUSE_ENV: 'production' },
      (_hostname, _options, callback) =>
        callback(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }), []),
    );
    expect(code).toBe(0);
    expect(err).toContain('warning: wallet_url: wallet.example.com does not resolve here');
  });

  test('production refuses plain http even on loopback', async () => {
    const { code, err } = await cli(createArgs('PROD1'), { ROUNDHOUSE_ENV: 'production' });
    expect(code).toBe(2);
    expect(err).toContain('--wallet-url');
  });
});

describe('connection', () => {
  let provider: Server;
  let baseUrl: string;
  let answer: string;

  beforeAll(async () => {
    provider = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(answer);
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  });

  afterAll(() => new Promise((resolve) => provider.close(resolve)));

  test('create prints the address to give to the provider, and never the key', async () => {
    const { code, out } = await cli([...connectionArgs('first', baseUrl), '--json'], {
      PUBLIC_BASE_URL: 'https://play.example.com/',
    });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      key: 'first',
      dialect: 'web-games',
      partner_id: '2',
      callback_base: 'https://play.example.com/providers/first',
      catalogue_synced_at: null,
    });
    expect(out).not.toContain('secret');
  });

  test('sync takes over the catalogue', async () => {
    await json(connectionArgs('second', baseUrl));
    answer =
      '{"code":0,"message":"Ok","games":[{"id":11,"title":"Chicago","url":"/game","icon":"/i.jpg","class":"Novo"}]}';
    expect(await json(['connection', 'sync', 'second'])).toMatchObject({
      connection: 'second',
      games: 1,
      added: 1,
      new_products: ['Novo'],
    });
    const partner = { settings: { products: null } } as Parameters<typeof productsFor>[1];
    const product = (await productsFor(pool, partner)).find((one) => one.providerName === 'Novo');
    expect((await gamesOf(pool, product!)).map((game) => game.title)).toEqual(['Chicago']);
    expect(await json(['connection', 'show', 'second'])).toMatchObject({ catalogue_error: null });
  });

  test('sync says why a catalogue was refused, and exits with 1', async () => {
    await json(connectionArgs('third', baseUrl));
    answer = '{"code":10,"message":"Hash mismatch"}';
    const { code, err } = await cli(['connection', 'sync', 'third']);
    expect(code).toBe(1);
    expect(err).toContain('code 10');
    const shown = await json<{ catalogue_error: string }>(['connection', 'show', 'third']);
    expect(shown.catalogue_error).toContain('code 10');
  });

  test('text of a provider cannot move the cursor of the terminal', async () => {
    await json(connectionArgs('fourth', baseUrl));
    await pool.query(`UPDATE connections SET catalogue_error = $1 WHERE key = 'fourth'`, [
      'bad\u001b[2Jline',
    ]);
    const { out } = await cli(['connection', 'show', 'fourth']);
    expect(out).toContain('bad?[2Jline');
  });

  test('update, suspend and list', async () => {
    await json(connectionArgs('fifth', baseUrl));
    expect(
      await json([
        'connection',
        'update',
        'fifth',
        '--partner-id',
        '77',
        '--settings',
        '{"payout_max": "100.50"}',
      ]),
    ).toMatchObject({ partner_id: '77', settings: { payout_max: '100.50' } });
    expect(await json(['connection', 'suspend', 'fifth'])).toMatchObject({ status: 'suspended' });
    const list = await json<{ key: string; status: string }[]>(['connection', 'list']);
    expect(list.find(({ key }) => key === 'fifth')).toMatchObject({ status: 'suspended' });
  });
});

describe('player', () => {
  test('block and unblock, also with dots in the reference', async () => {
    await json(createArgs('PLAY1'));
    const partner = await partnerByPrefix(pool, 'PLAY1');
    const { player } = await findOrCreatePlayer(pool, partner!, '06.32.94');
    expect(await json(['player', 'block', 'PLAY1.06.32.94'])).toEqual({
      user_agent: 'PLAY1.06.32.94',
      player_id: player.playerId,
      blocked: true,
    });
    expect(await json(['player', 'unblock', 'PLAY1.06.32.94'])).toMatchObject({ blocked: false });
  });
});

describe('round and audit', () => {
  const BET = '64aa6ac13b909c3b91986abe';

  test('an empty book agrees with itself', async () => {
    const report = await json<{ ok: boolean; contradictions: unknown[] }>(['audit']);
    expect(report).toMatchObject({ ok: true, contradictions: [] });
    expect((await cli(['audit'])).out).toMatch(/^ok: \d+ rounds/);
  });

  test('show finds a round by bet, operation number and name; audit exits with 1 on a contradiction', async () => {
    await json(createArgs('SHOW1'));
    await json(connectionArgs('shown', 'http://127.0.0.1:9'));
    const partner = (await partnerByPrefix(pool, 'SHOW1'))!;
    const { player } = await findOrCreatePlayer(pool, partner, 'a');
    await pool.query(
      `INSERT INTO rounds (connection_id, player_id, round_ref, partner_id, game_id, currency,
         last_activity_at, created_at)
       SELECT id, $1, '77', $2, '11', 'EUR', now(), now() FROM connections WHERE key = 'shown'`,
      [player.playerId, partner.id],
    );
    // Accepted towards the provider, but not confirmed, and in no register of calls: three contradictions.
    await pool.query(
      `INSERT INTO operations (id, round_id, kind, transaction_ref, business_date, amount, currency,
         game_id, is_close, requests, deadline_at, waiting, answer_result, answer_balance, bet_id, created_at)
       SELECT 901, id, 'stake', '9223372036854775807', '2026-11-21', 1250, 'EUR', '11', false, 1, now(),
         false, 'accepted', '10.00', $1, now() FROM rounds WHERE round_ref = '77'`,
      [BET],
    );
    await pool.query(
      `INSERT INTO bets (id, round_id, form, operation_id, stake, outcome, decision, payout, paid,
         created_at, updated_at)
       SELECT $1, id, 'stake', 901, 1250, 'none', 'open', 0, false, now(), now()
       FROM rounds WHERE round_ref = '77'`,
      [BET],
    );
    for (const id of [BET, '901', `shown/${player.playerId}/77`]) {
      expect(await json(['round', 'show', id])).toMatchObject({
        round: { connection: 'shown', round: '77', user_agent: 'SHOW1.a', status: 'open' },
        operations: [{ operation: 901, transaction: '9223372036854775807', amount: '12.5' }],
        bets: [{ bet_id: BET, decision: 'open' }],
      });
    }
    const { out } = await cli(['round', 'show', BET]);
    expect(out).toMatch(/^ROUND\n/m);
    expect(out).toMatch(/^OPERATIONS\nOPERATION +KIND +TRANSACTION/m);
    expect(out).toMatch(/^901 +stake +9223372036854775807 +12\.5/m);

    // An operator's page of it, signed as the API checks it.
    const { link } = await json<{ link: string }>(['round', 'show', BET, '--link']);
    const { pathname, searchParams } = new URL(link);
    const links = createLinks({ publicBaseUrl: '', key: vault.linkSigningKey, clock: systemClock });
    const [expires = '', signature = ''] = [...searchParams.values()];
    const shown = pathname.replace('/operator/rounds/', '');
    expect(links.verifyOperator(shown, expires, signature)).toBe('valid');
    const linked = await cli(['round', 'show', BET, '--link']);
    expect(linked.out).toContain(`\nLINK\nhttp://localhost:8080${pathname}?expires=`);
    expect(out).not.toContain('LINK');

    const { code, out: report } = await cli(['audit']);
    expect(code).toBe(1);
    expect(report).toMatch(/^CONTRADICTIONS: \d+\n/);
    expect(report).toContain('operation 901');
    const asJson = await cli(['audit', '--json']);
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.out)).toMatchObject({ ok: false });
  });

  test('a round that is not there is bad input', async () => {
    for (const id of ['0'.repeat(24), '999999', 'shown/100000000/1', 'nonsense']) {
      const { code, err } = await cli(['round', 'show', id]);
      expect(code).toBe(2);
      expect(err).toContain('ID: there is no round');
    }
  });
});

describe('the book', () => {
  test('migrate makes a new book once', async () => {
    const empty = await createEmptyDatabase();
    try {
      const early = await cli(['partner', 'list'], { DATABASE_URL: empty.url });
      expect(early.code).toBe(1);
      expect(early.err).toContain('roundhouse migrate');
      const first = await cli(['migrate', '--json'], { DATABASE_URL: empty.url });
      expect((JSON.parse(first.out) as { applied: string[] }).applied[0]).toMatch(/^0001_/);
      const second = await cli(['migrate', '--json'], { DATABASE_URL: empty.url });
      expect(JSON.parse(second.out)).toEqual({ applied: [] });
    } finally {
      await empty.drop();
    }
  });

  test('a database that is not there is one sentence, not a trace', async () => {
    const { code, err } = await cli(['partner', 'list'], {
      DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/book',
    });
    expect(code).toBe(1);
    expect(err).toContain('cannot be reached (ECONNREFUSED)');
    expect(err).not.toMatch(/hunter2|\n {4}at /);
  });

  test('without DATABASE_URL it says what to do', async () => {
    const { code, err } = await cli(['partner', 'list'], { DATABASE_URL: '' });
    expect(code).toBe(1);
    expect(err).toContain('npm start');
  });

  test('help is no mistake and needs no database', async () => {
    const { code, out } = await cli(['partner', 'create', '--help'], { DATABASE_URL: '' });
    expect(code).toBe(0);
    expect(out).toContain('--wallet-url <U>');
  });
});
