import { assert } from '../lib/assert';
import { rewrapValue, type Sealed } from '../lib/envelope';
import { recordChange } from './audit-log';
import type { Office } from './office';
import { transaction } from './transaction';
import {
  LINK_SIGNING_KEY,
  PEPPER,
  SECRET_PLACES,
  sealedOf,
  secretIdentity,
  type KeyringRow,
  type SealedRow,
  type VaultOptions,
} from './vault';

export interface Rewrapped {
  readonly master_key_id: string;
  /** Secrets whose data key is wrapped with this master key since now; the rest was already. */
  readonly rewrapped: number;
  readonly unchanged: number;
}

/**
 * Puts every secret under the first of the master keys, in one transaction; afterwards the earlier ones open
 * nothing any more. Repeating it does nothing.
 *
 * @throws MasterKeyError when one of them cannot be opened: then nothing was changed
 */
export async function rewrapBook(office: Office, keys: VaultOptions['keys']): Promise<Rewrapped> {
  const [present] = keys;
  return transaction(office.pool, async (client) => {
    const { rows } = await client.query<KeyringRow>('SELECT * FROM keyring FOR UPDATE');
    const [keyring] = rows;
    assert(keyring, 'a book that was opened has a keyring');
    let rewrapped = 0;
    let unchanged = 0;
    const moved = (sealed: Sealed, identity: string): Sealed | undefined => {
      if (sealed.masterKeyId === present.id) return void (unchanged += 1);
      rewrapped += 1;
      return rewrapValue(keys, present, sealed, identity);
    };
    for (const { table, owner } of SECRET_PLACES) {
      const secrets = await client.query<{ owner: number; version: number } & SealedRow>(
        `SELECT ${owner} AS owner, version, sealed, master_key_id FROM ${table} FOR UPDATE`,
      );
      for (const row of secrets.rows) {
        const sealed = moved(sealedOf(row), secretIdentity(table, row.owner, row.version));
        if (!sealed) continue;
        await client.query(
          `UPDATE ${table} SET sealed = $3, master_key_id = $4 WHERE ${owner} = $1 AND version = $2`,
          [row.owner, row.version, sealed.box, sealed.masterKeyId],
        );
      }
    }
    const own = (box: Buffer) => ({ box, masterKeyId: keyring.master_key_id });
    const pepper = moved(own(keyring.pepper), PEPPER);
    const linkKey = moved(own(keyring.link_signing_key), LINK_SIGNING_KEY);
    if (pepper && linkKey) {
      await client.query(
        'UPDATE keyring SET master_key_id = $1, pepper = $2, link_signing_key = $3',
        [present.id, pepper.box, linkKey.box],
      );
    }
    if (rewrapped > 0) {
      await recordChange(client, office, {
        action: 'book.rewrap',
        subject: 'secrets',
        before: { master_key_id: keyring.master_key_id },
        after: { master_key_id: present.id, rewrapped },
      });
    }
    return { master_key_id: present.id, rewrapped, unchanged };
  });
}
