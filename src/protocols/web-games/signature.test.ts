import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSignedBy, signatureOf, type SignedMethod } from './signature';

interface Vectors {
  api_key: string;
  cases: { method: SignedMethod; values: string[]; source: string; hash: string }[];
}
const vectors = JSON.parse(
  readFileSync(join(__dirname, 'signature.vectors.json'), 'utf8'),
) as Vectors;

describe("the provider's signature", () => {
  test.each(vectors.cases)('reproduces the vector $source', ({ method, values, hash }) => {
    expect(signatureOf(method, values, vectors.api_key)).toBe(hash);
    expect(isSignedBy(method, values, hash, [vectors.api_key])).toBe(true);
    expect(isSignedBy(method, values, hash.toUpperCase(), [vectors.api_key])).toBe(true);
  });

  const values = ['1', '2'];
  const hash = signatureOf('Credit', values, 'new');

  test('holds under each live key and under no other', () => {
    expect(isSignedBy('Credit', values, hash, ['new', 'old'])).toBe(true);
    expect(isSignedBy('Credit', values, hash, ['old', 'new'])).toBe(true);
    expect(isSignedBy('Credit', values, hash, ['old'])).toBe(false);
    expect(isSignedBy('Credit', values, hash, [])).toBe(false);
  });

  test('is bound to the method and the values', () => {
    expect(isSignedBy('Debit', values, hash, ['new'])).toBe(false);
    expect(isSignedBy('Credit', ['1', '3'], hash, ['new'])).toBe(false);
  });

  test.each(['', 'wrong', hash.slice(1), `${hash}0`, `é${hash.slice(1)}`, ` ${hash}`])(
    'mismatches for %j without an exception',
    (bad) => expect(isSignedBy('Credit', values, bad, ['new'])).toBe(false),
  );
});
