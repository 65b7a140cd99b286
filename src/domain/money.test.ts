import fc from 'fast-check';
import {
  EXPONENT_MAX,
  SIGNIFICANT_DIGITS_MAX,
  cutToMinor,
  formatAmount,
  formatFixed,
  parseAmount,
} from './money';

const LARGEST = 10n ** BigInt(SIGNIFICANT_DIGITS_MAX) - 1n;
const exponent = fc.integer({ min: 0, max: EXPONENT_MAX });
/** Minor units of every size alike, not only of the largest. */
const amount = fc
  .integer({ min: 1, max: SIGNIFICANT_DIGITS_MAX })
  .chain((digits) =>
    fc.bigInt({ min: -(10n ** BigInt(digits)) + 1n, max: 10n ** BigInt(digits) - 1n }),
  );

const minorOf = (text: string, scale: number): bigint | string => {
  const parsed = parseAmount(text, scale);
  return parsed.ok ? parsed.minor : parsed.fault;
};

describe('an amount', () => {
  test('is read back from what is printed, in every scale', () => {
    fc.assert(
      fc.property(amount, exponent, (minor, scale) => {
        expect(minorOf(formatAmount(minor, scale), scale)).toBe(minor);
        expect(minorOf(formatFixed(minor, scale), scale)).toBe(minor);
      }),
    );
  });

  test('is printed in the shortest plain form, as JavaScript prints the number', () => {
    fc.assert(
      fc.property(amount, exponent, (minor, scale) => {
        const text = formatAmount(minor, scale);
        expect(text).toBe(Number(text).toString());
      }),
    );
  });

  test.each<[bigint, number, string, string]>([
    [500n, 2, '5', '5.00'],
    [10n, 2, '0.1', '0.10'],
    [-225n, 2, '-2.25', '-2.25'],
    [0n, 2, '0', '0.00'],
    [-5n, 2, '-0.05', '-0.05'],
    [1n, 4, '0.0001', '0.0001'],
    [10_000n, 4, '1', '1.0000'],
    [100n, 0, '100', '100'],
    [-100n, 0, '-100', '-100'],
    [1_000n, 1, '100', '100.0'],
    [LARGEST, 4, '99999999999.9999', '99999999999.9999'],
  ])('%s in scale %s is printed %s, for people %s', (minor, scale, short, fixed) => {
    expect(formatAmount(minor, scale)).toBe(short);
    expect(formatFixed(minor, scale)).toBe(fixed);
  });

  test('is read by value, not by spelling', () => {
    const spellings = [
      '20',
      '20.0',
      '20.00',
      '20.0000',
      '2e1',
      '2E1',
      '2E+1',
      '0.2e2',
      '2000e-2',
      '020',
    ];
    for (const text of spellings) expect([text, minorOf(text, 2)]).toEqual([text, 2_000n]);
  });

  test('keeps its value however the power and the point are shifted against each other', () => {
    fc.assert(
      fc.property(amount, exponent, fc.integer({ min: -20, max: 20 }), (minor, scale, shift) => {
        const power = shift - scale;
        const text = `${minor}${shift > 0 ? `.${'0'.repeat(shift)}` : ''}e${-scale}`;
        expect(minorOf(text, scale)).toBe(minor);
        if (shift <= 0)
          expect(minorOf(`${minor}${'0'.repeat(-shift)}e${power}`, scale)).toBe(minor);
      }),
    );
  });

  test('with more decimals than the currency is refused, never rounded', () => {
    for (const [text, scale] of [
      ['0.001', 2],
      ['20.009', 2],
      ['1e-3', 2],
      ['0.5', 0],
      ['1.00001', 4],
      ['5e-999', 4],
      ['-0.001', 2],
    ] as const) {
      expect([text, minorOf(text, scale)]).toEqual([text, 'too_many_decimals']);
    }
    fc.assert(
      fc.property(amount, exponent, fc.integer({ min: 1, max: 9 }), (minor, scale, beyond) => {
        const more = `${formatFixed(minor, scale)}${scale === 0 ? '.' : ''}${beyond}`;
        expect(minorOf(more, scale)).toBe('too_many_decimals');
      }),
    );
  });

  test('of more than 15 digits is refused', () => {
    expect(minorOf('999999999999999', 0)).toBe(LARGEST);
    expect(minorOf('9999999999999.99', 2)).toBe(LARGEST);
    for (const [text, scale] of [
      ['1000000000000000', 0],
      ['10000000000000', 2],
      ['1e15', 0],
      ['-1e15', 0],
      ['9'.repeat(40), 0],
    ] as const) {
      expect([text, minorOf(text, scale)]).toEqual([text, 'too_large']);
    }
  });

  test.each([
    '',
    ' ',
    ' 5',
    '5 ',
    '5\n',
    '+5',
    '--5',
    '５',
    '٥',
    '0x10',
    '1,000',
    '1_000',
    '.5',
    '5.',
    '1e',
    'e1',
    '1e1.5',
    'NaN',
    'Infinity',
    '-',
    '5-',
    '1 e1',
    '1e1000',
    'null',
    '9'.repeat(41),
  ])('%j is no amount', (text) => {
    expect(minorOf(text, 2)).toBe('not_a_number');
  });

  test('minus zero is zero', () => {
    for (const text of ['-0', '-0.00', '-0e5', '0e999', '-0e-999']) {
      expect([text, minorOf(text, 2)]).toEqual([text, 0n]);
    }
    expect(formatAmount(-0n, 2)).toBe('0');
  });

  test('with a huge exponent costs nothing', () => {
    const startedMs = performance.now();
    for (let n = 0; n < 10_000; n++) {
      parseAmount('1e999', 4);
      parseAmount(`${'9'.repeat(40)}e-999`, 4);
      cutToMinor('1e999', 4);
      cutToMinor('1e-999', 4);
    }
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});

describe('a balance', () => {
  test.each<[string, number, bigint | undefined]>([
    ['291.59', 2, 29_159n],
    ['291.599999999999999999', 2, 29_159n],
    ['0.009', 2, 0n],
    ['-0.009', 2, 0n],
    ['-1.999', 2, -199n],
    ['5', 4, 50_000n],
    ['1.5e3', 2, 150_000n],
    ['15e-1', 0, 1n],
    ['1e-7', 2, 0n],
    ['1e-999', 2, 0n],
    ['9.9', 0, 9n],
    [`0.1${'9'.repeat(60)}`, 2, 19n],
    [`12.${'0'.repeat(100)}1`, 2, 1_200n],
    ['1e999', 2, undefined],
    ['9'.repeat(80), 2, undefined],
    ['', 2, undefined],
    ['1,5', 2, undefined],
    ['abc', 2, undefined],
    ['５', 2, undefined],
  ])('%s in scale %s is cut to %s', (text, scale, minor) => {
    expect(cutToMinor(text, scale)).toBe(minor);
  });

  test('is cut toward zero and never rounded up, at any precision', () => {
    const digits = fc
      .array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 })
      .map((d) => d.join(''));
    fc.assert(
      fc.property(amount, exponent, digits, (minor, scale, beyond) => {
        const text = `${formatFixed(minor, scale)}${scale === 0 && beyond !== '' ? '.' : ''}${beyond}`;
        expect(cutToMinor(text, scale)).toBe(minor);
      }),
    );
  });

  test('that fits the currency is the amount it says', () => {
    fc.assert(
      fc.property(amount, exponent, (minor, scale) => {
        expect(cutToMinor(formatAmount(minor, scale), scale)).toBe(minor);
      }),
    );
  });
});
