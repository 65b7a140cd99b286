import { currencyOf, DEMO_CURRENCY } from '../../domain/currency';
import { formatFixed } from '../../domain/money';

/** What stands before and behind an amount: `€` and nothing, or nothing and ` CHF`. */
export interface MoneyLook {
  readonly prefix: string;
  readonly suffix: string;
}

/** How a player is used to see a currency. Signs that are letters stand behind, as codes do. */
export function moneyLookOf(code: string): MoneyLook {
  if (code === DEMO_CURRENCY) return { prefix: '', suffix: ' credits' };
  const sign = signOf(code);
  return /^\p{Sc}$/u.test(sign) ? { prefix: sign, suffix: '' } : { prefix: '', suffix: ` ${sign}` };
}

/** An amount with all its currency's decimals, for people: `€1.50`. */
export function moneyText(minor: bigint, money: { currency: string; exponent: number }): string {
  const { prefix, suffix } = moneyLookOf(money.currency);
  return prefix + formatFixed(minor, money.exponent) + suffix;
}

function signOf(code: string): string {
  const currency = currencyOf(code);
  // Codes of the provider's own may look like those of a standard that means other money.
  const standard: readonly unknown[] = ['iso', 'alias', 'withdrawn'];
  if (!currency || !standard.includes(currency.standing)) return code;
  const parts = new Intl.NumberFormat('en', {
    style: 'currency',
    currency: currency.canonical,
    currencyDisplay: 'narrowSymbol',
  }).formatToParts(0);
  const sign = parts.find(({ type }) => type === 'currency')?.value ?? code;
  return sign === currency.canonical ? code : sign;
}
