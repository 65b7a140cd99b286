import {
  mergeSettings,
  parseConnectionSettings,
  type ConnectionSettings,
} from '../contracts/settings';
import { assert } from '../lib/assert';
import { differenceOf, recordChange } from './audit-log';
import { checkedApiKey, insertConnectionKey } from './connection-keys';
import type { Office } from './office';
import { changeName, checkedBaseUrl, checkedIpWhitelist, checkedSettings } from './party-input';
import type { PartyStatus } from './partners';
import type { Db } from './pool';
import { isUniqueViolation, RefusedError } from './refused';
import { transaction } from './transaction';

/** Provider protocols this version speaks. */
export const DIALECTS = ['web-games'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** One integration with a provider. */
export interface Connection {
  /** The connection number: part of every id. */
  readonly id: number;
  /** Names it in paths, workflow ids and commands. */
  readonly key: string;
  readonly dialect: Dialect;
  readonly baseUrl: string;
  /** Our number at the provider. */
  readonly partnerId: string;
  /** Addresses the provider's calls may come from; for an empty list see `takesAnyAddress`. */
  readonly ipWhitelist: readonly string[];
  /** Every default filled in. */
  readonly settings: ConnectionSettings;
  readonly status: PartyStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When the catalogue was last taken over; null: never. */
  readonly catalogueSyncedAt: Date | null;
  /** Why the latest try failed; null when it did not. */
  readonly catalogueError: string | null;
}

export interface NewConnection {
  readonly key: string;
  readonly dialect: string;
  readonly baseUrl: string;
  readonly partnerId: string;
  readonly apiKey: string;
  readonly ipWhitelist?: readonly string[];
  readonly settings?: unknown;
}

/** Fields not given stay as they are. Key and dialect never change. */
export interface ConnectionChange {
  readonly baseUrl?: string;
  readonly partnerId?: string;
  /** Becomes the newest key; the old ones end now. */
  readonly apiKey?: string;
  /** Replaces the list; an empty one needs the setting `any_address`, except in development. */
  readonly ipWhitelist?: readonly string[];
  /** Merged into the stored settings, key by key; null puts a key back to its default. */
  readonly settings?: unknown;
  readonly status?: PartyStatus;
}

/** The columns of a connection, for every query that joins one (`c` connections). */
export const CONNECTION_COLUMNS = `c.id AS connection_id, c.key AS connection_key,
  c.dialect AS connection_dialect, c.base_url AS connection_base_url,
  c.partner_id AS connection_partner_id, c.ip_whitelist AS connection_ip_whitelist,
  c.settings AS connection_settings, c.status AS connection_status,
  c.created_at AS connection_created_at, c.updated_at AS connection_updated_at,
  c.catalogue_synced_at AS connection_catalogue_synced_at,
  c.catalogue_error AS connection_catalogue_error`;

export interface ConnectionRow {
  readonly connection_id: number;
  readonly connection_key: string;
  readonly connection_dialect: Dialect;
  readonly connection_base_url: string;
  readonly connection_partner_id: string;
  readonly connection_ip_whitelist: string[];
  readonly connection_settings: unknown;
  readonly connection_status: PartyStatus;
  readonly connection_created_at: Date;
  readonly connection_updated_at: Date;
  readonly connection_catalogue_synced_at: Date | null;
  readonly connection_catalogue_error: string | null;
}

export function connectionOfRow(row: ConnectionRow): Connection {
  return {
    id: row.connection_id,
    key: row.connection_key,
    dialect: row.connection_dialect,
    baseUrl: row.connection_base_url,
    partnerId: row.connection_partner_id,
    ipWhitelist: row.connection_ip_whitelist,
    settings: parseConnectionSettings(row.connection_settings),
    status: row.connection_status,
    createdAt: row.connection_created_at,
    updatedAt: row.connection_updated_at,
    catalogueSyncedAt: row.connection_catalogue_synced_at,
    catalogueError: row.connection_catalogue_error,
  };
}

/** In so many words: an entry for every address would look like a list. */
const FOR_ANY = 'leave the list empty and set {"any_address": true}';

const KEY = /^[a-z0-9][a-z0-9-]{0,30}$/;
/** The web-games document calls it an int; it goes into signatures as written, so one spelling only. */
const PARTNER_ID = /^(0|[1-9]\d{0,14})$/;

/**
 * Creates a connection with its first API key.
 *
 * @throws RefusedError naming `key`, `dialect`, `base_url`, `partner_id`, `api_key`, `ip_whitelist` or
 *   `settings`
 */
export async function createConnection(office: Office, input: NewConnection): Promise<Connection> {
  if (!KEY.test(input.key)) {
    throw new RefusedError(
      'key',
      'must be 1 to 31 characters of a-z, 0-9 and -, not beginning with -',
    );
  }
  if (!(DIALECTS as readonly string[]).includes(input.dialect)) {
    throw new RefusedError('dialect', `"${input.dialect}" is not one of: ${DIALECTS.join(', ')}`);
  }
  const baseUrl = checkedBaseUrl('base_url', input.baseUrl);
  const partnerId = checkedPartnerId(input.partnerId);
  const apiKey = checkedApiKey(input.apiKey);
  const ipWhitelist = checkedIpWhitelist(input.ipWhitelist ?? [], FOR_ANY);
  const settings = mergedConnectionSettings({}, input.settings);
  requireCallers(office, ipWhitelist, settings);
  try {
    return await transaction(office.pool, async (client) => {
      const { rows } = await client.query<{ id: number }>(
        `INSERT INTO connections (key, dialect, base_url, partner_id, ip_whitelist, settings)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
        [input.key, input.dialect, baseUrl, partnerId, ipWhitelist, settings],
      );
      const id = rows[0]?.id;
      assert(id !== undefined, 'an inserted connection has an id');
      const version = await insertConnectionKey(client, office.vault, id, apiKey, 0);
      await recordChange(client, office, {
        action: 'connection.create',
        subject: input.key,
        before: null,
        after: {
          dialect: input.dialect,
          base_url: baseUrl,
          partner_id: partnerId,
          ip_whitelist: ipWhitelist,
          settings,
          api_key: version,
        },
      });
      return existingConnection(client, input.key);
    });
  } catch (error) {
    if (isUniqueViolation(error)) {
      throw new RefusedError(
        'key',
        `${input.key} is taken; a connection's key is never used again`,
      );
    }
    throw error;
  }
}

/**
 * Changes a connection; the change is in force for the next request that reads it.
 *
 * @returns the connection as it is now
 * @throws RefusedError naming `key` (unknown) or the field that is not usable
 */
export async function updateConnection(
  office: Office,
  key: string,
  change: ConnectionChange,
): Promise<Connection> {
  const baseUrl = change.baseUrl === undefined ? null : checkedBaseUrl('base_url', change.baseUrl);
  const partnerId = change.partnerId === undefined ? null : checkedPartnerId(change.partnerId);
  const apiKey = change.apiKey === undefined ? null : checkedApiKey(change.apiKey);
  const ipWhitelist =
    change.ipWhitelist === undefined ? null : checkedIpWhitelist(change.ipWhitelist, FOR_ANY);
  return transaction(office.pool, async (client) => {
    const before = await changeableFields(client, key);
    if (!before) throw new RefusedError('key', `there is no connection ${key}`);
    const settings = mergedConnectionSettings(before.settings, change.settings);
    // A suspension is never refused, whatever else is wrong with the connection.
    if (change.status === undefined) {
      requireCallers(office, ipWhitelist ?? before.ip_whitelist, settings);
    }
    await client.query(
      `UPDATE connections SET base_url = coalesce($2, base_url),
         partner_id = coalesce($3, partner_id), ip_whitelist = coalesce($4, ip_whitelist),
         settings = $5, status = coalesce($6, status), updated_at = now()
       WHERE key = $1`,
      [key, baseUrl, partnerId, ipWhitelist, settings, change.status ?? null],
    );
    const connection = await existingConnection(client, key);
    if (apiKey !== null) {
      await insertConnectionKey(client, office.vault, connection.id, apiKey, 0);
    }
    const after = await changeableFields(client, key);
    assert(after, 'a connection is never deleted');
    const difference = differenceOf(before, after);
    if (difference) {
      const action = `connection.${changeName(difference.after)}`;
      await recordChange(client, office, { action, subject: key, ...difference });
    }
    return connection;
  });
}

type ChangeableFields = {
  readonly base_url: string;
  readonly partner_id: string;
  readonly ip_whitelist: string[];
  readonly settings: object;
  readonly status: PartyStatus;
  /** The newest version of the key; the key itself is nobody's to read. */
  readonly api_key: number;
};

async function changeableFields(client: Db, key: string): Promise<ChangeableFields | undefined> {
  const { rows } = await client.query<ChangeableFields>(
    `SELECT base_url, partner_id, ip_whitelist, settings, status,
            (SELECT max(version) FROM connection_keys k WHERE k.connection_id = c.id) AS api_key
       FROM connections c WHERE key = $1 FOR UPDATE`,
    [key],
  );
  return rows[0];
}

/** The connection of a key, whatever its status. */
export async function connectionByKey(db: Db, key: string): Promise<Connection | undefined> {
  const { rows } = await db.query<ConnectionRow>({
    name: 'connection-by-key',
    text: `SELECT ${CONNECTION_COLUMNS} FROM connections c WHERE c.key = $1`,
    values: [key],
  });
  return rows[0] && connectionOfRow(rows[0]);
}

/** Every connection, by its key. */
export async function listConnections(db: Db): Promise<Connection[]> {
  const { rows } = await db.query<ConnectionRow>(
    `SELECT ${CONNECTION_COLUMNS} FROM connections c ORDER BY c.key`,
  );
  return rows.map(connectionOfRow);
}

/** Remembers why the catalogue could not be taken over; the last good copy stays. */
export async function noteCatalogueFailure(
  db: Db,
  connectionId: number,
  reason: string,
): Promise<void> {
  await db.query('UPDATE connections SET catalogue_error = $2 WHERE id = $1', [
    connectionId,
    reason.slice(0, 500),
  ]);
}

async function existingConnection(db: Db, key: string): Promise<Connection> {
  const connection = await connectionByKey(db, key);
  assert(connection, 'a connection is never deleted');
  return connection;
}

function checkedPartnerId(text: string): string {
  if (!PARTNER_ID.test(text)) {
    throw new RefusedError('partner_id', 'must be a whole number of at most 15 digits');
  }
  return text;
}

/**
 * Whether the provider may call from anywhere: there is no list, and that is what the operator said, or this is
 * development (SPEC §6). Without a list and without that, nobody may call.
 */
export function takesAnyAddress(
  { ipWhitelist, settings }: Pick<Connection, 'ipWhitelist' | 'settings'>,
  development: boolean,
): boolean {
  return ipWhitelist.length === 0 && (development || settings.any_address);
}

/** @throws RefusedError naming `ip_whitelist` when the list says nothing and nobody said that it need not */
function requireCallers(
  { development }: Office,
  ipWhitelist: readonly string[],
  stored: Record<string, unknown>,
): void {
  const settings = parseConnectionSettings(stored);
  if (ipWhitelist.length > 0 || takesAnyAddress({ ipWhitelist, settings }, development)) return;
  throw new RefusedError(
    'ip_whitelist',
    'is empty: name the addresses the provider calls from, or take calls from any with --settings \'{"any_address": true}\'',
  );
}

function mergedConnectionSettings(stored: unknown, change: unknown): Record<string, unknown> {
  return checkedSettings(() => {
    const merged = mergeSettings(stored, change ?? {});
    parseConnectionSettings(merged);
    return merged;
  });
}
