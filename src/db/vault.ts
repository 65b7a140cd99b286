import { createHmac, randomBytes } from 'node:crypto';
import { assert } from '../lib/assert';
import { sleep } from '../lib/clock';
import {
  openValue,
  sealValue,
  UnreadableSecretError,
  type MasterKey,
  type Sealed,
} from '../lib/envelope';
import type { Logger } from '../lib/log';
import type { Db, Pool } from './pool';
import { transaction } from './transaction';

/** The book cannot be opened with the master keys that were given. Nothing was changed. */
export class MasterKeyError extends Error {
  override name = 'MasterKeyError';
}

/** Reads and writes what is sealed in the book; made once a process, before anything else is done. */
export interface Vault {
  /** 32 bytes that sign our own links (round pages). Never log it. */
  readonly linkSigningKey: Buffer;
  /** The keyed digest an API key is stored as. */
  digestOf(apiKey: string): Buffer;
  /**
   * Seals a value for the row `identity` with the book's present master key, inside the caller's transaction: a
   * rewrap waits until that has ended.
   */
  seal(db: Db, identity: string, value: string): Promise<Sealed>;
  /** @throws UnreadableSecretError when it is another row's, or was changed */
  open(identity: string, sealed: Sealed): string;
}

export interface VaultOptions {
  readonly pool: Pool;
  /** The present one first; the others can only open. */
  readonly keys: readonly [MasterKey, ...MasterKey[]];
  readonly log?: Pick<Logger, 'info' | 'warn'>;
}

/** Where secrets lie: the table, the column that says whose they are, and the one that once held them in clear. */
export const SECRET_PLACES = [
  { table: 'partner_secrets', owner: 'partner_id', clear: 'secret' },
  { table: 'connection_keys', owner: 'connection_id', clear: 'api_key' },
] as const;

/** Names a row for good: a sealed value opens under its own row's name only. */
export function secretIdentity(
  table: (typeof SECRET_PLACES)[number]['table'],
  owner: number,
  version: number,
): string {
  return `${table}/${owner}/${version}`;
}

export const PEPPER = 'keyring/pepper';
export const LINK_SIGNING_KEY = 'keyring/link_signing_key';

export interface KeyringRow {
  readonly master_key_id: string;
  readonly pepper: Buffer;
  readonly link_signing_key: Buffer;
}

/**
 * Opens the book's secrets. The first call on a book makes its keyring under the present master key, and seals
 * whatever still lies in clear; of several processes one does and the others wait.
 *
 * @throws MasterKeyError when the book was sealed with a key that is not among those given
 */
export async function openVault({ pool, keys, log }: VaultOptions): Promise<Vault> {
  let sealedNow = 0;
  while (await needsSealing(pool)) {
    const count = await sealClearRows({ pool, keys });
    if (count === 'busy') await sleep(BUSY_MS);
    else sealedNow += count;
  }
  if (sealedNow > 0) {
    log?.info({ rows: sealedNow }, 'secrets that lay in clear are sealed');
    await forgetClearText(pool, log);
  }
  const keyring = await keyringOf(pool);
  assert(keyring, 'the keyring was just made or found');
  await requireKeys(pool, keys, keyring);
  const openOwn = (identity: string, box: Buffer) =>
    openValue(keys, { box, masterKeyId: keyring.master_key_id }, identity);
  const pepper = openOwn(PEPPER, keyring.pepper);
  return {
    linkSigningKey: openOwn(LINK_SIGNING_KEY, keyring.link_signing_key),
    digestOf: (apiKey) => createHmac('sha256', pepper).update(apiKey).digest(),
    async seal(db, identity, value) {
      const { rows } = await db.query<{ master_key_id: string }>(
        'SELECT master_key_id FROM keyring FOR SHARE',
      );
      const key = keys.find(({ id }) => id === rows[0]?.master_key_id);
      if (!key) throw wrongKey(keys, [String(rows[0]?.master_key_id)]);
      return sealValue(key, Buffer.from(value), identity);
    },
    open: (identity, sealed) => openValue(keys, sealed, identity).toString(),
  };
}

/** The columns of a sealed value, wherever it lies. */
export interface SealedRow {
  readonly sealed: Buffer;
  readonly master_key_id: string;
}

export function sealedOf(row: SealedRow): Sealed {
  return { box: row.sealed, masterKeyId: row.master_key_id };
}

async function keyringOf(db: Db): Promise<KeyringRow | undefined> {
  const { rows } = await db.query<KeyringRow>('SELECT * FROM keyring');
  return rows[0];
}

async function needsSealing(db: Db): Promise<boolean> {
  const clear = SECRET_PLACES.map(
    ({ table, clear: column }) => `EXISTS (SELECT 1 FROM ${table}
    WHERE ${column} IS NOT NULL)`,
  );
  const { rows } = await db.query<{ needed: boolean }>(
    `SELECT NOT EXISTS (SELECT 1 FROM keyring) OR ${clear.join(' OR ')} AS needed`,
  );
  return rows[0]?.needed === true;
}

/** Any number that nothing else of ours locks. */
const SEALING_LOCK = 5_009_001;
/** How long one waits while another process seals. */
const BUSY_MS = 100;

/** @returns how many secrets lay in clear; `busy` while another process seals */
async function sealClearRows({ pool, keys }: VaultOptions): Promise<number | 'busy'> {
  return transaction(pool, async (client) => {
    // Never waited for in here: a waiting statement's snapshot would keep the old rows through the vacuum.
    const { rows: lock } = await client.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_xact_lock($1) AS taken',
      [SEALING_LOCK],
    );
    if (!lock[0]?.taken) return 'busy';
    let count = await makeKeyring(client, keys[0]);
    const keyring = await keyringOf(client);
    const key = keys.find(({ id }) => id === keyring?.master_key_id);
    if (!key) throw wrongKey(keys, [String(keyring?.master_key_id)]);
    for (const { table, owner, clear } of SECRET_PLACES) {
      const { rows } = await client.query<{ owner: number; version: number; clear: string }>(
        `SELECT ${owner} AS owner, version, ${clear} AS clear FROM ${table}
          WHERE ${clear} IS NOT NULL FOR UPDATE`,
      );
      for (const row of rows) {
        const identity = secretIdentity(table, row.owner, row.version);
        const { box, masterKeyId } = sealValue(key, Buffer.from(row.clear), identity);
        await client.query(
          `UPDATE ${table} SET ${clear} = NULL, sealed = $3, master_key_id = $4
            WHERE ${owner} = $1 AND version = $2`,
          [row.owner, row.version, box, masterKeyId],
        );
        count += 1;
      }
    }
    return count;
  });
}

async function makeKeyring(client: Db, key: MasterKey): Promise<number> {
  if (await keyringOf(client)) return 0;
  const { rows } = await client.query<{ link_signing_key: Buffer | null }>(
    'SELECT link_signing_key FROM installation',
  );
  const linkKey = rows[0]?.link_signing_key;
  await client.query(
    'INSERT INTO keyring (master_key_id, pepper, link_signing_key) VALUES ($1, $2, $3)',
    [
      key.id,
      sealValue(key, randomBytes(32), PEPPER).box,
      sealValue(key, linkKey ?? randomBytes(32), LINK_SIGNING_KEY).box,
    ],
  );
  await client.query('UPDATE installation SET link_signing_key = NULL');
  return linkKey ? 1 : 0;
}

// An updated row leaves its old self in the table's file until something else needs the room. A transaction
// that is older than the sealing (a dump that runs) still sees the old self: then it outlives the vacuum.
async function forgetClearText(pool: Pool, log: VaultOptions['log']): Promise<void> {
  for (const table of ['installation', ...SECRET_PLACES.map((place) => place.table)]) {
    await pool.query(`VACUUM (FULL) ${table}`).catch((error: unknown) => {
      log?.warn({ err: error, table }, 'old row versions may still hold secrets in clear');
    });
  }
}

async function requireKeys(db: Db, keys: VaultOptions['keys'], keyring: KeyringRow): Promise<void> {
  const used = SECRET_PLACES.map(({ table }) => `SELECT master_key_id FROM ${table}`).join(
    ' UNION ',
  );
  const { rows } = await db.query<{ master_key_id: string }>(used);
  const needed = new Set([keyring.master_key_id, ...rows.map((row) => row.master_key_id)]);
  const missing = [...needed].filter((id) => !keys.some((key) => key.id === id));
  if (missing.length > 0) throw wrongKey(keys, missing);
  try {
    openValue(keys, { box: keyring.pepper, masterKeyId: keyring.master_key_id }, PEPPER);
  } catch (error) {
    if (!(error instanceof UnreadableSecretError)) throw error;
    throw new MasterKeyError(`the book's keyring is damaged: ${error.message}`);
  }
}

function wrongKey(keys: VaultOptions['keys'], missing: readonly string[]): MasterKeyError {
  const given = keys.map(({ id }) => id).join(', ');
  return new MasterKeyError(
    `this book is sealed with master key ${missing.join(' and ')}, and MASTER_KEY or MASTER_KEY_FILE has ` +
      `${given}: give the right one (a new key goes before the old one until "roundhouse rewrap" was run)`,
  );
}
