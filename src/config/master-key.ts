import { readFileSync } from 'node:fs';
import { masterKeyOf, type MasterKey } from '../lib/envelope';
import { SettingsError, type Settings } from './env';

/** The key that seals, then earlier ones that may still be needed to open. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]];

/** How a new key is made; named wherever one is missing. */
const HOW = 'make one with "openssl rand -hex 32" and keep it apart from the database\'s backups';

/**
 * The master keys of MASTER_KEY_FILE or MASTER_KEY: one a line, or separated by commas, the present one first.
 *
 * @throws SettingsError when there is none, both are given, or a key is not 64 hex characters; never with the
 *   text itself
 */
export function readMasterKeys(
  settings: Pick<Settings, 'MASTER_KEY' | 'MASTER_KEY_FILE'>,
): MasterKeys {
  const { MASTER_KEY: given, MASTER_KEY_FILE: file } = settings;
  if (given !== undefined && file !== undefined) {
    throw new SettingsError([
      'MASTER_KEY: MASTER_KEY_FILE is set as well; only one of them may be',
    ]);
  }
  if (given !== undefined) return keysOf('MASTER_KEY', given);
  if (file === undefined) {
    throw new SettingsError([`MASTER_KEY_FILE: is missing, and MASTER_KEY too; ${HOW}`]);
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SettingsError([
      `MASTER_KEY_FILE: ${file} cannot be read (${code ?? 'no reason given'}); ${HOW}`,
    ]);
  }
  return keysOf('MASTER_KEY_FILE', text);
}

function keysOf(variable: string, text: string): MasterKeys {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const keys = words.map((word) => masterKeyOf(word.toLowerCase()));
  const bad = keys.findIndex((key) => key === undefined);
  if (bad >= 0) {
    throw new SettingsError([`${variable}: key ${bad + 1} is not 64 hex characters; ${HOW}`]);
  }
  const [first, ...earlier] = keys as MasterKey[];
  if (!first) throw new SettingsError([`${variable}: holds no key; ${HOW}`]);
  return [first, ...earlier];
}
