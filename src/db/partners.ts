import { mergeSettings, parsePartnerSettings, type PartnerSettings } from '../contracts/settings';
import { currencyOf, isLaunchable } from '../domain/currency';
import { assert } from '../lib/assert';
import { differenceOf, recordChange } from './audit-log';
import type { Office } from './office';
import { insertApiKey } from './partner-keys';
import { insertAgentSecret } from './partner-secrets';
import { changeName, checkedBaseUrl, checkedIpWhitelist, checkedSettings } from './party-input';
import type { Db } from './pool';
import { isUniqueViolation, RefusedError } from './refused';
import { transaction } from './transaction';

export type PartyStatus = 'active' | 'suspended';

/** A customer of ours: the operator of a casino site, with a wallet. */
export interface Partner {
  readonly id: number;
  readonly prefix: string;
  readonly currency: string;
  /** The currency's decimals, as frozen in this book. */
  readonly exponent: number;
  readonly walletUrl: string;
  /** Empty: any address. */
  readonly ipWhitelist: readonly string[];
  /** Every default filled in. */
  readonly settings: PartnerSettings;
  readonly status: PartyStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewPartner {
  readonly prefix: string;
  readonly currency: string;
  readonly walletUrl: string;
  readonly ipWhitelist?: readonly string[];
  /** Only the keys that shall differ from the defaults. */
  readonly settings?: unknown;
}

/** Shown once, at creation: the book keeps the key's digest only. */
export interface PartnerCredentials {
  readonly id: number;
  readonly prefix: string;
  readonly apiKey: string;
  readonly agentSecret: string;
}

/** Fields not given stay as they are. Prefix and currency never change. */
export interface PartnerChange {
  readonly walletUrl?: string;
  /** Replaces the list; empty: any address. */
  readonly ipWhitelist?: readonly string[];
  /** Merged into the stored settings, key by key; null puts a key back to its default. */
  readonly settings?: unknown;
  readonly status?: PartyStatus;
}

/** The columns of a partner, for every query that joins one (`p` partners, `cur` currencies). */
export const PARTNER_COLUMNS = `p.id AS partner_id, p.prefix AS partner_prefix,
  p.currency AS partner_currency, cur.exponent AS partner_exponent, p.wallet_url AS partner_wallet_url,
  p.ip_whitelist AS partner_ip_whitelist, p.settings AS partner_settings, p.status AS partner_status,
  p.created_at AS partner_created_at, p.updated_at AS partner_updated_at`;

export interface PartnerRow {
  readonly partner_id: number;
  readonly partner_prefix: string;
  readonly partner_currency: string;
  readonly partner_exponent: number;
  readonly partner_wallet_url: string;
  readonly partner_ip_whitelist: string[];
  readonly partner_settings: unknown;
  readonly partner_status: PartyStatus;
  readonly partner_created_at: Date;
  readonly partner_updated_at: Date;
}

export function partnerOfRow(row: PartnerRow): Partner {
  return {
    id: row.partner_id,
    prefix: row.partner_prefix,
    currency: row.partner_currency,
    exponent: row.partner_exponent,
    walletUrl: row.partner_wallet_url,
    ipWhitelist: row.partner_ip_whitelist,
    settings: parsePartnerSettings(row.partner_settings),
    status: row.partner_status,
    createdAt: row.partner_created_at,
    updatedAt: row.partner_updated_at,
  };
}

/** Partners behind changing addresses have their key alone. */
const FOR_ANY = 'leave the list empty';

const PREFIX = /^[A-Z0-9]{2,10}$/;

/**
 * Creates a partner with its first API key and AGENT_SECRET.
 *
 * @throws RefusedError naming `prefix`, `currency`, `wallet_url`, `ip_whitelist` or `settings`
 */
export async function createPartner(
  office: Office,
  input: NewPartner,
): Promise<PartnerCredentials> {
  if (!PREFIX.test(input.prefix)) {
    throw new RefusedError('prefix', 'must be 2 to 10 characters of A-Z and 0-9');
  }
  const exponent = launchableExponent(input.currency);
  const walletUrl = checkedBaseUrl('wallet_url', input.walletUrl);
  const ipWhitelist = checkedIpWhitelist(input.ipWhitelist ?? [], FOR_ANY);
  const settings = mergedPartnerSettings({}, input.settings);
  try {
    return await transaction(office.pool, async (client) => {
      await freezeCurrency(client, input.currency, exponent);
      const { rows } = await client.query<{ id: number }>(
        `INSERT INTO partners (prefix, currency, wallet_url, ip_whitelist, settings)
         VALUES ($1, $2, $3, $4, $5) RETURNING id`,
        [input.prefix, input.currency, walletUrl, ipWhitelist, settings],
      );
      const id = rows[0]?.id;
      assert(id !== undefined, 'an inserted partner has an id');
      const { keyId, apiKey } = await insertApiKey(client, office.vault, id);
      const { agentSecret, version } = await insertAgentSecret(client, office.vault, id, 0);
      await recordChange(client, office, {
        action: 'partner.create',
        subject: input.prefix,
        before: null,
        after: {
          currency: input.currency,
          wallet_url: walletUrl,
          ip_whitelist: ipWhitelist,
          settings,
          api_key: keyId,
          agent_secret: version,
        },
      });
      return { id, prefix: input.prefix, apiKey, agentSecret };
    });
  } catch (error) {
    if (isUniqueViolation(error)) {
      throw new RefusedError('prefix', `${input.prefix} is taken; a prefix is never used again`);
    }
    throw error;
  }
}

/**
 * Changes a partner; the change is in force for the next request that reads it.
 *
 * @returns the partner as it is now
 * @throws RefusedError naming `prefix` (unknown), `wallet_url`, `ip_whitelist` or `settings`
 */
export async function updatePartner(
  { pool, actor }: Pick<Office, 'pool' | 'actor'>,
  prefix: string,
  change: PartnerChange,
): Promise<Partner> {
  const walletUrl =
    change.walletUrl === undefined ? null : checkedBaseUrl('wallet_url', change.walletUrl);
  const ipWhitelist =
    change.ipWhitelist === undefined ? null : checkedIpWhitelist(change.ipWhitelist, FOR_ANY);
  return transaction(pool, async (client) => {
    const before = await changeableFields(client, prefix);
    if (!before) throw new RefusedError('prefix', `there is no partner ${prefix}`);
    const settings = mergedPartnerSettings(before.settings, change.settings);
    await client.query(
      `UPDATE partners SET wallet_url = coalesce($2, wallet_url),
         ip_whitelist = coalesce($3, ip_whitelist), settings = $4, status = coalesce($5, status),
         updated_at = now()
       WHERE prefix = $1`,
      [prefix, walletUrl, ipWhitelist, settings, change.status ?? null],
    );
    const partner = await partnerByPrefix(client, prefix);
    const after = await changeableFields(client, prefix);
    assert(partner && after, 'a partner is never deleted');
    const difference = differenceOf(before, after);
    if (difference) {
      const action = `partner.${changeName(difference.after)}`;
      await recordChange(client, { actor }, { action, subject: prefix, ...difference });
    }
    return partner;
  });
}

type ChangeableFields = {
  readonly wallet_url: string;
  readonly ip_whitelist: string[];
  readonly settings: object;
  readonly status: PartyStatus;
};

async function changeableFields(client: Db, prefix: string): Promise<ChangeableFields | undefined> {
  const { rows } = await client.query<ChangeableFields>(
    'SELECT wallet_url, ip_whitelist, settings, status FROM partners WHERE prefix = $1 FOR UPDATE',
    [prefix],
  );
  return rows[0];
}

export async function partnerByPrefix(db: Db, prefix: string): Promise<Partner | undefined> {
  const { rows } = await db.query<PartnerRow>({
    name: 'partner-by-prefix',
    text: `SELECT ${PARTNER_COLUMNS} FROM partners p JOIN currencies cur ON cur.code = p.currency
           WHERE p.prefix = $1`,
    values: [prefix],
  });
  return rows[0] && partnerOfRow(rows[0]);
}

export async function partnerById(db: Db, id: number): Promise<Partner | undefined> {
  const { rows } = await db.query<PartnerRow>({
    name: 'partner-by-id',
    text: `SELECT ${PARTNER_COLUMNS} FROM partners p JOIN currencies cur ON cur.code = p.currency
           WHERE p.id = $1`,
    values: [id],
  });
  return rows[0] && partnerOfRow(rows[0]);
}

/** Every partner, by prefix. */
export async function listPartners(db: Db): Promise<Partner[]> {
  const { rows } = await db.query<PartnerRow>(
    `SELECT ${PARTNER_COLUMNS} FROM partners p JOIN currencies cur ON cur.code = p.currency
     ORDER BY p.prefix`,
  );
  return rows.map(partnerOfRow);
}

function launchableExponent(code: string): number {
  const currency = currencyOf(code);
  if (!currency) throw new RefusedError('currency', `"${code}" is not a known currency code`);
  if (!isLaunchable(code) || currency.exponent === undefined) {
    throw new RefusedError('currency', `${code} cannot be played: ${whyNotLaunchable(code)}`);
  }
  return currency.exponent;
}

function whyNotLaunchable(code: string): string {
  const currency = currencyOf(code);
  if (currency?.standing === 'demo') return 'it is the demo currency';
  if (currency?.exponent === undefined) return 'its number of decimals is not settled';
  return `it has ${String(currency.exponent)} decimals, and signed amounts carry at most 4`;
}

// The registry may learn better later; amounts already stored keep the exponent they were stored with.
async function freezeCurrency(db: Db, code: string, exponent: number): Promise<void> {
  await db.query('INSERT INTO currencies (code, exponent) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    code,
    exponent,
  ]);
  const { rows } = await db.query<{ exponent: number }>(
    'SELECT exponent FROM currencies WHERE code = $1',
    [code],
  );
  if (rows[0]?.exponent !== exponent) {
    throw new RefusedError(
      'currency',
      `this book keeps ${code} with ${String(rows[0]?.exponent)} decimals, the registry says ${String(exponent)}`,
    );
  }
}

function mergedPartnerSettings(stored: unknown, change: unknown): Record<string, unknown> {
  return checkedSettings(() => {
    const merged = mergeSettings(stored, change ?? {});
    parsePartnerSettings(merged);
    return merged;
  });
}
