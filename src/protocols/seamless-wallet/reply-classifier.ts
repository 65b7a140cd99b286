import type {
  DeclineReason,
  OutcomeFlag,
  UnknownReason,
  WalletOutcome,
  WalletVerb,
} from '../../domain/wallet-outcome';
import {
  fieldOf,
  isJsonNumber,
  isJsonObject,
  parseLosslessJson,
  scalarText,
  type LosslessJson,
} from '../../lib/json';
import {
  DEFAULT_REPLY_TEXTS,
  normaliseReplyText,
  REPLY_MEANINGS,
  type ReplyMeaning,
} from './reply-texts';

/** What one partner's replies mean, where it differs from the defaults of SPEC §5. */
export interface ReplyProfile {
  readonly meanings: ReadonlyMap<string, ReplyMeaning>;
  readonly duplicateMeansDone: boolean;
}

export interface ReplyProfileSettings {
  /** Setting `reply_texts`: texts added to the default lists; an entry here wins over a default. */
  readonly replyTexts?: Readonly<Partial<Record<ReplyMeaning, readonly string[]>>>;
  /** Setting `duplicate_means_done`. */
  readonly duplicateMeansDone?: boolean;
}

/** Builds a partner's profile once; texts are normalised, one without any letter is left out. */
export function createReplyProfile(settings: ReplyProfileSettings = {}): ReplyProfile {
  const meanings = new Map<string, ReplyMeaning>();
  for (const source of [DEFAULT_REPLY_TEXTS, settings.replyTexts ?? {}]) {
    for (const meaning of REPLY_MEANINGS) {
      for (const text of source[meaning] ?? []) {
        const normalised = normaliseReplyText(text);
        if (normalised !== '') meanings.set(normalised, meaning);
      }
    }
  }
  return { meanings, duplicateMeansDone: settings.duplicateMeansDone ?? false };
}

/** A complete reply, as received. A body that was cut or broke off never gets here: it is unknown. */
export interface WalletReply {
  readonly status: number;
  readonly body: string;
}

/** `read` is the balance enquiry: it moves nothing, so a negative balance is an answer like another. */
export type ClassifiedVerb = WalletVerb | 'read';

/** 4xx statuses that say "not now" or "somebody else did it": no refusal, whatever their text says. */
const INDEFINITE_4XX = new Set([408, 409, 425, 429]);

/** Statuses that refuse a call before it is processed: our configuration or the partner's is wrong. */
const CONFIGURATION_STATUSES = new Set([400, 401, 403, 404, 405, 410, 422]);

/** In this order; the first that is listed counts. Nested texts and other letters' case do not. */
const TEXT_FIELDS = ['error', 'code', 'message'] as const;

// The grammar that cutToMinor of domain/money.ts can cut; a larger number is no balance of anybody.
const BALANCE = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,2}))?$/;

interface Reading {
  readonly reply: WalletReply;
  readonly object: { [key: string]: LosslessJson } | undefined;
  readonly listed: { readonly meaning: ReplyMeaning; readonly text: string } | undefined;
}

/**
 * The table of SPEC §5: what a complete reply says about the money, per kind of call.
 *
 * - `take` (/bet) and `read` (/balance): the whole table.
 * - `give` (/settle-bet): done on row 1 only, on a negative balance too (flagged `negative_balance`);
 *   *duplicate* never means done here, because a wallet that de-duplicates on the bet_id alone would
 *   say so about a win it never paid (trap T28).
 * - `end` (/bet-end): done on any 2xx without a truthy `error`.
 * - `report` (/history): done on 200.
 *
 * A decline ends a stake only; for the other calls the caller repeats and opens a case.
 *
 * @param isRepeat whether an earlier attempt of this call may have reached the wallet
 */
export function classifyReply(
  verb: ClassifiedVerb,
  reply: WalletReply,
  profile: ReplyProfile,
  { isRepeat }: { readonly isRepeat: boolean },
): WalletOutcome {
  const common = { httpStatus: reply.status };
  if (verb === 'report' && reply.status === 200) {
    return { kind: 'done', text: 'HTTP 200', ...common };
  }
  const reading = read(reply, profile);
  if (is2xx(reply.status) && verb === 'end' && !refusesEnd(reading)) {
    return { kind: 'done', text: `HTTP ${reply.status}`, ...common };
  }
  const { listed } = reading;
  if (listed?.meaning === 'duplicate' || reply.status === 409) {
    return duplicateOutcome(verb, reading, profile, isRepeat);
  }
  if (reply.status === 402) {
    return { kind: 'declined', reason: 'funds', text: 'HTTP 402', ...common };
  }
  if (listed) return declinedOutcome(verb, reading, listed.meaning, listed.text);
  if (is2xx(reply.status)) return successOutcome(verb, reading);
  if (CONFIGURATION_STATUSES.has(reply.status)) {
    return { kind: 'declined', reason: 'configuration', text: `HTTP ${reply.status}`, ...common };
  }
  const redirect = reply.status >= 300 && reply.status < 400;
  return unknown(redirect ? 'redirect' : 'http_status', `HTTP ${reply.status}`, reply);
}

function read(reply: WalletReply, profile: ReplyProfile): Reading {
  let value: LosslessJson;
  try {
    value = parseLosslessJson(reply.body);
  } catch {
    return { reply, object: undefined, listed: undefined };
  }
  if (!isJsonObject(value)) return { reply, object: undefined, listed: undefined };
  return { reply, object: value, listed: listedText(reply.status, value, profile) };
}

function listedText(
  status: number,
  object: { [key: string]: LosslessJson },
  profile: ReplyProfile,
): Reading['listed'] {
  const counts = is2xx(status) || (status >= 400 && status < 500 && !INDEFINITE_4XX.has(status));
  if (!counts) return undefined;
  for (const name of TEXT_FIELDS) {
    const value = fieldOf(object, name);
    if (typeof value !== 'string') continue;
    const text = normaliseReplyText(value);
    const meaning = profile.meanings.get(text);
    if (meaning) return { meaning, text };
  }
  return undefined;
}

/**
 * A listed refusal beside a reply that otherwise looks like a success contradicts itself: calling it
 * done could give a spin away, calling it declined could keep a stake. Nobody can say: unknown.
 */
function declinedOutcome(
  verb: ClassifiedVerb,
  reading: Reading,
  reason: DeclineReason,
  listedText: string,
): WalletOutcome {
  const { reply } = reading;
  const text = `HTTP ${reply.status}, "${listedText}"`;
  if (is2xx(reply.status) && successOutcome(verb, reading).kind === 'done') {
    return unknown('contradictory', `${text} beside a balance`, reply);
  }
  return { kind: 'declined', reason, text, httpStatus: reply.status };
}

/** A 2xx reply by its fields alone: row 1 of the table, or what is missing from it. */
function successOutcome(verb: ClassifiedVerb, reading: Reading): WalletOutcome {
  const { reply, object } = reading;
  // A record is acknowledged by 200 alone (partner document, "History"), and 200 was dealt with before.
  if (verb === 'report') return unknown('http_status', `HTTP ${reply.status}, not 200`, reply);
  if (!object) {
    const text = reply.body === '' ? 'an empty reply' : 'a reply that is no JSON object';
    return unknown('not_json', `HTTP ${reply.status} with ${text}`, reply);
  }
  const refusal = refusalOf(object);
  if (refusal !== undefined) {
    return unknown('refusal_unlisted', `HTTP ${reply.status} with ${refusal}`, reply);
  }
  if (verb === 'end') return { kind: 'done', text: 'done', httpStatus: reply.status };
  const balance = balanceOf(object);
  if (balance === undefined) {
    return unknown('no_balance', `HTTP ${reply.status} without a usable balance`, reply);
  }
  const text = `HTTP ${reply.status}`;
  if (!balance.negative) {
    return { kind: 'done', balance: balance.text, text, httpStatus: reply.status };
  }
  const flags = ['negative_balance'] as const;
  if (verb === 'give' || verb === 'read') {
    return { kind: 'done', balance: balance.text, text, httpStatus: reply.status, flags };
  }
  return unknown('negative_balance', `${text} with a negative balance`, reply, flags);
}

/**
 * 409 or a listed duplicate text. A remark beside a reply that is a success by itself (row 1) changes
 * nothing. Otherwise, on a first attempt it is as strange as any unknown: something sent our request
 * twice, or ids clash. On a repeat it is done where the partner says so (SPEC §5).
 */
function duplicateOutcome(
  verb: ClassifiedVerb,
  reading: Reading,
  profile: ReplyProfile,
  isRepeat: boolean,
): WalletOutcome {
  const { reply, object } = reading;
  const flags = ['duplicate'] as const;
  const text = `HTTP ${reply.status}, duplicate`;
  if (is2xx(reply.status)) {
    const outcome = successOutcome(verb, reading);
    if (outcome.kind === 'done') return { ...outcome, flags: [...(outcome.flags ?? []), ...flags] };
  }
  const meansDone = verb === 'take' || verb === 'end' || verb === 'report';
  if (!(meansDone && isRepeat && profile.duplicateMeansDone)) {
    return unknown('duplicate', text, reply, flags);
  }
  const balance = object && balanceOf(object);
  return {
    kind: 'done',
    text,
    httpStatus: reply.status,
    flags: balance?.negative ? ['duplicate', 'negative_balance'] : flags,
    ...(balance && { balance: balance.text }),
  };
}

/** Whether a 2xx reply to /bet-end speaks of an error; a body that cannot be read but names one does. */
function refusesEnd({ reply, object }: Reading): boolean {
  if (object) return isTruthy(fieldOf(object, 'error'));
  return reply.body.includes('"error"');
}

/** What in a reply denies success: row 1 of the table. Undefined when nothing does. */
function refusalOf(object: { [key: string]: LosslessJson }): string | undefined {
  const error = fieldOf(object, 'error');
  if (isTruthy(error)) return `an error${excerptOf(error)}`;
  const code = fieldOf(object, 'code');
  if (code !== undefined && code !== null && !['0', '200'].includes(scalarText(code) ?? '')) {
    return `a code${excerptOf(code)}`;
  }
  for (const name of ['status', 'success']) {
    const value = fieldOf(object, name);
    if (value === false || (typeof value === 'string' && normaliseReplyText(value) === 'false')) {
      return `${name} false`;
    }
  }
  // Languages without booleans on the wire print it so; of `status`, zero is many wallets' good news.
  if (scalarText(fieldOf(object, 'success')) === '0') return 'success 0';
  return undefined;
}

/** The balance's own text, when it is a finite number or a numeric string. */
function balanceOf(object: {
  [key: string]: LosslessJson;
}): { readonly text: string; readonly negative: boolean } | undefined {
  const value = fieldOf(object, 'balance');
  const text = scalarText(value);
  const match = text === undefined ? null : BALANCE.exec(text);
  if (text === undefined || !match) return undefined;
  const point = (match[2] ?? '').length + Number(match[4] ?? '0');
  if (point > 40) return undefined;
  const isZero = !/[1-9]/.test((match[2] ?? '') + (match[3] ?? ''));
  return { text, negative: match[1] === '-' && !isZero };
}

function isTruthy(value: LosslessJson | undefined): boolean {
  if (isJsonNumber(value)) return /[1-9]/.test(value.value.replace(/e.*$/i, ''));
  return Boolean(value);
}

/** What an operator needs to extend `reply_texts`: letters and digits only, so nothing can hide in it. */
function excerptOf(value: LosslessJson | undefined): string {
  const text = (scalarText(value) ?? '')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .trim()
    .slice(0, 60);
  return text === '' ? '' : ` "${text}"`;
}

function unknown(
  reason: UnknownReason,
  text: string,
  reply: WalletReply,
  flags?: readonly OutcomeFlag[],
): WalletOutcome {
  return { kind: 'unknown', reason, text, httpStatus: reply.status, ...(flags && { flags }) };
}

function is2xx(status: number): boolean {
  return status >= 200 && status < 300;
}
