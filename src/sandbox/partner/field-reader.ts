import { parseAmount } from '../../domain/money';
import { fieldOf, isJsonNumber, isJsonObject, scalarText, type LosslessJson } from '../../lib/json';

/** A body that is not what its endpoint takes: answered 400 with the field's name. */
export class ShapeError extends Error {
  override name = 'ShapeError';
}

/** The document's handle with its prefix; what is longer or other is no player of anybody. */
export const USER_AGENT = /^[A-Za-z0-9._-]{1,100}$/;
const ISO_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
const TEXT_LENGTH_MAX = 200;

export interface FieldReader {
  has(name: string): boolean;
  text(name: string, pattern?: RegExp): string;
  oneOf<Word extends string>(name: string, words: readonly Word[]): Word;
  flag(name: string): boolean;
  /** A JSON number of the currency's decimals, at least 0, in minor units. */
  amount(name: string): bigint;
  /** The same with a sign. */
  signedAmount(name: string): bigint;
  /** An amount a person may write as a number or as text; for the sandbox's own helpers only. */
  amountOrText(name: string): bigint;
  integer(name: string, min: number, max: number): number;
  instant(name: string): Date;
}

/**
 * Reads the fields of a body one by one. Amounts come from their source text and never pass through a double.
 *
 * @param exponent decimals of the casino's currency
 * @throws ShapeError (from every method) naming the field that is missing or not usable
 */
export function createFieldReader(body: LosslessJson, exponent: number): FieldReader {
  if (!isJsonObject(body)) throw new ShapeError('the body is not an object');
  const take = (name: string): LosslessJson => {
    const value = fieldOf(body, name);
    if (value === undefined) throw new ShapeError(`${name} is missing`);
    return value;
  };
  const text = (name: string, pattern?: RegExp): string => {
    const value = take(name);
    const usable =
      typeof value === 'string' &&
      value.length <= TEXT_LENGTH_MAX &&
      !value.includes('\0') &&
      (pattern?.test(value) ?? true);
    if (!usable) throw new ShapeError(`${name} is not usable`);
    return value;
  };
  const minorOf = (name: string, value: LosslessJson): bigint => {
    const parsed = parseAmount(scalarText(value) ?? '', exponent);
    if (!parsed.ok) throw new ShapeError(`${name} is not an amount: ${parsed.fault}`);
    return parsed.minor;
  };
  const signedAmount = (name: string): bigint => {
    const value = take(name);
    // The document says number; decimal text would be signed differently by other verifiers.
    if (!isJsonNumber(value)) throw new ShapeError(`${name} is not a number`);
    return minorOf(name, value);
  };
  const atLeastZero = (name: string, minor: bigint): bigint => {
    if (minor < 0n) throw new ShapeError(`${name} is negative`);
    return minor;
  };
  return {
    has: (name) => fieldOf(body, name) !== undefined,
    text,
    oneOf(name, words) {
      const given = text(name);
      const word = words.find((candidate) => candidate === given);
      if (word === undefined) throw new ShapeError(`${name} must be one of ${words.join(', ')}`);
      return word;
    },
    flag(name) {
      const value = take(name);
      if (typeof value !== 'boolean') throw new ShapeError(`${name} must be true or false`);
      return value;
    },
    amount: (name) => atLeastZero(name, signedAmount(name)),
    signedAmount,
    amountOrText: (name) => atLeastZero(name, minorOf(name, take(name))),
    integer(name, min, max) {
      const value = take(name);
      const number = isJsonNumber(value) ? Number(value.value) : NaN;
      if (!Number.isInteger(number) || number < min || number > max) {
        throw new ShapeError(`${name} must be a whole number from ${min} to ${max}`);
      }
      return number;
    },
    instant(name) {
      const at = new Date(text(name, ISO_INSTANT));
      if (Number.isNaN(at.getTime())) throw new ShapeError(`${name} is not a time`);
      return at;
    },
  };
}
