import { RefusedError } from '../db/refused';
import type { CliContext } from './context';

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
 * A URL we are going to call: what the guard would refuse later is refused now, while somebody looks. A name that
 * does not resolve from here is only remarked upon: it may do so where API and worker run.
 *
 * @throws RefusedError naming `field`
 */
export async function callableUrl(
  context: Pick<CliContext, 'egress' | 'remark'>,
  field: string,
  text: string,
): Promise<string> {
  const verdict = await context.egress().checkNow(text);
  if (verdict.ok === false) throw new RefusedError(field, verdict.reason);
  if (verdict.ok === 'unresolved') context.remark(`warning: ${field}: ${verdict.reason}`);
  return text;
}

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Longer is no overlap but two keys for good. */
const DURATION_MS_MAX = 90 * UNITS_MS.d;

/**
 * A duration such as `90s`, `30m`, `24h` or `7d`, in milliseconds.
 *
 * @throws RefusedError naming `field`
 */
function durationOf(field: string, text: string): number {
  const [, count, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * UNITS_MS[(unit ?? 's') as keyof typeof UNITS_MS];
  if (count === undefined || ms > DURATION_MS_MAX) {
    throw new RefusedError(field, 'must be a duration up to 90 days, such as 90s, 30m, 24h or 7d');
  }
  return ms;
}

/** How long what is replaced stays valid. */
export interface OverlapFlags {
  readonly overlap?: string;
  readonly now?: boolean;
}

/** SPEC §6. */
const OVERLAP = '24h';

/** @throws RefusedError naming `overlap` or `now` */
export function overlapOf({ overlap, now }: OverlapFlags): number {
  if (now && overlap !== undefined)
    throw new RefusedError('now', 'and --overlap exclude each other');
  return now ? 0 : durationOf('overlap', overlap ?? OVERLAP);
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
