import { createServer as createTcpServer, type Server } from 'node:net';
import tls, { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { runInThisContext } from 'node:vm';
import type { EgressGuardOptions } from '../../src/lib/egress';
import { brief, createWalletBench, onEachRequest, STAKE, VERBS } from '../support/wallet-bench';
import { createTestAuthority, selfSigned, type TestCertificate } from '../support/test-authority';

/*
 * Wallets whose certificate, protocol version or name is not what it should be: no byte of a request
 * leaves, and that is what `not_sent` says. A server that saw a byte of one would fail these tests.
 */

const { listening, tcpWallet, clientOf, close } = createWalletBench();
afterEach(close);

const HOST = 'wallet.example';
const PATIENT_MS = 20_000;
const FIVE = 'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{"balance":5}';
const authority = createTestAuthority();
const stranger = createTestAuthority('Another authority');

type Resolve = NonNullable<EgressGuardOptions['resolve']>;
/** Every name is this machine. */
const here: Resolve = (_name, _options, callback) =>
  callback(null, [{ address: '127.0.0.1', family: 4 }]);
/** As in production, except that one address of this machine counts as public. */
const guard = (resolve: Resolve = here) => ({
  allowHttp: false,
  allowCidrs: ['127.0.0.1/32'],
  resolve,
});

/** A TLS wallet that answers every call with a balance of 5, and counts what was decrypted for it. */
async function tlsWallet(options: TlsOptions) {
  const wallet = { requests: 0, port: 0, sockets: new Set<unknown>() };
  const server = createTlsServer(options, (socket) =>
    onEachRequest(socket, () => {
      wallet.requests += 1;
      socket.write(FIVE);
    }),
  );
  server.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => undefined));
  server.on('tlsClientError', () => undefined);
  const { port, sockets } = await listening(server as Server);
  return Object.assign(wallet, { port, sockets });
}

const clientFor = (port: number, resolve: Resolve = here, host = HOST) =>
  clientOf(`https://${host}:${port}/wallet`, {
    attemptTimeoutMs: PATIENT_MS,
    egress: guard(resolve),
    trustedAuthorities: [authority.ca],
  });

test('a wallet with a certificate of a trusted authority is called', async () => {
  const wallet = await tlsWallet(authority.issue(HOST));
  const client = clientFor(wallet.port);
  for (const verb of VERBS) {
    expect((await client.call(verb, STAKE, { isRepeat: false })).outcome.kind).toBe('done');
  }
  expect(wallet.requests).toBe(VERBS.length);
});

describe('a certificate that proves nothing: not sent', () => {
  const rows: readonly (readonly [string, () => TestCertificate, string])[] = [
    ['expired', () => authority.issue(HOST, { fromDays: -30, toDays: -1 }), 'CERT_HAS_EXPIRED'],
    [
      'not yet valid',
      () => authority.issue(HOST, { fromDays: 1, toDays: 9 }),
      'CERT_NOT_YET_VALID',
    ],
    ['for another host', () => authority.issue('other.example'), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['for a host below', () => authority.issue(`a.${HOST}`), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['self-signed', () => selfSigned(HOST), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['of another authority', () => stranger.issue(HOST), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ];
  test.each(rows)('%s', async (_name, certificate, code) => {
    const wallet = await tlsWallet(certificate());
    const client = clientFor(wallet.port);
    for (const verb of VERBS) {
      const result = await client.call(verb, STAKE, { isRepeat: false });
      expect(brief(result.outcome)).toBe('not_sent tls');
      expect(result.outcome.text).toBe(`no TLS connection (${code})`);
      expect(result.received).toEqual({});
    }
    expect(wallet.sockets.size).toBe(VERBS.length);
    expect(wallet.requests).toBe(0);
  });

  test('also when the environment asks for less', async () => {
    const wallet = await tlsWallet(selfSigned(HOST));
    // Jest gives a test a copy of the environment; node:tls reads the process's own.
    const { env } = runInThisContext('process') as NodeJS.Process;
    env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      const { outcome } = await clientFor(wallet.port).call('take', STAKE, { isRepeat: false });
      expect(brief(outcome)).toBe('not_sent tls');
      expect(wallet.requests).toBe(0);
    } finally {
      delete env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });

  test('an authority that only this machine was told of is none without being told', async () => {
    const wallet = await tlsWallet(authority.issue(HOST));
    const client = clientOf(`https://${HOST}:${wallet.port}`, { egress: guard() });
    const { outcome } = await client.call('take', STAKE, { isRepeat: false });
    expect(brief(outcome)).toBe('not_sent tls');
    expect(wallet.requests).toBe(0);
  });
});

describe('a handshake that fails: not sent', () => {
  test.each(['TLSv1', 'TLSv1.1'] as const)(
    '%s and nothing newer, also when this process would speak it elsewhere',
    async (version) => {
      const old = { ...authority.issue(HOST), minVersion: 'TLSv1', maxVersion: version } as const;
      const wallet = await tlsWallet({ ...old, ciphers: 'DEFAULT@SECLEVEL=0' });
      const usual = [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS] as const;
      [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS] = ['TLSv1', 'DEFAULT@SECLEVEL=0'];
      try {
        const { outcome } = await clientFor(wallet.port).call('take', STAKE, { isRepeat: false });
        expect(brief(outcome)).toBe('not_sent tls');
        expect(wallet.requests).toBe(0);
      } finally {
        [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS] = usual;
      }
    },
  );

  test.each([
    ['plain HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['a balance in plain text', FIVE],
    ['nothing, and hangs up', ''],
    ['noise', 'x'.repeat(10_000)],
  ])('the other side says %s', async (_name, text) => {
    const { port } = await listening(
      createTcpServer((socket) => socket.once('data', () => socket.end(text))),
    );
    const client = clientFor(port);
    for (const verb of VERBS) {
      const { outcome } = await client.call(verb, STAKE, { isRepeat: false });
      expect(brief(outcome)).toBe('not_sent tls');
    }
  });

  test('the other side is reset inside the handshake', async () => {
    const { port } = await listening(
      createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
    );
    const { outcome } = await clientFor(port).call('take', STAKE, { isRepeat: false });
    expect(brief(outcome)).toBe('not_sent tls');
  });

  test('the other side never answers it, and the handshake holds nothing of the request', async () => {
    let received = Buffer.alloc(0);
    const { port } = await listening(
      createTcpServer((socket) =>
        socket.on('data', (chunk) => (received = Buffer.concat([received, chunk]))),
      ),
    );
    const { outcome } = await clientFor(port).call('take', STAKE, {
      isRepeat: false,
      timeoutMs: 500,
    });
    expect(brief(outcome)).toBe('not_sent connect');
    expect(received[0]).toBe(0x16);
    expect(received.includes('LAG1')).toBe(false);
  });
});

describe('when a byte may have left, a TLS failure is unknown', () => {
  test('the wallet asks for a certificate that we do not have: refused after our first bytes', async () => {
    const wallet = await tlsWallet({
      ...authority.issue(HOST),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    });
    const { outcome } = await clientFor(wallet.port).call('take', STAKE, { isRepeat: false });
    expect(brief(outcome)).toBe('unknown reset');
  });

  test('the connection is torn down under the encrypted reply', async () => {
    const server = createTlsServer(authority.issue(HOST), (socket) =>
      onEachRequest(socket, () => {
        socket.write(FIVE.slice(0, -3), () => socket.destroy());
      }),
    );
    const { port } = await listening(server as Server);
    const client = clientFor(port);
    for (const verb of VERBS) {
      const { outcome } = await client.call(verb, STAKE, { isRepeat: false });
      expect(brief(outcome)).toBe(verb === 'report' ? 'done' : 'unknown truncated');
    }
  });

  test('plain http to a TLS port: the request left in plain text', async () => {
    const wallet = await tlsWallet(authority.issue(HOST));
    const client = clientOf(`http://127.0.0.1:${wallet.port}`, { attemptTimeoutMs: PATIENT_MS });
    const { outcome } = await client.call('take', STAKE, { isRepeat: false });
    expect(brief(outcome)).toBe('unknown reset');
    expect(wallet.requests).toBe(0);
  });
});

describe('names', () => {
  test.each(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL'])('%s: not sent', async (code) => {
    const resolve: Resolve = (_name, _options, callback) =>
      callback(Object.assign(new Error(code), { code }), []);
    const client = clientFor(443, resolve);
    for (const verb of VERBS) {
      const { outcome } = await client.call(verb, STAKE, { isRepeat: false });
      expect(brief(outcome)).toBe('not_sent dns');
      expect(outcome.text).toBe(`host not found (${code})`);
    }
  });

  test('the resolver of the system, about a name that cannot exist: not sent', async () => {
    const client = clientOf('https://wallet.invalid', { attemptTimeoutMs: PATIENT_MS });
    const { outcome } = await client.call('take', STAKE, { isRepeat: false });
    expect(brief(outcome)).toMatch(/^not_sent (dns|connect)$/);
  });

  test('a resolver that never answers: not sent, at the deadline', async () => {
    const { outcome } = await clientFor(443, () => undefined).call('take', STAKE, {
      isRepeat: false,
      timeoutMs: 300,
    });
    expect(brief(outcome)).toBe('not_sent connect');
  });

  test.each([
    ['this machine', '127.0.0.2'],
    ['a private network', '10.0.0.1'],
    ['the metadata service', '169.254.169.254'],
    ['this machine, in IPv6 clothes', '::ffff:127.0.0.2'],
  ])('a name that was public and then is %s: the next connection is refused', async (_n, later) => {
    const wallet = await tlsWallet(authority.issue(HOST));
    let asked = 0;
    const rebinding: Resolve = (_name, _options, callback) => {
      asked += 1;
      const address = asked === 1 ? '127.0.0.1' : later;
      callback(null, [{ address, family: address.includes(':') ? 6 : 4 }]);
    };
    const client = clientFor(wallet.port, rebinding);
    const first = await client.call('take', STAKE, { isRepeat: false });
    expect(brief(first.outcome)).toBe('done 5');
    for (const socket of wallet.sockets as Set<{ destroy(): void }>) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const verb of VERBS) {
      const { outcome } = await client.call(verb, STAKE, { isRepeat: false });
      expect(brief(outcome)).toBe('not_sent egress');
    }
    expect([wallet.requests, wallet.sockets.size]).toEqual([1, 1]);
  });

  test('one private answer among public ones is enough to refuse the name', async () => {
    const wallet = await tlsWallet(authority.issue(HOST));
    const mixed: Resolve = (_name, _options, callback) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ]);
    const { outcome } = await clientFor(wallet.port, mixed).call('take', STAKE, {
      isRepeat: false,
    });
    expect(brief(outcome)).toBe('not_sent egress');
    expect(wallet.sockets.size).toBe(0);
  });

  test('an address that nobody may call, in whatever spelling: not sent', async () => {
    for (const host of ['169.254.169.254', '[::ffff:a9fe:a9fe]', '0xa9.0xfe.0xa9.0xfe', '10.1']) {
      const client = clientFor(443, here, host);
      for (const verb of VERBS) {
        const { outcome } = await client.call(verb, STAKE, { isRepeat: false });
        expect([host, brief(outcome)]).toEqual([host, 'not_sent egress']);
      }
    }
  });
});

test('connection refused: not sent, for each of the four calls', async () => {
  const { port } = await tcpWallet(() => undefined);
  await close();
  const client = clientOf(`http://127.0.0.1:${port}`, { attemptTimeoutMs: PATIENT_MS });
  for (const verb of VERBS) {
    const result = await client.call(verb, STAKE, { isRepeat: false });
    expect(brief(result.outcome)).toBe('not_sent connect');
    expect(result.outcome.text).toBe('no connection (ECONNREFUSED)');
    expect(result.received).toEqual({});
  }
});
