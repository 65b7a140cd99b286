import { CURRENCIES, currencyOf, isLaunchable } from './currency';

// The list of the provider document (section 7), in its order.
const DOCUMENT =
  `AED, ALL, AMD, AOA, ARS, AUD, AZN, BAM, BDT, BGN, BHD, BOB, BRL, BSX, BTC, BYN, CAD, CDF,
CFA, CHF, CLP, CNY, COP, CZK, DASH, DEEX, DKK, DMO, DOP, DTC, DZD, EGP, ETB, ETH, EUR, FAU, FBu, GAME, GBP,
GEL, GHS, GMC, GMD, GNF, HC, HKD, HRK, HTG, HUF, IDR, ILS, INR, IQD, IRR, ISK, JOD, JPY, KES, KGS, KM, KRW,
KWD, KZT, LBP, LTC, MAD, MDL, MKD, MMK, MNT, MVR, MXN, MYR, MZN, NGN, NIS, NOK, NZD, OMR, PEN, PHP, PICK,
PKR, PLN, PRB, PYG, QAR, RON, RSD, RUB, RUR, SAR, SDG, SEK, SGD, THB, TJS, TMT, TND, TRY, TWD, TZS, UAH,
UGX, USD, USDC, USDT, UYU, UZS, VEF, VND, XAF, XEM, XMR, XOF, ZAR, ZEC, ZMW, ZWL, mBT, mETH, uBTC`.split(
    /,\s+/,
  );

describe('the currency registry', () => {
  test('holds exactly the 122 codes of the provider document', () => {
    expect(DOCUMENT).toHaveLength(122);
    expect([...CURRENCIES.keys()].sort()).toEqual([...DOCUMENT].sort());
  });

  test('tells codes apart by case', () => {
    expect(currencyOf('mBT')?.code).toBe('mBT');
    for (const stranger of ['eur', 'MBT', 'fbu', 'FBU', 'UBTC', '', 'constructor']) {
      expect(currencyOf(stranger)).toBeUndefined();
      expect(isLaunchable(stranger)).toBe(false);
    }
  });

  test.each([
    ...'CLP GNF ISK JPY KRW PYG UGX VND XAF XOF FBu'.split(' ').map((code) => [code, 0] as const),
    ...'BHD IQD JOD KWD OMR TND'.split(' ').map((code) => [code, 3] as const),
    ...'EUR USD HUF NIS KM RUR DMO uBTC'.split(' ').map((code) => [code, 2] as const),
    ['mBT', 5] as const,
    ['BTC', 8] as const,
    ['mETH', 15] as const,
    ['ETH', 18] as const,
  ])('%s has %i decimals', (code, exponent) => {
    expect(currencyOf(code)?.exponent).toBe(exponent);
  });

  test.each([
    ['NIS', 'ILS'],
    ['KM', 'BAM'],
    ['RUR', 'RUB'],
    ['FBu', 'BIF'],
    ['EUR', 'EUR'],
  ])('%s is the money of %s and keeps its own code', (code, canonical) => {
    expect(currencyOf(code)).toMatchObject({ code, canonical });
  });

  test('an alias has the exponent of what it names', () => {
    for (const currency of CURRENCIES.values()) {
      const named = currencyOf(currency.canonical);
      if (named) expect(named.exponent).toBe(currency.exponent);
    }
  });

  test('says what a part of a coin is, down to the same smallest piece', () => {
    expect(currencyOf('mBT')?.unit).toEqual({ of: 'BTC', power: -3 });
    expect(currencyOf('uBTC')?.unit).toEqual({ of: 'BTC', power: -6 });
    expect(currencyOf('mETH')?.unit).toEqual({ of: 'ETH', power: -3 });
    for (const { code, exponent, unit } of CURRENCIES.values()) {
      const coin = currencyOf(unit.of);
      if (unit.power === 0 || coin?.exponent === undefined) continue;
      expect([code, exponent]).toEqual([code, coin.exponent + unit.power]);
    }
  });

  test('opens real-money games only where decimals are known, few, and the money is real', () => {
    const closed = [...CURRENCIES.values()].filter((c) => !c.launchable).map((c) => c.code);
    expect(closed).toEqual(
      `BSX BTC CFA DASH DEEX DMO DTC ETH FAU GAME GMC HC LTC PICK PRB USDC USDT XEM XMR ZEC mBT mETH`.split(
        ' ',
      ),
    );
    expect(isLaunchable('EUR')).toBe(true);
    expect(isLaunchable('uBTC')).toBe(true);
  });

  test('marks withdrawn money, which can still be launched', () => {
    expect(currencyOf('HRK')).toMatchObject({ standing: 'withdrawn', launchable: true });
  });
});
