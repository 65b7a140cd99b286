import { createHash, timingSafeEqual } from 'node:crypto';

export type SignedMethod = 'GetListGames' | 'Authorization' | 'Credit' | 'Debit';

/**
 * The provider document's signature: MD5 of the method, a slash, the values without separators, the key.
 *
 * @param values each as the text that is sent, in the order the method's section gives
 */
export function sign(method: SignedMethod, values: readonly string[], apiKey: string): string {
  return createHash('md5')
    .update(`${method}/${values.join('')}${apiKey}`, 'utf8')
    .digest('hex');
}

/** Compares in constant time; anything but the 32 lower-case digits of the right hash is a mismatch. */
export function isSignedBy(
  hash: string,
  method: SignedMethod,
  values: readonly string[],
  apiKey: string,
): boolean {
  const expected = Buffer.from(sign(method, values, apiKey), 'utf8');
  const given = Buffer.from(hash, 'utf8');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
