import { ipAllowed, ipRuleFault, LOOPBACK } from './ip-list';

describe('an IP whitelist', () => {
  test.each([
    ['203.0.113.10', '203.0.113.10', true],
    ['203.0.113.10', '203.0.113.11', false],
    ['203.0.113.10', '::ffff:203.0.113.10', true],
    ['203.0.113.0/24', '203.0.113.255', true],
    ['203.0.113.0/24', '203.0.114.0', false],
    ['203.0.113.0/24', '::ffff:cb00:7101', true],
    ['::ffff:203.0.113.0/120', '203.0.113.9', true],
    ['::ffff:203.0.113.0/120', '203.0.114.9', false],
    ['0.0.0.0/1', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    ['fe80::1', 'fe80::1%eth0', true],
  ])('%s for %s: %s', (rule, address, allowed) => {
    expect(ipRuleFault(rule)).toBeUndefined();
    expect(ipAllowed([rule], address)).toBe(allowed);
  });

  test('allows every address when it is empty, and none that is no address when it is not', () => {
    expect(ipAllowed([], '198.51.100.1')).toBe(true);
    for (const address of ['unknown', '', '::203.0.113.5', '203.0.113.5:443', '[::1]', undefined]) {
      expect(ipAllowed(['203.0.113.0/24', '::/1'], address)).toBe(false);
    }
  });

  test('allows an address that any of its entries allows', () => {
    expect(ipAllowed(['198.51.100.1', '203.0.113.0/24'], '203.0.113.5')).toBe(true);
  });

  test.each([
    ['10.1.2.3/8', '"10.1.2.3/8" has bits set behind its prefix; the range is 10.0.0.0/8'],
    [
      '203.0.113.1/31',
      '"203.0.113.1/31" has bits set behind its prefix; the range is 203.0.113.0/31',
    ],
    [
      '2001:db8::1/32',
      '"2001:db8::1/32" has bits set behind its prefix; the range is 2001:db8::/32',
    ],
    [
      '::ffff:10.1.2.3/104',
      '"::ffff:10.1.2.3/104" has bits set behind its prefix; the range is 10.0.0.0/8',
    ],
    ['0.0.0.0/0', '"0.0.0.0/0" is every address there is'],
    ['10.0.0.0/0', '"10.0.0.0/0" is every address there is'],
    ['::/0', '"::/0" is every address there is'],
    ['::ffff:0:0/96', '"::ffff:0:0/96" is every address there is'],
  ])('a range that hides what it allows is refused: %s', (text, fault) => {
    expect(ipRuleFault(text)).toBe(fault);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['::ffff:7f00:1', true],
    ['128.0.0.1', false],
    ['::2', false],
    ['::127.0.0.1', false],
    ['localhost', false],
  ])('loopback: %s %s', (address, is) => {
    expect(ipAllowed(LOOPBACK, address)).toBe(is);
  });

  test.each([
    '',
    'localhost',
    'true',
    '1',
    'loopback',
    '127.1',
    '0x7f.0.0.1',
    '010.0.0.1',
    '203.0.113.0/33',
    '203.0.113.0/',
    '203.0.113.0/-1',
    '203.0.113.0/24/24',
    '2001:db8::/129',
    'fe80::1%eth0',
    '::203.0.113.10',
    '::203.0.113.0/120',
    ' 203.0.113.10',
  ])('has no entry like "%s"', (text) => {
    expect(ipRuleFault(text)).toBe(`"${text}" is neither an IP address nor a CIDR range`);
    expect(ipAllowed([text], '203.0.113.10')).toBe(false);
  });
});
