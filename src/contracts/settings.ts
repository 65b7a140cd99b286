import { z } from 'zod';

/**
 * The settings of partners and connections: SPEC §6 names them, §5 gives the defaults. Stored are only
 * the keys somebody chose; everything else is filled in here when a row is read.
 */

/** What is wrong with settings somebody gave; each fault begins with the key's name. */
export class InvalidSettingsError extends Error {
  override name = 'InvalidSettingsError';
  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
  }
}

/** Requests a second of one API process. */
const perSecond = z.int().min(1).max(100_000);

/** Below this, timers and network noise are of the same size as the limit itself. */
const DURATION_MS_MIN = 100;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const duration = (msMax: number) => z.int().min(DURATION_MS_MIN).max(msMax);

/** A decimal amount in the currency's units; a JSON number is taken by its shortest text. */
const amount = z
  .union([z.string(), z.number().transform(String)])
  .refine((text) => /^(0|[1-9]\d{0,14})(\.\d{1,4})?$/.test(text), {
    message: 'must be a plain decimal amount of at most 4 decimals, such as "100.00"',
  });

const replyTextList = z.array(z.string().min(1).max(200)).max(100).default([]);
const replyTexts = z.strictObject({
  funds: replyTextList,
  blocked: replyTextList,
  player_not_found: replyTextList,
  duplicate: replyTextList,
});

const breaker = z
  .strictObject({
    ratio: z.number().gt(0).max(1).default(0.5),
    calls_min: z.int().min(1).max(10_000).default(10),
    window_ms: duration(10 * MINUTE_MS).default(10_000),
    open_ms_min: duration(60 * MINUTE_MS).default(15_000),
    open_ms_max: duration(60 * MINUTE_MS).default(60_000),
  })
  .refine((value) => value.open_ms_min <= value.open_ms_max, {
    path: ['open_ms_min'],
    message: 'must not be above open_ms_max',
  });

const hostName = z
  .string()
  .toLowerCase()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/, {
    message: 'must be a host name, such as "casino.example.com"',
  });

const partnerSettings = z.strictObject({
  /** One attempt of a wallet call, all in all. */
  wallet_attempt_timeout_ms: duration(2 * MINUTE_MS).default(2_000),
  /** Wallet calls under way at once, per worker process: what one slow partner can occupy. */
  max_in_flight: z.int().min(1).max(10_000).default(32),
  /**
   * Calls of the partner API at one endpoint, per API process. Two calls launch a game: this is millions
   * of launches a day, and a loop that went wrong still leaves the other partners their share.
   */
  requests_per_second: perSecond.default(200),
  /** How a win that no bet can take is paid (SPEC §4 rule 7). */
  extra_payout: z.enum(['carrier', 'direct']).default('carrier'),
  /** Certified: the wallet looks for the bet_id before it looks at the balance (rule 3). */
  dedup_before_funds: z.boolean().default(false),
  /** A "duplicate" reply to a repeat means that the bet is taken (§5). */
  duplicate_means_done: z.boolean().default(false),
  /** Whether the partner wants /bet-end and /history. */
  bet_end: z.boolean().default(true),
  history: z.boolean().default(true),
  /** Texts of this wallet's replies, beside the listed ones. */
  reply_texts: replyTexts.prefault({}),
  breaker: breaker.prefault({}),
  /** provider_names this partner offers; null: every active one. */
  products: z.array(z.string().min(1).max(200)).max(10_000).nullable().default(null),
  /** Hosts a player may be sent back to, and whose pages may show ours in a frame; null: any. */
  redirect_hosts: z.array(hostName).max(1_000).nullable().default(null),
});

const connectionSettings = z.strictObject({
  /** Until then the provider has its answer, whatever the wallet does. */
  answer_deadline_ms: duration(2 * MINUTE_MS).default(4_500),
  /** How long after the answer deadline a late stake can still become confirmed (rule 4). */
  revive_window_ms: duration(DAY_MS).default(60_000),
  /** A round without any operation for this long is closed by us. */
  idle_close_ms: duration(30 * DAY_MS).default(DAY_MS),
  /** Between a close by us and its bet-end, so that a repeated win still lands on its bet. */
  close_grace_ms: duration(DAY_MS).default(5_000),
  /** A session unused for this long takes no further stake. */
  session_idle_ms: duration(30 * DAY_MS).default(DAY_MS),
  /**
   * Stakes and Authorizations per API process; payouts have none. About what a process can settle, so
   * that one provider's storm is refused before it becomes everybody's.
   */
  requests_per_second: perSecond.default(1_000),
  /** Whether an unconfirmed payout is answered 0 at the deadline, or 1 (rule 6). */
  payout_ack: z.enum(['durable', 'confirmed']).default('durable'),
  /** A stake of another round of the same session and game closes the earlier ones (rule 9). */
  close_on_next_stake: z.boolean().default(true),
  /** A payout in a round without any stake (rule 8). */
  orphan_payout: z.enum(['reject', 'carrier']).default('reject'),
  orphan_payout_max: amount.nullable().default(null),
  /** Sanity caps of one operation, as decimal text; null: none (rule 15). */
  stake_max: amount.nullable().default(null),
  payout_max: amount.nullable().default(null),
  /** Without an IP list: calls from every address are taken. Said in so many words, outside development. */
  any_address: z.boolean().default(false),
});

export type PartnerSettings = Readonly<z.output<typeof partnerSettings>>;
export type ConnectionSettings = Readonly<z.output<typeof connectionSettings>>;

/**
 * Checks a partner's settings and fills in every default.
 *
 * @param json an object of the keys somebody chose; `{}` for none
 * @throws InvalidSettingsError naming every unknown key and every value out of range
 */
export const parsePartnerSettings: (json: unknown) => PartnerSettings = parserOf(partnerSettings);

/** Checks a connection's settings and fills in every default; as `parsePartnerSettings`. */
export const parseConnectionSettings: (json: unknown) => ConnectionSettings =
  parserOf(connectionSettings);

/**
 * The settings after a change: keys given replace the stored ones whole, a key given as `null` goes back
 * to its default, and keys not given stay.
 *
 * @returns what to store; not checked yet
 */
export function mergeSettings(stored: unknown, change: unknown): Record<string, unknown> {
  if (!isPlainObject(change)) throw new InvalidSettingsError(['must be a JSON object']);
  const merged = { ...(isPlainObject(stored) ? stored : {}), ...change };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Most parties have the same settings, and none changes them often; a storm of changes begins anew. */
const KNOWN_MAX = 1_000;

/** Rows are read with every request, and hardly ever say something new: a text that was parsed is not parsed again. */
function parserOf<Output extends object>(schema: z.ZodType<Output>) {
  const known = new Map<string, Readonly<Output>>();
  return (json: unknown): Readonly<Output> => {
    const text = String(JSON.stringify(json));
    const settings = known.get(text);
    if (settings) return settings;
    const result = schema.safeParse(json);
    if (!result.success) throw new InvalidSettingsError(result.error.issues.flatMap(faultsOf));
    if (known.size === KNOWN_MAX) known.clear();
    known.set(text, Object.freeze(result.data));
    return result.data;
  };
}

function faultsOf(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${[...place, key].join('.')}: is not a setting`);
  }
  return [place.length === 0 ? issue.message : `${place.join('.')}: ${issue.message}`];
}
