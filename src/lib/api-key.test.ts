import { keyIdOf, newApiKey } from './api-key';

const EARLIER = `rh_abcdefghij12_${'Az09_-x'.repeat(7).slice(0, 43)}`;

test('a key is found by its id and never made twice', () => {
  const made = Array.from({ length: 50 }, newApiKey);
  for (const { keyId, apiKey } of made) {
    expect(apiKey).toMatch(/^rh_live_[a-z0-9]{12}_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}$/);
    expect(keyIdOf(apiKey)).toBe(keyId);
  }
  expect(new Set(made.map(({ apiKey }) => apiKey)).size).toBe(50);
});

test('a slip of one character is seen by the checksum, without asking the book', () => {
  const { apiKey } = newApiKey();
  for (let at = 'rh_live_'.length; at < apiKey.length; at++) {
    if (apiKey[at] === '_') continue;
    const other = apiKey[at] === 'a' ? 'b' : 'a';
    expect(keyIdOf(apiKey.slice(0, at) + other + apiKey.slice(at + 1))).toBeUndefined();
  }
});

test('the checksum is the CRC-32 of what stands before it in base 62, so that others can compute it', () => {
  // Computed with another program: CRC-32 0x244728b5, digits a-z, 0-9, A-Z.
  expect(keyIdOf(`rh_live_${'a'.repeat(12)}_${'a'.repeat(43)}_aFlNUF`)).toBe('a'.repeat(12));
});

test('a key made before there was a checksum is still understood', () => {
  expect(keyIdOf(EARLIER)).toBe('abcdefghij12');
});

test.each(['', 'rh_live_', EARLIER.slice(0, -1), `${EARLIER}x`, `${newApiKey().apiKey} `])(
  'what is no key of ours has no id: %j',
  (text) => {
    expect(keyIdOf(text)).toBeUndefined();
  },
);
