/**
 * Money inside Roundhouse is an integer count of a currency's minor unit (`bigint`); outside it is
 * decimal text. It is never a JavaScript `number`.
 */

/** Amounts keep to 15 significant digits: JavaScript and Python then print each of them alike (SPEC §3). */
export const SIGNIFICANT_DIGITS_MAX = 15;

/** Exponents beyond this cannot be printed alike by the signers of both sides (SPEC §3). */
export const EXPONENT_MAX = 4;

// A balance may have more decimals than any currency; what is too long to be a balance is cut off below.
const DECIMAL_OF_ANY_PRECISION = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

export type AmountFault = 'not_a_number' | 'too_many_decimals' | 'too_large';

export type ParsedAmount =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly fault: AmountFault };

// The grammar of a JSON number. A leading plus, blanks, other scripts' digits and separators do not pass.
const DECIMAL = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * Reads decimal text by value: `20`, `20.00` and `2e1` are one amount.
 *
 * @param text a JSON number's source text, or the content of a decimal string
 * @param exponent how many decimals the currency has
 * @returns minor units, negative when the text is; or what is wrong with it. Nothing is ever rounded.
 */
export function parseAmount(text: string, exponent: number): ParsedAmount {
  const match = DECIMAL.exec(text);
  if (!match) return { ok: false, fault: 'not_a_number' };
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return { ok: true, minor: 0n };
  // value = digits x 10^shift, in units of the currency's smallest coin
  const shift = Number(power) - fraction.length + exponent;
  let minorText: string;
  if (shift >= 0) {
    if (digits.length + shift > 40) return { ok: false, fault: 'too_large' };
    minorText = digits + '0'.repeat(shift);
  } else {
    const cut = digits.length + shift;
    const dropped = cut > 0 ? digits.slice(cut) : digits;
    if (/[1-9]/.test(dropped)) return { ok: false, fault: 'too_many_decimals' };
    minorText = cut > 0 ? digits.slice(0, cut) : '0';
  }
  if (minorText.length > SIGNIFICANT_DIGITS_MAX) return { ok: false, fault: 'too_large' };
  const minor = BigInt(minorText);
  return { ok: true, minor: sign === '-' ? -minor : minor };
}

/** Prints minor units in shortest plain form: `5`, `0.1`, `-2.25`; never `5.0`, never an exponent. */
export function formatAmount(minor: bigint, exponent: number): string {
  const fixed = formatFixed(minor, exponent);
  return exponent === 0 ? fixed : fixed.replace(/\.?0+$/, '');
}

/** Prints minor units with all the currency's decimals, for people: `5.00`. */
export function formatFixed(minor: bigint, exponent: number): string {
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * Cuts a balance of any precision to what the currency can show, toward zero, never rounded up (SPEC §3).
 *
 * @returns minor units, or undefined when the text is no decimal number
 */
export function cutToMinor(text: string, exponent: number): bigint | undefined {
  const match = DECIMAL_OF_ANY_PRECISION.exec(text);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(power) + exponent;
  if (point > 60) return undefined;
  const kept = point <= 0 ? '0' : digits.padEnd(point, '0').slice(0, point);
  const minor = BigInt(kept);
  return sign === '-' ? -minor : minor;
}
