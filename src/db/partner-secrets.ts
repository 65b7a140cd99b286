import { randomBytes } from 'node:crypto';
import { assert } from '../lib/assert';
import { recordChange } from './audit-log';
import type { Office } from './office';
import { lockedPartner } from './partner-keys';
import type { Db } from './pool';
import { RefusedError } from './refused';
import { transaction } from './transaction';
import { sealedOf, secretIdentity, type SealedRow, type Vault } from './vault';

/**
 * An AGENT_SECRET as it may be shown. `next` waits for its time, `signing` signs our calls now, `ended` did.
 * A partner verifies with both that live until it has seen the change.
 */
export interface AgentSecret {
  readonly version: number;
  readonly state: 'next' | 'signing' | 'ended';
  readonly createdAt: Date;
  readonly signsFrom: Date;
}

/** The next secret, which exists in this answer only, and when it begins to sign. */
export interface RotatedSecret {
  readonly version: number;
  readonly agentSecret: string;
  readonly signsFrom: Date;
}

/**
 * The partner's secret that wallet calls are signed with now: the newest one whose time has come.
 *
 * @returns undefined for an unknown partner only
 */
export async function agentSecretOf(
  db: Db,
  vault: Vault,
  partnerId: number,
): Promise<string | undefined> {
  const { rows } = await db.query<SealedRow & { version: number }>({
    name: 'agent-secret',
    text: `SELECT version, sealed, master_key_id FROM partner_secrets
           WHERE partner_id = $1 AND signs_from <= now() AND (expires_at IS NULL OR expires_at > now())
           ORDER BY version DESC LIMIT 1`,
    values: [partnerId],
  });
  const [row] = rows;
  if (!row) return undefined;
  return vault.open(secretIdentity('partner_secrets', partnerId, row.version), sealedOf(row));
}

/** Makes the next secret of a partner, in the caller's transaction; it signs after `overlapMs`. */
export async function insertAgentSecret(
  client: Db,
  vault: Vault,
  partnerId: number,
  overlapMs: number,
): Promise<RotatedSecret> {
  const agentSecret = randomBytes(32).toString('hex');
  const { rows: last } = await client.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) + 1 AS version FROM partner_secrets WHERE partner_id = $1',
    [partnerId],
  );
  const version = last[0]?.version ?? 1;
  const identity = secretIdentity('partner_secrets', partnerId, version);
  const sealed = await vault.seal(client, identity, agentSecret);
  const { rows } = await client.query<{ signs_from: Date }>(
    `INSERT INTO partner_secrets (partner_id, version, sealed, master_key_id, signs_from)
     VALUES ($1, $2, $3, $4, now() + $5 * interval '1 millisecond') RETURNING signs_from`,
    [partnerId, version, sealed.box, sealed.masterKeyId, overlapMs],
  );
  assert(rows[0], 'an inserted secret is returned');
  return { version, agentSecret, signsFrom: rows[0].signs_from };
}

/**
 * Makes the partner's next AGENT_SECRET. Calls go on being signed with the present one until the overlap is
 * over, or `activateAgentSecret` says so.
 *
 * @param replace withdraws one that still waits, because nobody knows it any more
 * @throws RefusedError naming `prefix` (unknown), or `activate` when one waits already
 */
export async function rotateAgentSecret(
  office: Office,
  prefix: string,
  { overlapMs, replace }: { readonly overlapMs: number; readonly replace: boolean },
): Promise<RotatedSecret> {
  return transaction(office.pool, async (client) => {
    const partnerId = await lockedPartner(client, prefix);
    const waiting = await waitingSecret(client, partnerId);
    if (waiting && !replace) {
      throw new RefusedError(
        'activate',
        `version ${waiting.version} waits already and signs from ${waiting.signsFrom.toISOString()} on: ` +
          'give --activate to sign with it now, or --replace to withdraw it and make another',
      );
    }
    if (waiting) {
      await client.query(
        'UPDATE partner_secrets SET expires_at = now() WHERE partner_id = $1 AND version = $2',
        [partnerId, waiting.version],
      );
    }
    const next = await insertAgentSecret(client, office.vault, partnerId, overlapMs);
    await recordChange(client, office, {
      action: 'partner.rotate-secret',
      subject: prefix,
      before: waiting ? { withdrawn: waiting.version } : null,
      after: { agent_secret: next.version, signs_from: next.signsFrom.toISOString() },
    });
    return next;
  });
}

/**
 * Signs with the secret that waits, from now on.
 *
 * @throws RefusedError naming `prefix` (unknown), or `activate` when none waits
 */
export async function activateAgentSecret(
  office: Office,
  prefix: string,
): Promise<{ readonly version: number }> {
  return transaction(office.pool, async (client) => {
    const partnerId = await lockedPartner(client, prefix);
    const waiting = await waitingSecret(client, partnerId);
    if (!waiting)
      throw new RefusedError('activate', 'no secret waits: make one without --activate');
    await client.query(
      'UPDATE partner_secrets SET signs_from = now() WHERE partner_id = $1 AND version = $2',
      [partnerId, waiting.version],
    );
    await recordChange(client, office, {
      action: 'partner.activate-secret',
      subject: prefix,
      before: { signs_from: waiting.signsFrom.toISOString() },
      after: { agent_secret: waiting.version, signs_from: 'now' },
    });
    return { version: waiting.version };
  });
}

/** Every secret of a partner, the newest first. */
export async function listAgentSecrets(db: Db, partnerId: number): Promise<AgentSecret[]> {
  const { rows } = await db.query<{
    version: number;
    created_at: Date;
    signs_from: Date;
    state: AgentSecret['state'];
  }>(
    `SELECT version, created_at, signs_from,
            CASE WHEN expires_at <= now() THEN 'ended'
                 WHEN signs_from > now() THEN 'next'
                 WHEN version = (SELECT max(version) FROM partner_secrets newest
                        WHERE newest.partner_id = s.partner_id AND newest.signs_from <= now()
                          AND (newest.expires_at IS NULL OR newest.expires_at > now())) THEN 'signing'
                 ELSE 'ended' END AS state
       FROM partner_secrets s WHERE partner_id = $1 ORDER BY version DESC`,
    [partnerId],
  );
  return rows.map((row) => ({
    version: row.version,
    state: row.state,
    createdAt: row.created_at,
    signsFrom: row.signs_from,
  }));
}

async function waitingSecret(client: Db, partnerId: number): Promise<AgentSecret | undefined> {
  return (await listAgentSecrets(client, partnerId)).find(({ state }) => state === 'next');
}
