// What a command needs to reach the stack that npm start runs here: the supervisor writes it to
// stack.json in the state folder.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from './prepare.mjs';

/**
 * Fills the environment with the addresses of the local stack. Nothing is touched when the caller
 * names a database or a Temporal server of their own: half of one installation and half of another
 * would be worse than an error.
 */
export function useLocalStack() {
  if (process.env.DATABASE_URL || process.env.TEMPORAL_ADDRESS) return;
  const home = process.env.ROUNDHOUSE_HOME
    ? resolve(process.env.ROUNDHOUSE_HOME)
    : join(ROOT, '.roundhouse');
  const file = join(home, 'stack.json');
  if (!existsSync(file)) return;
  const { environment } = JSON.parse(readFileSync(file, 'utf8'));
  for (const [name, value] of Object.entries(environment)) process.env[name] ??= value;
}
