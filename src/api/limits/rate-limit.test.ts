import { addressBlock } from '../../lib/ip-list';
import { createRateLimit } from './rate-limit';

/** So long that no machine is too slow for what happens within it. */
const WINDOW_S = 3_600;

test('the call after the last allowed one waits for the rest of the window', async () => {
  const limit = createRateLimit(WINDOW_S);
  expect(await limit.wait('a', 2)).toBe(0);
  expect(await limit.count('a', 2)).toBe(0);
  expect(await limit.wait('a', 2)).toBe(0);
  expect(await limit.count('a', 2)).toBe(0);
  expect(await limit.wait('a', 2)).toBeGreaterThan(WINDOW_S / 2);
  expect(await limit.count('a', 2)).toBeGreaterThan(WINDOW_S / 2);
  expect(await limit.count('b', 2)).toBe(0);
  limit.clear('a');
  expect(await limit.wait('a', 2)).toBe(0);
});

test('a network full of addresses takes no more memory than the limit: the oldest is forgotten', async () => {
  const limit = createRateLimit(WINDOW_S);
  await limit.count('first', 1);
  for (let address = 0; address < 9_999; address++) await limit.count(String(address), 1);
  expect(await limit.wait('first', 1)).toBeGreaterThan(WINDOW_S / 2);
  await limit.count('one more', 1);
  expect(await limit.wait('first', 1)).toBe(0);
  expect(await limit.wait('0', 1)).toBeGreaterThan(WINDOW_S / 2);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['no address', ''],
])('%s is counted as %s', (address, block) => {
  expect(addressBlock(address)).toBe(block);
});
