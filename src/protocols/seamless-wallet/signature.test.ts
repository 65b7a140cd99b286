import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { formatAmount } from '../../domain/money';
import { canonical, hmacOf, signCanonical, signedBody, wireNumber } from './signature';

interface Vectors {
  secret: string;
  cases: {
    name: string;
    payload: Record<string, string | number>;
    canonical: string;
    hmac: string;
  }[];
}
const vectors = JSON.parse(
  readFileSync(join(__dirname, 'signature.vectors.json'), 'utf8'),
) as Vectors;

/** The sample code of the partner document, as a partner would run it on a received body. */
function documentsVerifier(bodyText: string, agentSecret: string) {
  const { hmac, ...payload } = JSON.parse(bodyText) as Record<string, unknown>;
  const sorted = Object.keys(payload)
    .sort()
    .reduce<Record<string, unknown>>((acc, key) => {
      acc[key] = payload[key];
      return acc;
    }, {});
  const serialised = JSON.stringify(sorted);
  const expected = createHmac('sha256', agentSecret).update(serialised).digest('hex');
  return { serialised, valid: hmac === expected };
}

const wire = (payload: Record<string, string | number>) =>
  Object.fromEntries(
    Object.entries(payload).map(([key, value]) => [
      key,
      typeof value === 'number' ? wireNumber(String(value)) : value,
    ]),
  );

describe('the signature of wallet calls', () => {
  test.each(vectors.cases)(
    'reproduces the vector "$name"',
    ({ payload, canonical: text, hmac }) => {
      expect(canonical(wire(payload))).toBe(text);
      expect(hmacOf(text, vectors.secret)).toBe(hmac);
      expect(signedBody(wire(payload), vectors.secret)).toBe(
        `${text.slice(0, -1)},"hmac":"${hmac}"}`,
      );
    },
  );

  test("every amount of up to 15 digits and 4 decimals passes the document's own verifier", () => {
    const amount = fc.record({
      minor: fc.bigInt({ min: -(10n ** 15n - 1n), max: 10n ** 15n - 1n }),
      exponent: fc.integer({ min: 0, max: 4 }),
    });
    const name = fc.string({
      unit: fc.constantFrom(...Array.from(' !#%()*+,-.:;=?@AZ[]^_`az{|}~09')),
      maxLength: 30,
    });
    fc.assert(
      fc.property(
        amount,
        amount,
        name,
        fc.string({ minLength: 1 }),
        (stake, payout, text, secret) => {
          const payload = {
            user_agent: `LAG1.${text}`,
            balance: wireNumber(formatAmount(stake.minor, stake.exponent)),
            win_balance: wireNumber(formatAmount(payout.minor, payout.exponent)),
            bet_id: text,
          };
          const body = signedBody(payload, secret);
          const verified = documentsVerifier(body, secret);
          expect(verified.valid).toBe(true);
          expect(verified.serialised).toBe(canonical(payload));
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['5.00', '5'],
    ['0', '0'],
    ['-0', '0'],
    ['-0.00', '0'],
    ['007.50', '7.5'],
    ['0.0001', '0.0001'],
    ['-2.25', '-2.25'],
    ['999999999999999', '999999999999999'],
  ])('prints %s as %s', (text, printed) => {
    expect(wireNumber(text).decimal).toBe(printed);
  });

  test.each(['0.00001', '1000000000000000', '99999999999.99999', '1e3', '', 'NaN', '1,5', '٣'])(
    'refuses %j, which languages would not print alike',
    (text) => expect(() => wireNumber(text)).toThrow(/decimal|digits/),
  );

  test.each(['a"b', 'a\\b', 'a/b', '<b>', 'a&b', 'é', 'a\nb', '\u007f', '\u2028'])(
    'refuses the string %j, which languages would escape differently',
    (text) => expect(() => canonical({ game: text })).toThrow(/game/),
  );

  test.each(['hmac', '__proto__', '1', 'a b', 'é', ''])('refuses the key %j', (key) => {
    expect(() => canonical(Object.fromEntries([[key, 'x']]))).toThrow(/key/);
  });

  test('a repeat after a rotation has the same bytes but for hmac', () => {
    const text = canonical({ bet_id: 'a', balance: wireNumber('5') });
    const [first, second] = [signCanonical(text, 'old'), signCanonical(text, 'new')];
    expect(first).not.toBe(second);
    const withoutHmac = (body: string) => body.replace(/,"hmac":"[0-9a-f]{64}"\}$/, '}');
    expect(withoutHmac(first)).toBe(text);
    expect(withoutHmac(second)).toBe(text);
  });
});
