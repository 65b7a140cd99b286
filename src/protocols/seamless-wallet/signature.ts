import { createHmac } from 'node:crypto';
import { assert } from '../../lib/assert';

/** A number on the wire as the decimal text that is printed verbatim; made by `wireNumber` only. */
export interface WireNumber {
  readonly decimal: string;
}

/** Flat by type: nested objects would not be sorted by the document's verifier (partner document, "HMAC signature"). */
export type WirePayload = Readonly<Record<string, string | WireNumber>>;

/** Beyond these, JavaScript and Python print a number differently and no signature would agree (SPEC §3). */
const DIGITS_MAX = 15;
const DECIMALS_MAX = 4;

const DECIMAL = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/;
// An integer-like key would be moved to the front by the verifier's own object, whatever sort() says.
const KEY = /^[A-Za-z_][A-Za-z0-9_]*$/;
const RESERVED_KEYS = ['hmac', '__proto__'];
// Printable ASCII without " \ / < > & : languages escape these differently when they serialise again.
const STRING = /^[ !#-%'-.0-;=?-[\]-~]*$/;

/**
 * A number for a signed body, in shortest plain form (`5`, `0.1`; SPEC §3): `5.00` becomes `5`.
 *
 * @param text decimal text without an exponent, as `formatAmount` prints it
 * @throws AssertionError beyond 15 digits or 4 decimals: such a currency cannot be launched, so this is a bug
 */
export function wireNumber(text: string): WireNumber {
  const match = DECIMAL.exec(text);
  assert(match, `not a decimal amount: ${text.slice(0, 50)}`);
  const whole = (match[2] ?? '').replace(/^0+(?=\d)/, '');
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  assert(fraction.length <= DECIMALS_MAX, `too many decimals to be signed alike: ${text}`);
  const digits = (whole + fraction).replace(/^0+/, '');
  assert(digits.length <= DIGITS_MAX, `too many digits to be signed alike: ${text}`);
  const sign = digits === '' ? '' : (match[1] ?? '');
  return { decimal: sign + whole + (fraction === '' ? '' : `.${fraction}`) };
}

/**
 * The string that is signed: keys sorted, compact, numbers verbatim (partner document, "HMAC
 * signature", steps 2 and 3). It is also what the book keeps, so that a repeat has the same bytes.
 *
 * @throws AssertionError for a key or a string that languages would not serialise alike (SPEC §3)
 */
export function canonical(payload: WirePayload): string {
  const keys = Object.keys(payload).sort();
  assert(keys.length > 0, 'an empty payload cannot be signed');
  const fields = keys.map((key) => {
    assert(KEY.test(key) && !RESERVED_KEYS.includes(key), `not a signable key: ${key}`);
    const value = payload[key];
    assert(value !== undefined, `no value for ${key}`);
    if (typeof value !== 'string') return `"${key}":${value.decimal}`;
    assert(STRING.test(value), `${key} holds a character that is escaped differently by languages`);
    return `"${key}":"${value}"`;
  });
  return `{${fields.join(',')}}`;
}

/** HMAC-SHA256 of the canonical string, as lower-case hex (partner document, "HMAC signature", step 4). */
export function hmacOf(canonicalText: string, agentSecret: string): string {
  return createHmac('sha256', agentSecret).update(canonicalText).digest('hex');
}

/**
 * The body to send for a canonical string kept in the book: the same bytes with `hmac` added as the
 * last field, so that a verifier that removes it and serialises again gets the signed text (SPEC §3).
 */
export function signCanonical(canonicalText: string, agentSecret: string): string {
  assert(/^\{".*\}$/.test(canonicalText), 'not a canonical payload');
  return `${canonicalText.slice(0, -1)},"hmac":"${hmacOf(canonicalText, agentSecret)}"}`;
}

/** The signed body of a payload: `signCanonical` of its `canonical` string. */
export function signedBody(payload: WirePayload, agentSecret: string): string {
  return signCanonical(canonical(payload), agentSecret);
}
