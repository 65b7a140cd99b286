import { EXPONENT_MAX } from './money';

/**
 * The provider document's 122 currency codes as data (SPEC §5). A code is case-sensitive, and is kept
 * and sent exactly as written: an alias tells what money it is, it never replaces the code.
 */
export interface Currency {
  /** The provider document's own spelling. */
  readonly code: string;
  /** Decimals of one unit; undefined when nobody has settled it. */
  readonly exponent: number | undefined;
  /** The current ISO code of the same money (`NIS` is `ILS`), else the code itself. */
  readonly canonical: string;
  /** What one unit is: `{ of: 'BTC', power: -3 }` is a thousandth of a bitcoin. */
  readonly unit: { readonly of: string; readonly power: number };
  readonly standing: CurrencyStanding;
  /** Whether a real-money game may be opened in it: its exponent is known and at most 4, and it is not DMO. */
  readonly launchable: boolean;
}

/** `withdrawn` money can still be played where both sides agree; an operator is warned of it. */
export type CurrencyStanding =
  'iso' | 'alias' | 'withdrawn' | 'crypto' | 'demo' | 'ambiguous' | 'unlisted';

export const DEMO_CURRENCY = 'DMO';

interface Entry {
  readonly codes: string;
  readonly exponent: number | undefined;
  readonly standing: CurrencyStanding;
  /** Only where the code is another name or a part of something else. */
  readonly meaning?: {
    readonly canonical?: string;
    readonly of: string;
    readonly power: number;
  };
}

const TABLE: readonly Entry[] = [
  {
    standing: 'iso',
    exponent: 2,
    codes: `AED ALL AMD AOA ARS AUD AZN BAM BDT BOB BRL BYN CAD CDF CHF CNY COP CZK DKK DOP DZD EGP ETB
      EUR GBP GEL GHS GMD HKD HTG HUF IDR ILS INR IRR KES KGS KZT LBP MAD MDL MKD MMK MNT MVR MXN MYR
      MZN NGN NOK NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SDG SEK SGD THB TJS TMT TRY TWD TZS UAH USD
      UYU UZS ZAR ZMW`,
  },
  { standing: 'iso', exponent: 0, codes: 'CLP GNF ISK JPY KRW PYG UGX VND XAF XOF' },
  { standing: 'iso', exponent: 3, codes: 'BHD IQD JOD KWD OMR TND' },
  { standing: 'withdrawn', exponent: 2, codes: 'BGN HRK VEF ZWL' },
  alias('NIS', 'ILS', 2),
  alias('KM', 'BAM', 2),
  alias('RUR', 'RUB', 2),
  alias('FBu', 'BIF', 0),
  // Two currencies of different countries are called CFA franc (XAF and XOF): only an operator can know which.
  { standing: 'ambiguous', exponent: undefined, codes: 'CFA' },
  { standing: 'demo', exponent: 2, codes: DEMO_CURRENCY },
  { standing: 'crypto', exponent: 6, codes: 'USDC USDT XEM' },
  { standing: 'crypto', exponent: 8, codes: 'BTC DASH LTC ZEC' },
  { standing: 'crypto', exponent: 12, codes: 'XMR' },
  { standing: 'crypto', exponent: 18, codes: 'ETH' },
  // A part of a coin has the coin's smallest piece, so its exponent is the coin's less the part's power.
  { standing: 'crypto', exponent: 5, codes: 'mBT', meaning: { of: 'BTC', power: -3 } },
  { standing: 'crypto', exponent: 2, codes: 'uBTC', meaning: { of: 'BTC', power: -6 } },
  { standing: 'crypto', exponent: 15, codes: 'mETH', meaning: { of: 'ETH', power: -3 } },
  // No standard names these; their decimals are a question to the provider.
  { standing: 'unlisted', exponent: undefined, codes: 'BSX DEEX DTC FAU GAME GMC HC PICK PRB' },
];

function alias(code: string, canonical: string, exponent: number): Entry {
  return {
    standing: 'alias',
    exponent,
    codes: code,
    meaning: { canonical, of: canonical, power: 0 },
  };
}

/** All 122 codes, by code. */
export const CURRENCIES: ReadonlyMap<string, Currency> = new Map(
  TABLE.flatMap(({ codes, exponent, standing, meaning }) =>
    codes.split(/\s+/).map((code): [string, Currency] => [
      code,
      {
        code,
        exponent,
        canonical: meaning?.canonical ?? code,
        unit: { of: meaning?.of ?? code, power: meaning?.power ?? 0 },
        standing,
        launchable: standing !== 'demo' && exponent !== undefined && exponent <= EXPONENT_MAX,
      },
    ]),
  ).sort(([a], [b]) => (a < b ? -1 : 1)),
);

/** The registry's entry; undefined for a code the provider document does not list (`eur` is none). */
export function currencyOf(code: string): Currency | undefined {
  return CURRENCIES.get(code);
}

/** Whether a real-money game may be opened in this currency (SPEC §3 and §5). */
export function isLaunchable(code: string): boolean {
  return CURRENCIES.get(code)?.launchable ?? false;
}
