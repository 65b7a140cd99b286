import { createHash, timingSafeEqual } from 'node:crypto';

/** The methods that are signed (provider document, "Request signature"). */
export type SignedMethod = 'GetListGames' | 'Authorization' | 'Credit' | 'Debit';

/**
 * MD5 over `<Method>/` and the values' own source texts, without separators, and the api key
 * (provider document, "Request signature"), as lower-case hex.
 */
export function signatureOf(
  method: SignedMethod,
  values: readonly string[],
  apiKey: string,
): string {
  return createHash('md5')
    .update(`${method}/${values.join('')}${apiKey}`)
    .digest('hex');
}

/**
 * Compares a request's hash with each live api key (two during a rotation), in constant time.
 *
 * @param hash as received; upper case is understood, anything that is no MD5 in hex is a mismatch
 */
export function isSignedBy(
  method: SignedMethod,
  values: readonly string[],
  hash: string,
  apiKeys: readonly string[],
): boolean {
  if (!/^[0-9a-fA-F]{32}$/.test(hash)) return false;
  const received = Buffer.from(hash.toLowerCase());
  let matches = false;
  for (const apiKey of apiKeys) {
    // Every key is tried, so that the time does not tell which one is live.
    const expected = Buffer.from(signatureOf(method, values, apiKey));
    if (timingSafeEqual(expected, received)) matches = true;
  }
  return matches;
}
