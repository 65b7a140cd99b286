import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import type { Settings } from '../config/env';
import type { StackHome } from './home';

/** The master key in the state folder; without it the book's secrets cannot be read. */
export const MASTER_KEY_NAME = 'master.key';

/** The settings with a master key: the user's own, or the one of the state folder, made at its first start. */
export function withMasterKey(settings: Settings, home: StackHome): Settings {
  if (settings.MASTER_KEY !== undefined || settings.MASTER_KEY_FILE !== undefined) return settings;
  const file = home.path(MASTER_KEY_NAME);
  if (!existsSync(file)) writeKey(file);
  return { ...settings, MASTER_KEY_FILE: file };
}

// On the disk before anything is sealed with it, and never half of it.
function writeKey(file: string): void {
  const unfinished = `${file}.unfinished`;
  const descriptor = openSync(unfinished, 'w', 0o600);
  writeSync(descriptor, `${randomBytes(32).toString('hex')}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(unfinished, file);
}
