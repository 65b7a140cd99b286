import type { LookupAddress } from 'node:dns';
import ipaddr from 'ipaddr.js';
import { createEgressGuard, EgressError, type EgressGuardOptions } from './egress';
import { createMetrics } from './metrics';

const production: EgressGuardOptions = { allowHttp: false, allowCidrs: [] };
const development: EgressGuardOptions = { allowHttp: true, allowCidrs: [] };

/** The list of S5, network by network; the library names some of them, two are ours. */
const SPECIAL_NETWORKS = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '168.63.129.16/32',
  '::/128',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2001:2::/48',
  '2001:10::/28',
  '2001:20::/28',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];
const LOOPBACK_NETWORKS = ['127.0.0.0/8', '::1/128'];

/** The first and the last address of a network. */
function endsOf(cidr: string): string[] {
  const [address, bits] = ipaddr.parseCIDR(cidr);
  const bytes = address.toByteArray();
  const end = (fill: number) =>
    bytes.map((byte, index) => {
      const host = Math.min(8, Math.max(0, (index + 1) * 8 - bits));
      return (byte & (0xff << host)) | (fill & ((1 << host) - 1));
    });
  return [end(0), end(0xff)].map((each) => ipaddr.fromByteArray(each).toString());
}

/** An IPv4 address as the IPv6 addresses that networks translate back into it. */
function inDisguise(v4: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number);
  const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  return [`::ffff:${hex}`, `::ffff:0:${hex}`, `::${hex}`, `64:ff9b::${hex}`, `2002:${hex}::`];
}

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

describe('the networks of S5', () => {
  test.each(SPECIAL_NETWORKS)(
    '%s: its first and its last address, in production and development',
    (cidr) => {
      for (const address of endsOf(cidr)) {
        // Its own entry; in development loopback is allowed.
        if (address === '::1') continue;
        for (const options of [production, development]) {
          expect(createEgressGuard(options).checkUrl(urlTo(address))).toMatchObject({ ok: false });
        }
      }
    },
  );

  test.each(LOOPBACK_NETWORKS)(
    '%s: its first and its last address, in production',
    async (cidr) => {
      for (const address of endsOf(cidr)) {
        expect(createEgressGuard(production).checkUrl(urlTo(address)).ok).toBe(false);
        expect(createEgressGuard(development).checkUrl(urlTo(address)).ok).toBe(true);
        expect(await lookUp(resolving([address], production), 'https:')).toBeInstanceOf(
          EgressError,
        );
      }
    },
  );

  test.each(['10.0.0.1', '127.0.0.1', '169.254.169.254', '100.100.100.200', '168.63.129.16'])(
    '%s dressed up as IPv6 is refused, as a host and as an answer',
    async (address) => {
      for (const disguise of inDisguise(address)) {
        expect(createEgressGuard(production).checkUrl(urlTo(disguise))).toMatchObject({
          ok: false,
        });
        expect(await lookUp(resolving([disguise], production), 'https:')).toBeInstanceOf(
          EgressError,
        );
      }
    },
  );

  test.each([
    ['9.255.255.255', '11.0.0.0'],
    ['100.63.255.255', '100.128.0.0'],
    ['126.255.255.255', '128.0.0.0'],
    ['169.253.255.255', '169.255.0.0'],
    ['172.15.255.255', '172.32.0.0'],
    ['192.167.255.255', '192.169.0.0'],
    ['198.17.255.255', '198.20.0.0'],
    ['223.255.255.255', '2003::1'],
    ['2606:4700::1111', '::ffff:8.8.8.8'],
  ])('%s and %s beside them are public: the list refuses nobody else', (...addresses) => {
    for (const address of addresses) {
      expect(createEgressGuard(production).checkUrl(urlTo(address))).toEqual({ ok: true });
    }
  });
});

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
    'a.localhost',
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

  test.each(['wallet', 'intranet', 'wallet.example.', 'localhost.', 'com', '0x7f', 'xn--wallet'])(
    'the host %s is none on the internet: a single label, or a dot at the end',
    (host) => {
      expect(createEgressGuard(production).checkUrl(`https://${host}/`).ok).toBe(false);
    },
  );

  test.each(['21', '22', '25', '53', '110', '389', '445', '993', '1', '1023'])(
    'port %s belongs to another service, in a trusted network too',
    (port) => {
      for (const options of [production, { ...production, allowCidrs: ['10.0.0.0/8'] }]) {
        expect(createEgressGuard(options).checkUrl(`https://wallet.example:${port}/`)).toEqual({
          ok: false,
          reason: `port ${port} is not the web's`,
        });
      }
    },
  );

  test.each(['443', '8443', '1024', '9443', '65535'])('port %s may be a wallet’s', (port) => {
    expect(createEgressGuard(production).checkUrl(`https://wallet.example:${port}/`).ok).toBe(true);
  });

  test('what is refused is counted, by where it ended; who only asks is not counted', async () => {
    const metrics = createMetrics();
    const options = { ...production, onRefused: metrics.egressRefused };
    const guard = resolving(['10.0.0.1'], options);
    guard.checkUrl('https://10.0.0.1/');
    guard.checkUrl('https://wallet.example/');
    await lookUp(guard, 'https:');
    await guard.checkNow('https://wallet.example/');
    await guard.checkNow('https://10.0.0.1/');
    const text = await metrics.text();
    expect(text).toContain('roundhouse_egress_refused_total{reason="url"} 1');
    expect(text).toContain('roundhouse_egress_refused_total{reason="address"} 1');
  });

  test.each(['0.0.0.0/0', '::/0'])('%s is no network of ours', (cidr) => {
    expect(() => createEgressGuard({ ...production, allowCidrs: [cidr] })).toThrow(cidr);
  });

  test('a network that is none stops the process at its start', () => {
    expect(() => createEgressGuard({ ...production, allowCidrs: ['10.0.0.0/99'] })).toThrow(
      '10.0.0.0/99',
    );
  });
});

describe('a URL that somebody types in is resolved at once', () => {
  const check = (answers: readonly string[] | Error, url = 'https://wallet.example/') =>
    createEgressGuard({
      ...production,
      resolve: (_hostname, _options, callback) =>
        answers instanceof Error
          ? callback(answers, [])
          : callback(
              null,
              answers.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
            ),
    }).checkNow(url);

  test('a name with one private address among its public ones is refused', async () => {
    expect(await check(['8.8.8.8', '::ffff:10.0.0.1'])).toEqual({
      ok: false,
      reason: expect.stringContaining('10.0.0.1'),
    });
    expect(await check(['8.8.8.8'])).toEqual({ ok: true });
  });

  test('a literal private address and a broken URL are refused without asking anybody', async () => {
    const nobody = new Error('nobody is asked');
    for (const url of ['https://10.0.0.1/', 'https://[::1]/', 'http://wallet.example/', 'x']) {
      expect(await check(nobody, url)).toMatchObject({ ok: false });
    }
    expect(await check(nobody, 'https://[2606:4700::1111]/')).toEqual({ ok: true });
  });

  test('a name that does not resolve here is not refused, and the reason says so', async () => {
    const error = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    expect(await check(error)).toEqual({
      ok: 'unresolved',
      reason: 'wallet.example does not resolve here (ENOTFOUND)',
    });
  });
});
