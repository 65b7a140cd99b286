import type { LookupAddress } from 'node:dns';
import { createEgressGuard, EgressError, type EgressGuardOptions } from './egress';

const production: EgressGuardOptions = { allowHttp: false, allowCidrs: [] };
const development: EgressGuardOptions = { allowHttp: true, allowCidrs: [] };

/** Every special range of both families, one address each, some in a disguise. */
const NOT_PUBLIC = [
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '100.64.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::7f00:1',
  '::ffff:10.0.0.1',
  '::ffff:169.254.169.254',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  '2001::1',
  '2001:db8::1',
  '3fff::1',
  '100::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  '4000::1',
];
const LOOPBACK = ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'];
const PUBLIC = ['8.8.8.8', '2606:4700::1111'];

const urlTo = (address: string, scheme = 'https') =>
  `${scheme}://${address.includes(':') ? `[${address}]` : address}/wallet`;

function resolving(answers: readonly string[], options: EgressGuardOptions) {
  const addresses: LookupAddress[] = answers.map((address) => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }));
  return createEgressGuard({
    ...options,
    resolve: (_hostname, _options, callback) => callback(null, addresses),
  });
}

function lookUp(guard: ReturnType<typeof createEgressGuard>, protocol: string, all = true) {
  return new Promise<unknown>((resolve) => {
    guard.lookupFor(protocol)('wallet.example', { all }, (error, address) =>
      resolve(error ?? address),
    );
  });
}

describe('addresses that are not public', () => {
  test.each(NOT_PUBLIC)('%s is refused as a host, also in development', (address) => {
    for (const options of [production, development]) {
      for (const scheme of ['https', 'http']) {
        expect(createEgressGuard(options).checkUrl(urlTo(address, scheme)).ok).toBe(false);
      }
    }
  });

  test.each([...NOT_PUBLIC, ...LOOPBACK])(
    '%s is refused as the answer of a name',
    async (address) => {
      const guard = resolving([address], production);
      expect(await lookUp(guard, 'https:')).toBeInstanceOf(EgressError);
    },
  );

  test('one of them among public answers refuses the name', async () => {
    const guard = resolving(['8.8.8.8', '10.0.0.1'], production);
    expect(await lookUp(guard, 'https:')).toBeInstanceOf(EgressError);
  });

  test.each([
    '0x7f.1',
    '017700000001',
    '127.1',
    '2130706433',
    '①②⑦.0.0.1',
    'localhost',
    'a.localhost.',
  ])('loopback spelled %s is refused in production, allowed in development', (host) => {
    expect(createEgressGuard(production).checkUrl(`https://${host}/`).ok).toBe(false);
    expect(createEgressGuard(development).checkUrl(`http://${host}/`).ok).toBe(true);
  });
});

describe('what may be called', () => {
  test.each(PUBLIC)('%s over https', async (address) => {
    expect(createEgressGuard(production).checkUrl(urlTo(address)).ok).toBe(true);
    expect(createEgressGuard(production).checkUrl(urlTo(address, 'http')).ok).toBe(false);
    const guard = resolving([address], production);
    expect(await lookUp(guard, 'https:')).toMatchObject([{ address }]);
    expect(await lookUp(guard, 'https:', false)).toBe(address);
  });

  test.each(LOOPBACK)('%s in development, over plain http too', async (address) => {
    const guard = resolving([address], development);
    expect(guard.checkUrl(urlTo(address, 'http')).ok).toBe(true);
    expect(await lookUp(guard, 'http:')).toMatchObject([{ address }]);
  });

  test('plain http reaches no public host, in development neither', async () => {
    const guard = resolving(['8.8.8.8'], development);
    expect(guard.checkUrl('http://wallet.example/').ok).toBe(false);
    expect(await lookUp(guard, 'http:')).toBeInstanceOf(EgressError);
  });

  test('a network the operator trusts, and no other', async () => {
    const options = { ...production, allowCidrs: ['10.20.0.0/16'] };
    const guard = resolving(['10.20.0.7'], options);
    expect(guard.checkUrl('http://sandbox-partner:8082/wallet').ok).toBe(true);
    expect(await lookUp(guard, 'http:')).toMatchObject([{ address: '10.20.0.7' }]);
    expect(await lookUp(resolving(['10.21.0.7'], options), 'https:')).toBeInstanceOf(EgressError);
    expect(await lookUp(resolving(['8.8.8.8'], options), 'http:')).toBeInstanceOf(EgressError);
  });

  test('an empty answer is a refusal', async () => {
    expect(await lookUp(resolving([], production), 'https:')).toBeInstanceOf(EgressError);
  });

  test.each([
    'ftp://wallet.example/',
    'file:///etc/passwd',
    'https://user:secret@wallet.example/',
    'https://wallet.example/#x',
    'wallet.example',
    '',
  ])('%j is no URL to call, and the reason repeats no secret', (url) => {
    const verdict = createEgressGuard(production).checkUrl(url);
    expect(verdict.ok).toBe(false);
    expect(JSON.stringify(verdict)).not.toContain('secret');
  });

  test('a network that is none stops the process at its start', () => {
    expect(() => createEgressGuard({ ...production, allowCidrs: ['10.0.0.0/99'] })).toThrow(
      '10.0.0.0/99',
    );
  });
});
