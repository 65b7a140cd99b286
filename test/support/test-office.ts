import type { Office } from '../../src/db/office';
import type { Pool } from '../../src/db/pool';
import { openVault, type Vault, type VaultOptions } from '../../src/db/vault';
import { masterKeyOf } from '../../src/lib/envelope';

/** The master key of every test's book, as MASTER_KEY takes it. */
export const TEST_MASTER_KEY = 'ab'.repeat(32);

/** Master keys of their text, the present one first. */
export function masterKeysOf(...texts: readonly [string, ...string[]]): VaultOptions['keys'] {
  const keys = texts.map((text) => masterKeyOf(text));
  if (keys.includes(undefined)) throw new Error('a test has a master key that is none');
  return keys as unknown as VaultOptions['keys'];
}

export function testVault(pool: Pool): Promise<Vault> {
  return openVault({ pool, keys: masterKeysOf(TEST_MASTER_KEY) });
}

/** What changes of a test are made through. */
export async function testOffice(pool: Pool, { development = true } = {}): Promise<Office> {
  return { pool, vault: await testVault(pool), actor: 'test', development };
}
