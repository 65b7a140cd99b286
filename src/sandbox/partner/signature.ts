import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signs a payload by the partner document's rule ("HMAC signature"): the keys sorted, serialised compactly,
 * HMAC-SHA256 in lower-case hex. This is the casino's own code on purpose: it judges the sender's.
 *
 * @param payload the callback's fields as `JSON.parse` gives them, without `hmac`
 * @param agentSecret the AGENT_SECRET shared with the aggregator
 */
export function signatureOf(
  payload: Readonly<Record<string, unknown>>,
  agentSecret: string,
): string {
  const sorted: [string, unknown][] = Object.keys(payload)
    .sort()
    .map((key) => [key, payload[key]]);
  return createHmac('sha256', agentSecret)
    .update(JSON.stringify(Object.fromEntries(sorted)))
    .digest('hex');
}

/**
 * Tells whether a callback's body carries the right `hmac`. Compared in constant time, unlike the
 * document's sample, so that a forger learns nothing from how long the answer takes.
 *
 * @param body what `JSON.parse` made of the body's bytes
 */
export function isSigned(body: unknown, agentSecret: string): boolean {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  const { hmac, ...payload } = body as Record<string, unknown>;
  if (typeof hmac !== 'string') return false;
  const expected = Buffer.from(signatureOf(payload, agentSecret), 'utf8');
  const received = Buffer.from(hmac, 'utf8');
  return received.length === expected.length && timingSafeEqual(received, expected);
}
