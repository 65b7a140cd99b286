import {
  fieldOf,
  isJsonNumber,
  isJsonObject,
  parseLosslessJson,
  scalarText,
  type LosslessJson,
} from '../../lib/json';

interface Signed {
  /** As received; compared by `isSignedBy`. */
  readonly hash: string;
  /** The signed values' own source texts in the document's order. */
  readonly hashValues: readonly string[];
}

/** Provider document, section 3. Ids are canonical integers as text. */
export interface AuthorizationRequest extends Signed {
  readonly kind: 'authorization';
  readonly playerId: string;
  readonly gameId: string;
  readonly token: string;
}

interface MoneyRequest extends Signed {
  readonly playerId: string;
  readonly roundId: string;
  readonly gameId: string;
  readonly transactionId: string;
  readonly token: string;
  /** The amount's own source text, not negative; `parseAmount` with the currency's exponent comes later. */
  readonly amountText: string;
  readonly isClose: boolean;
}

/** Credit takes the stake (provider document, section 4): in this field's usual sense it is a debit. */
export interface StakeRequest extends MoneyRequest {
  readonly kind: 'stake';
}

/** Debit pays the payout (provider document, section 5). */
export interface PayoutRequest extends MoneyRequest {
  readonly kind: 'payout';
  readonly betAmountText?: string;
}

export type Decoded<Request> =
  | { readonly ok: true; readonly request: Request }
  /** The shape is wrong: code 1, and the message names the field. */
  | { readonly ok: false; readonly code: 1; readonly message: string };

type Fields = { [key: string]: LosslessJson };

class ShapeError extends Error {}

/** Ids of this document fit 20 characters: a sign and the 19 digits of a 64-bit integer. */
const ID_LENGTH_MAX = 20;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;
const TOKEN = /^[\x20-\x7e]{1,128}$/;
const HASH_LENGTH_MAX = 128;
const AMOUNT_LENGTH_MAX = 64;
const CANONICAL_INTEGER = /^(?:0|-?[1-9]\d*)$/;
const DECIMAL = /^(-?)(\d+(?:\.\d+)?)(?:[eE][+-]?\d{1,3})?$/;

/** Decodes the body of Authorization. Never throws for any text. */
export function decodeAuthorization(bodyText: string): Decoded<AuthorizationRequest> {
  return decoded(bodyText, (fields) => {
    const playerId = id(fields, 'player_id');
    const gameId = id(fields, 'game_id');
    const token = tokenOf(fields);
    const hash = hashOf(fields);
    const hashValues = [playerId, gameId, token];
    return { kind: 'authorization', playerId, gameId, token, hash, hashValues };
  });
}

/** Decodes the body of Credit, the stake. Never throws for any text. */
export function decodeCredit(bodyText: string): Decoded<StakeRequest> {
  return decoded(bodyText, (fields) => ({ kind: 'stake', ...money(fields) }));
}

/** Decodes the body of Debit, the payout. Never throws for any text. */
export function decodeDebit(bodyText: string): Decoded<PayoutRequest> {
  return decoded(bodyText, (fields) => {
    const betAmount = fieldOf(fields, 'bet_amount');
    return {
      kind: 'payout',
      ...money(fields),
      // "Web Games API sends this field": where it does not, the payout is owed none the less.
      ...(betAmount !== undefined &&
        betAmount !== null && { betAmountText: amount(fields, 'bet_amount') }),
    };
  });
}

function money(fields: Fields): MoneyRequest {
  const playerId = id(fields, 'player_id');
  const roundId = id(fields, 'round_id');
  const gameId = id(fields, 'game_id');
  const transactionId = id(fields, 'transaction_id');
  const asLong = BigInt(transactionId);
  if (asLong < LONG_MIN || asLong > LONG_MAX) fail('transaction_id', 'is beyond a 64-bit integer');
  const token = tokenOf(fields);
  return {
    playerId,
    roundId,
    gameId,
    transactionId,
    token,
    amountText: amount(fields, 'amount'),
    isClose: flag(fields, 'is_close'),
    hash: hashOf(fields),
    hashValues: [playerId, roundId, gameId, transactionId, token],
  };
}

function decoded<Request>(bodyText: string, decode: (fields: Fields) => Request): Decoded<Request> {
  let body: LosslessJson;
  try {
    body = parseLosslessJson(bodyText);
  } catch {
    return { ok: false, code: 1, message: 'body is not valid JSON' };
  }
  if (!isJsonObject(body)) return { ok: false, code: 1, message: 'body is not a JSON object' };
  try {
    return { ok: true, request: decode(body) };
  } catch (error) {
    if (error instanceof ShapeError) return { ok: false, code: 1, message: error.message };
    throw error;
  }
}

/** A canonical integer, number or string (SPEC §2): one id has one text, and the MD5 covers that text. */
function id(fields: Fields, name: string): string {
  const text = scalarText(required(fields, name));
  if (text === undefined || text.length > ID_LENGTH_MAX || !CANONICAL_INTEGER.test(text)) {
    fail(name, 'must be a whole number');
  }
  return text;
}

function tokenOf(fields: Fields): string {
  const value = required(fields, 'token');
  if (typeof value !== 'string' || !TOKEN.test(value)) {
    fail('token', 'must be a string of 1 to 128 printable characters');
  }
  return value;
}

/** Any short string: one that is no MD5 matches no key, which is code 10 and not a broken shape. */
function hashOf(fields: Fields): string {
  const value = required(fields, 'hash');
  if (typeof value !== 'string' || value.length > HASH_LENGTH_MAX) fail('hash', 'must be a string');
  return value;
}

/** A decimal, number or string, exponent form included (SPEC §3); kept as its source text. */
function amount(fields: Fields, name: string): string {
  const value = required(fields, name);
  const text = isJsonNumber(value) || typeof value === 'string' ? scalarText(value) : undefined;
  const match = text !== undefined && text.length <= AMOUNT_LENGTH_MAX ? DECIMAL.exec(text) : null;
  if (text === undefined || !match) fail(name, 'must be a decimal number');
  if (match[1] === '-' && /[1-9]/.test(match[2] ?? '')) fail(name, 'must not be negative');
  return text;
}

function flag(fields: Fields, name: string): boolean {
  const value = required(fields, name);
  if (typeof value !== 'boolean') fail(name, 'must be true or false');
  return value;
}

function required(fields: Fields, name: string): LosslessJson {
  const value = fieldOf(fields, name);
  if (value === undefined || value === null) fail(name, 'is missing');
  return value;
}

function fail(name: string, what: string): never {
  throw new ShapeError(`${name} ${what}`);
}
