import { currencyOf } from '../../domain/currency';
import { EXPONENT_MAX, formatAmount, formatFixed } from '../../domain/money';
import { OPENING_BALANCE_UNITS } from './ledger';

/** The casino's one currency: its name, its decimals, and how amounts of it are printed. */
export interface Money {
  readonly currency: string;
  readonly exponent: number;
  /** What a new player starts with, in minor units. */
  readonly openingMinor: bigint;
  /** Shortest plain decimal text, which is also a JSON number. */
  text(minor: bigint): string;
  /** With all decimals and the currency's code, for people. */
  label(minor: bigint): string;
}

/** @throws Error when the code is unknown or its decimals cannot be signed alike by both sides (SPEC §5) */
export function createMoney(code: string): Money {
  const exponent = currencyOf(code)?.exponent;
  if (exponent === undefined || exponent > EXPONENT_MAX) {
    throw new Error(`a wallet cannot be kept in ${code}: its decimals are unknown or too many`);
  }
  return {
    currency: code,
    exponent,
    openingMinor: OPENING_BALANCE_UNITS * 10n ** BigInt(exponent),
    text: (minor) => formatAmount(minor, exponent),
    label: (minor) => `${formatFixed(minor, exponent)} ${code}`,
  };
}
