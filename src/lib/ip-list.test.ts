import { ipAllowed, isIpRule } from './ip-list';

describe('an IP whitelist', () => {
  test.each([
    ['203.0.113.10', '203.0.113.10', true],
    ['203.0.113.10', '203.0.113.11', false],
    ['203.0.113.10', '::ffff:203.0.113.10', true],
    ['203.0.113.0/24', '203.0.113.255', true],
    ['203.0.113.0/24', '203.0.114.0', false],
    ['203.0.113.77/24', '203.0.113.1', true],
    ['203.0.113.0/24', '::ffff:cb00:7101', true],
    ['::ffff:203.0.113.0/120', '203.0.113.9', true],
    ['::ffff:203.0.113.0/120', '203.0.114.9', false],
    ['0.0.0.0/0', '198.51.100.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    ['fe80::1', 'fe80::1%eth0', true],
  ])('%s for %s: %s', (rule, address, allowed) => {
    expect(isIpRule(rule)).toBe(true);
    expect(ipAllowed([rule], address)).toBe(allowed);
  });

  test('allows every address when it is empty, and none that is no address when it is not', () => {
    expect(ipAllowed([], '198.51.100.1')).toBe(true);
    expect(ipAllowed(['0.0.0.0/0'], 'unknown')).toBe(false);
  });

  test('allows an address that any of its entries allows', () => {
    expect(ipAllowed(['198.51.100.1', '203.0.113.0/24'], '203.0.113.5')).toBe(true);
  });

  test.each([
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '010.0.0.1',
    '203.0.113.0/33',
    '203.0.113.0/',
    '203.0.113.0/-1',
    '203.0.113.0/24/24',
    '2001:db8::/129',
    'fe80::1%eth0',
    ' 203.0.113.10',
  ])('has no entry like "%s"', (text) => {
    expect(isIpRule(text)).toBe(false);
    expect(ipAllowed([text], '203.0.113.10')).toBe(false);
  });
});
