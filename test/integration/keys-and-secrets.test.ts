/**
 * API keys, AGENT_SECRETs and providers' keys in the book: made, rotated, found, and never in clear
 * (docs/decisions/0009-keys-and-secrets.md).
 */
import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { authenticatePartner } from '../../src/db/authenticate-partner';
import {
  connectionApiKeys,
  listConnectionKeys,
  rotateConnectionKey,
} from '../../src/db/connection-keys';
import { createConnection } from '../../src/db/connections';
import { migrate } from '../../src/db/migrate';
import type { Office } from '../../src/db/office';
import { listApiKeys, rotateApiKey } from '../../src/db/partner-keys';
import {
  activateAgentSecret,
  agentSecretOf,
  listAgentSecrets,
  rotateAgentSecret,
} from '../../src/db/partner-secrets';
import { createPartner } from '../../src/db/partners';
import { createPool, type Pool } from '../../src/db/pool';
import { rewrapBook } from '../../src/db/rewrap';
import { openVault } from '../../src/db/vault';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/postgres';
import { masterKeysOf, TEST_MASTER_KEY, testOffice } from '../support/test-office';

const HOUR = 3_600_000;
const OTHER_MASTER_KEY = 'cd'.repeat(32);

let database: TestDatabase;
let pool: Pool;
let office: Office;
let numbers = 0;

beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 4 });
  office = await testOffice(pool);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const newPartner = () =>
  createPartner(office, {
    prefix: `K${String(++numbers)}`.padEnd(4, 'X'),
    currency: 'EUR',
    walletUrl: 'https://wallet.example.com',
  });
const newConnection = (apiKey: string) =>
  createConnection(office, {
    key: `c${String(++numbers)}`,
    dialect: 'web-games',
    baseUrl: 'https://games.example.com',
    partnerId: '7',
    apiKey,
  });
const opens = async (apiKey: string) =>
  (await authenticatePartner(pool, office.vault, apiKey)) !== undefined;
const secretOf = (id: number) => agentSecretOf(pool, office.vault, id);
const providerKeys = async (id: number) =>
  (await connectionApiKeys(pool, office.vault, id)).map(({ apiKey }) => apiKey);

/** Time passes for keys and secrets: everything they hold lies that much further back. */
async function pass(ms: number): Promise<void> {
  const back = `- ${String(ms)} * interval '1 millisecond'`;
  await pool.query(`UPDATE partner_keys SET expires_at = expires_at ${back},
    last_used_at = last_used_at ${back}`);
  await pool.query(`UPDATE partner_secrets SET signs_from = signs_from ${back}`);
  await pool.query(`UPDATE connection_keys SET expires_at = expires_at ${back}`);
}

/** Every row of a table as text. */
async function textOf(table: string): Promise<string> {
  const { rows } = await pool.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t`);
  return rows.map(({ row }) => row).join('\n');
}

describe('an API key', () => {
  test('both keys work until the overlap ends, then only the new one', async () => {
    const { prefix, apiKey } = await newPartner();
    const made = await rotateApiKey(office, prefix, 24 * HOUR);
    expect(made.ending).toHaveLength(1);
    expect([await opens(apiKey), await opens(made.apiKey)]).toEqual([true, true]);
    await pass(24 * HOUR);
    expect([await opens(apiKey), await opens(made.apiKey)]).toEqual([false, true]);
  });

  test('--now ends every older key at once', async () => {
    const { prefix, apiKey } = await newPartner();
    const second = await rotateApiKey(office, prefix, HOUR);
    const third = await rotateApiKey(office, prefix, 0);
    expect([await opens(apiKey), await opens(second.apiKey)]).toEqual([false, false]);
    expect(await opens(third.apiKey)).toBe(true);
  });

  test('no third key is made while two are valid, and nothing changes', async () => {
    const { id, prefix } = await newPartner();
    await rotateApiKey(office, prefix, HOUR);
    const before = await listApiKeys(pool, id);
    await expect(rotateApiKey(office, prefix, HOUR)).rejects.toMatchObject({ field: 'now' });
    expect(await listApiKeys(pool, id)).toEqual(before);
  });

  test('its use is noted once a minute, and its end announced in the last hour', async () => {
    const { id, prefix, apiKey } = await newPartner();
    const use = () => authenticatePartner(pool, office.vault, apiKey);
    expect((await use())?.endsSoon).toBeNull();
    const noted = (await listApiKeys(pool, id))[0]?.lastUsedAt;
    expect(noted).not.toBeNull();
    await use();
    expect((await listApiKeys(pool, id))[0]?.lastUsedAt).toEqual(noted);
    await rotateApiKey(office, prefix, 2 * HOUR);
    await pass(120_000);
    expect((await use())?.endsSoon).toBeNull();
    await pass(1.5 * HOUR);
    expect((await use())?.endsSoon).toBeInstanceOf(Date);
    expect((await use())?.endsSoon).toBeNull();
  });

  test('of many uses at once, one is noted', async () => {
    const { prefix, apiKey } = await newPartner();
    await rotateApiKey(office, prefix, HOUR / 2);
    const found = await Promise.all(
      Array.from({ length: 8 }, () => authenticatePartner(pool, office.vault, apiKey)),
    );
    expect(found.filter((one) => one?.endsSoon)).toHaveLength(1);
  });

  test('the book has a keyed digest: without the pepper nobody can test a guess', async () => {
    const { apiKey } = await newPartner();
    const plain = createHash('sha256').update(apiKey).digest('hex');
    const table = await textOf('partner_keys');
    expect(table).not.toContain(plain);
    expect(table).toContain(office.vault.digestOf(apiKey).toString('hex'));
  });

  test('a key of an earlier version goes on working, is shown as legacy, and rotates', async () => {
    const { id, prefix } = await newPartner();
    const legacy = `rh_abcdefghij12_${randomBytes(32).toString('base64url')}`;
    await pool.query(
      `INSERT INTO partner_keys (key_id, partner_id, key_hash, scheme)
       VALUES ('abcdefghij12', $1, $2, 'sha256')`,
      [id, createHash('sha256').update(legacy).digest()],
    );
    expect(await opens(legacy)).toBe(true);
    expect(await opens(`${legacy.slice(0, -2)}AA`)).toBe(false);
    const shown = await listApiKeys(pool, id);
    expect(shown.find(({ keyId }) => keyId === 'abcdefghij12')?.legacy).toBe(true);
    await rotateApiKey(office, prefix, 0);
    expect(await opens(legacy)).toBe(false);
  });

  test('an unknown key of good form is refused like a wrong one', async () => {
    const { apiKey } = await newPartner();
    await pool.query('UPDATE partner_keys SET key_hash = $1', [Buffer.alloc(32)]);
    expect(await opens(apiKey)).toBe(false);
    await pool.query('DELETE FROM partner_keys');
    expect(await opens(apiKey)).toBe(false);
  });
});

describe('an AGENT_SECRET', () => {
  test('the next one signs when the overlap is over, not before', async () => {
    const { id, prefix, agentSecret } = await newPartner();
    const next = await rotateAgentSecret(office, prefix, { overlapMs: 24 * HOUR, replace: false });
    expect(await secretOf(id)).toBe(agentSecret);
    await pass(24 * HOUR);
    expect(await secretOf(id)).toBe(next.agentSecret);
    expect((await listAgentSecrets(pool, id)).map(({ state }) => state)).toEqual([
      'signing',
      'ended',
    ]);
  });

  test('--activate signs with it at once', async () => {
    const { id, prefix } = await newPartner();
    await expect(activateAgentSecret(office, prefix)).rejects.toMatchObject({ field: 'activate' });
    const next = await rotateAgentSecret(office, prefix, { overlapMs: 24 * HOUR, replace: false });
    expect(await activateAgentSecret(office, prefix)).toEqual({ version: 2 });
    expect(await secretOf(id)).toBe(next.agentSecret);
  });

  test('a second one waits for nobody: it replaces the first that waits, or is refused', async () => {
    const { id, prefix, agentSecret } = await newPartner();
    const overlapMs = HOUR;
    await rotateAgentSecret(office, prefix, { overlapMs, replace: false });
    await expect(
      rotateAgentSecret(office, prefix, { overlapMs, replace: false }),
    ).rejects.toMatchObject({ field: 'activate' });
    const third = await rotateAgentSecret(office, prefix, { overlapMs, replace: true });
    expect(await secretOf(id)).toBe(agentSecret);
    await pass(HOUR);
    expect(await secretOf(id)).toBe(third.agentSecret);
  });
});

describe("a provider's key", () => {
  test('both are accepted until the overlap ends; we sign with the new one', async () => {
    const { id, key } = await newConnection('first');
    await rotateConnectionKey(office, key, { apiKey: 'second', overlapMs: HOUR });
    expect(await providerKeys(id)).toEqual(['second', 'first']);
    await expect(
      rotateConnectionKey(office, key, { apiKey: 'third', overlapMs: HOUR }),
    ).rejects.toMatchObject({ field: 'now' });
    await pass(HOUR);
    expect(await providerKeys(id)).toEqual(['second']);
    await rotateConnectionKey(office, key, { apiKey: 'third', overlapMs: 0 });
    expect(await providerKeys(id)).toEqual(['third']);
    expect(await listConnectionKeys(pool, id)).toHaveLength(3);
  });

  test('the key in use is no new key', async () => {
    const { key } = await newConnection('first');
    await expect(
      rotateConnectionKey(office, key, { apiKey: 'first', overlapMs: HOUR }),
    ).rejects.toMatchObject({ field: 'api_key' });
  });
});

describe('at rest', () => {
  test('no secret lies in clear, and none can be put there again', async () => {
    const { id, agentSecret } = await newPartner();
    await newConnection('a-providers-key');
    const tables = [
      'partner_keys',
      'partner_secrets',
      'connection_keys',
      'keyring',
      'installation',
    ];
    for (const table of tables) {
      const text = await textOf(table);
      for (const secret of [agentSecret, 'a-providers-key', office.vault.linkSigningKey]) {
        expect(text).not.toContain(secret.toString());
        expect(text).not.toContain(Buffer.from(secret).toString('hex'));
      }
    }
    await expect(
      pool.query(
        `UPDATE partner_secrets SET secret = 'in clear', sealed = NULL, master_key_id = NULL`,
      ),
    ).rejects.toThrow('partner_secrets_sealed');
    await expect(
      pool.query(`INSERT INTO partner_secrets (partner_id, version, secret) VALUES ($1, 9, $2)`, [
        id,
        'x'.repeat(64),
      ]),
    ).rejects.toThrow('partner_secrets_sealed');
  });

  test("another partner's secret, copied into a row by SQL, does not open there", async () => {
    const [one, two] = [await newPartner(), await newPartner()];
    await pool.query(
      `UPDATE partner_secrets SET sealed = (SELECT sealed FROM partner_secrets WHERE partner_id = $1)
        WHERE partner_id = $2`,
      [one.id, two.id],
    );
    expect(await secretOf(one.id)).toBe(one.agentSecret);
    await expect(secretOf(two.id)).rejects.toThrow('cannot be opened');
  });

  test('the wrong master key is refused by name before anything is done', async () => {
    const before = await textOf('keyring');
    const opened = openVault({ pool, keys: masterKeysOf(OTHER_MASTER_KEY) });
    await expect(opened).rejects.toMatchObject({
      name: 'MasterKeyError',
      message: expect.stringMatching(/^this book is sealed with master key [0-9a-f]{16}, and /),
    });
    expect(await textOf('keyring')).toBe(before);
  });

  test('rewrap: both keys open everything before it, only the new one after it', async () => {
    const { id, prefix, apiKey, agentSecret } = await newPartner();
    const connection = await newConnection('first');
    const both = masterKeysOf(OTHER_MASTER_KEY, TEST_MASTER_KEY);
    const { linkSigningKey } = office.vault;
    office = { ...office, vault: await openVault({ pool, keys: both }) };
    // Made while both are there: sealed with the old one, which every process still has.
    const made = await newPartner();
    expect(await textOf('partner_secrets')).not.toContain(both[0].id);

    expect(await rewrapBook(office, both)).toMatchObject({
      master_key_id: both[0].id,
      rewrapped: 5,
    });
    expect(await rewrapBook(office, both)).toMatchObject({ rewrapped: 0, unchanged: 5 });
    expect(await secretOf(id)).toBe(agentSecret);
    await expect(openVault({ pool, keys: masterKeysOf(TEST_MASTER_KEY) })).rejects.toThrow(
      both[0].id,
    );

    office = { ...office, vault: await openVault({ pool, keys: masterKeysOf(OTHER_MASTER_KEY) }) };
    expect(office.vault.linkSigningKey).toEqual(linkSigningKey);
    expect(await secretOf(id)).toBe(agentSecret);
    expect(await secretOf(made.id)).toBe(made.agentSecret);
    expect(await providerKeys(connection.id)).toEqual(['first']);
    expect(await opens(apiKey)).toBe(true);
    await rotateApiKey(office, prefix, 0);
    expect(await textOf('partner_secrets')).not.toContain(both[1]!.id);
  });

  test('a rewrap that cannot open one row changes none', async () => {
    await newPartner();
    await newPartner();
    await pool.query(
      `UPDATE partner_secrets SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)
        WHERE partner_id = (SELECT max(partner_id) FROM partner_secrets)`,
    );
    const before = await textOf('partner_secrets');
    const both = masterKeysOf(OTHER_MASTER_KEY, TEST_MASTER_KEY);
    await expect(rewrapBook(office, both)).rejects.toThrow('cannot be opened');
    expect(await textOf('partner_secrets')).toBe(before);
  });
});

test('a book of an earlier version, with secrets in clear, is sealed once, by one process', async () => {
  const old = await createEmptyDatabase();
  const oldPool = createPool({ databaseUrl: old.url, max: 6 });
  const client = new Client({ connectionString: old.url });
  await client.connect();
  try {
    await migrate(old.url, { info: () => undefined });
    await client.query(`
      INSERT INTO currencies (code, exponent) VALUES ('EUR', 2);
      INSERT INTO partners (prefix, currency, wallet_url) VALUES ('OLD1', 'EUR', 'https://w.example.com');
      INSERT INTO connections (key, dialect, base_url, partner_id)
        VALUES ('old', 'web-games', 'https://g.example.com', '7');
      ALTER TABLE partner_secrets DROP CONSTRAINT partner_secrets_sealed;
      ALTER TABLE connection_keys DROP CONSTRAINT connection_keys_sealed;
      INSERT INTO partner_secrets (partner_id, version, secret) VALUES (1, 1, repeat('in-clear', 8));
      INSERT INTO connection_keys (connection_id, version, api_key) VALUES (1, 1, 'clear-api-key');
      ALTER TABLE partner_secrets ADD CONSTRAINT partner_secrets_sealed CHECK (secret IS NULL) NOT VALID;
      ALTER TABLE connection_keys ADD CONSTRAINT connection_keys_sealed CHECK (api_key IS NULL) NOT VALID`);
    const { rows } = await client.query<{ key: Buffer }>(
      'SELECT link_signing_key AS key FROM installation',
    );

    const keys = masterKeysOf(TEST_MASTER_KEY);
    const vaults = await Promise.all([1, 2, 3].map(() => openVault({ pool: oldPool, keys })));
    for (const vault of vaults) {
      expect(vault.linkSigningKey).toEqual(rows[0]?.key);
      expect(await agentSecretOf(oldPool, vault, 1)).toBe('in-clear'.repeat(8));
      expect(await connectionApiKeys(oldPool, vault, 1)).toMatchObject([
        { apiKey: 'clear-api-key' },
      ]);
    }
    const left = await client.query(
      `SELECT (SELECT secret FROM partner_secrets), (SELECT api_key FROM connection_keys),
              (SELECT link_signing_key FROM installation)`,
    );
    expect(Object.values(left.rows[0] as object)).toEqual([null, null, null]);
    await client.query('CHECKPOINT');
    // The table's own file, where an updated row leaves its old self behind.
    for (const [table, clear] of [
      ['partner_secrets', 'in-clear'],
      ['connection_keys', 'clear-api-key'],
    ]) {
      const file = await client.query<{ bytes: Buffer }>(
        'SELECT pg_read_binary_file(pg_relation_filepath($1)) AS bytes',
        [table],
      );
      expect(file.rows[0]?.bytes.includes(clear ?? '')).toBe(false);
    }
  } finally {
    await client.end();
    await oldPool.end();
    await old.drop();
  }
});
