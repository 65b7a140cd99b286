import { RefusedError } from '../db/refused';
import type { EgressGuard } from '../lib/egress';

/** `--ip-whitelist A,B`: blanks around the commas are taken, empty text is the empty list (any address). */
export function ipWhitelistOf(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/**
 * `--settings JSON`; which keys and values it may have is checked where they are stored.
 *
 * @throws RefusedError naming `settings` when it is not JSON
 */
export function settingsOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new RefusedError('settings', 'is not JSON');
  }
}

/**
 * A URL we are going to call: what the guard would refuse later is refused now, while somebody looks.
 *
 * @throws RefusedError naming `field`
 */
export function callableUrl(egress: EgressGuard, field: string, text: string): string {
  const verdict = egress.checkUrl(text);
  if (!verdict.ok) throw new RefusedError(field, verdict.reason);
  return text;
}

/** An object without the keys whose value is undefined: a change says only what it changes. */
export function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>;
  };
}

/** @throws RefusedError naming the flags when a change says nothing */
export function somethingToChange(change: object, flags: readonly string[]): void {
  if (Object.keys(change).length > 0) return;
  const [first = '', ...others] = flags;
  throw new RefusedError(
    first,
    `nothing to change; give ${['it', ...others.map(flagOf)].join(' or ')}`,
  );
}

const flagOf = (field: string) => `--${field.replaceAll('_', '-')}`;
