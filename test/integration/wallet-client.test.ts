import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createEgressGuard, type EgressGuardOptions } from '../../src/lib/egress';
import { createHttpClient } from '../../src/lib/http-client';
import { fetchCatalogue } from '../../src/protocols/web-games/client';
import { signatureOf } from '../../src/protocols/web-games/signature';
import { brief, createWalletBench, SECRET, STAKE } from '../support/wallet-bench';

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

const { listening, httpWallet, tcpWallet, clientOf, close } = createWalletBench();
afterEach(close);

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe('a call that is answered', () => {
  test('carries the signed bytes, and the reply is done with its balance as text', async () => {
    const seen: { url: string | undefined; headers: IncomingMessage['headers']; body: string }[] =
      [];
    const { url } = await httpWallet(async (request, response) => {
      seen.push({ url: request.url, headers: request.headers, body: await bodyOf(request) });
      response.end('{"balance":291.5900000000000001}');
    });
    const result = await clientOf(`${url}/wallet/`).call('take', STAKE, { isRepeat: false });
    expect(result.outcome).toMatchObject({ kind: 'done', balance: '291.5900000000000001' });
    expect(result.received.bytes?.toString()).toBe('{"balance":291.5900000000000001}');
    const [request] = seen;
    expect(request?.url).toBe('/wallet/bet');
    expect(request?.body).toBe(result.sent.bytes.toString());
    const hmac = createHmac('sha256', SECRET).update(STAKE).digest('hex');
    expect(request?.body).toBe(`${STAKE.slice(0, -1)},"hmac":"${hmac}"}`);
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'content-length': String(result.sent.bytes.length),
    });
  });

  test('goes to the path of its verb', async () => {
    const paths: string[] = [];
    const { url } = await httpWallet((request, response) => {
      paths.push(request.url ?? '');
      request.resume().on('end', () => response.end('{"balance":1}'));
    });
    const client = clientOf(url);
    for (const verb of ['take', 'give', 'end', 'report'] as const) {
      await client.call(verb, STAKE, { isRepeat: false });
    }
    expect((await client.balance('LAG1.p1')).outcome).toMatchObject({ kind: 'done', balance: '1' });
    expect(paths).toEqual(['/bet', '/settle-bet', '/bet-end', '/history', '/balance']);
  });

  test('is signed with the secret of the moment', async () => {
    const { url } = await httpWallet((_request, response) => response.end('{"balance":1}'));
    let secret = 'old';
    const client = clientOf(url, { secret: () => secret });
    const first = await client.call('take', STAKE, { isRepeat: false });
    secret = 'new';
    const second = await client.call('take', STAKE, { isRepeat: true });
    expect(first.sent.bytes.equals(second.sent.bytes)).toBe(false);
    expect(first.sent.bytes.length).toBe(second.sent.bytes.length);
  });

  test('keeps its connection for the next one', async () => {
    const { url, sockets } = await httpWallet((_request, response) =>
      response.end('{"balance":1}'),
    );
    const client = clientOf(url, { maxInFlight: 1 });
    for (let i = 0; i < 12; i++) await client.call('take', STAKE, { isRepeat: false });
    expect(sockets.size).toBe(1);
  });
});

describe('a reply that is no answer is unknown', () => {
  const rows: readonly (readonly [
    string,
    number,
    Record<string, string>,
    string | Buffer,
    string,
  ])[] = [
    ['a redirect', 307, { location: '/elsewhere' }, '', 'redirect'],
    ['HTML', 200, { 'content-type': 'text/html' }, '<html>ok</html>', 'not_json'],
    ['nothing', 200, {}, '', 'not_json'],
    ['gzip', 200, { 'content-encoding': 'gzip' }, gzipSync('{"balance":5}'), 'not_json'],
    ['a proxy error', 502, {}, '{"balance":5}', 'http_status'],
    ['64 KiB and one byte', 200, {}, `{"balance":5}${' '.repeat(65_524)}`, 'too_large'],
    ['a header of 64 KB', 200, { 'x-large': 'x'.repeat(64_000) }, '{"balance":5}', 'too_large'],
  ];
  test.each(rows)('%s', async (_name, status, headers, body, reason) => {
    const paths: string[] = [];
    const { url } = await httpWallet((request, response) => {
      paths.push(request.url ?? '');
      request.resume().on('end', () => response.writeHead(status, headers).end(body));
    });
    const { outcome } = await clientOf(url).call('take', STAKE, { isRepeat: false });
    expect(outcome).toMatchObject({ kind: 'unknown', reason });
    expect(paths).toEqual(['/bet']);
  });

  test('a reply of exactly 64 KiB is read', async () => {
    const body = `{"balance":5}${' '.repeat(65_523)}`;
    const { url } = await httpWallet((_request, response) => response.end(body));
    const { outcome } = await clientOf(url).call('take', STAKE, { isRepeat: false });
    expect(outcome).toMatchObject({ kind: 'done', balance: '5' });
  });

  test('an endless reply is cut at the cap', async () => {
    const { url } = await httpWallet((_request, response) => {
      const more = () => {
        while (response.writable && response.write(' '.repeat(16_384)));
      };
      response.on('drain', more);
      more();
    });
    const { outcome, received } = await clientOf(url).call('take', STAKE, { isRepeat: false });
    expect(outcome).toMatchObject({ kind: 'unknown', reason: 'too_large', httpStatus: 200 });
    expect(received.bytes?.length).toBe(65_536);
  });

  const broken: readonly (readonly [string, (socket: Socket) => void, string])[] = [
    ['no byte, then reset', (socket) => socket.resetAndDestroy(), 'reset'],
    ['no byte, then half-closed', (socket) => socket.end(), 'reset'],
    ['half a head', (socket) => socket.end('HTTP/1.1 200 O'), 'reset'],
    ['no HTTP', (socket) => socket.end('hello\r\n\r\n'), 'reset'],
    ['half a body', (socket) => socket.end(`${OK}content-length: 30\r\n\r\n{"bal`), 'truncated'],
    [
      'a chunked body without its end',
      (socket) => socket.end(`${OK}transfer-encoding: chunked\r\n\r\nd\r\n{"balance":5}\r\n`),
      'truncated',
    ],
  ];
  test.each(broken)('%s', async (_name, answer, reason) => {
    const { url } = await tcpWallet(answer);
    const { outcome } = await clientOf(url).call('take', STAKE, { isRepeat: false });
    expect(outcome).toMatchObject({ kind: 'unknown', reason });
  });

  test('a connection reset before the body was read', async () => {
    const { url } = await listening(
      createTcpServer((socket) => socket.once('readable', () => socket.resetAndDestroy())),
    );
    const { outcome } = await clientOf(url).call('take', STAKE, { isRepeat: false });
    expect(outcome).toMatchObject({ kind: 'unknown', reason: 'reset' });
  });

  test('a kept connection that dies under the second call: unknown, and sent once', async () => {
    let requests = 0;
    const { url, sockets } = await tcpWallet((socket) => {
      requests += 1;
      if (requests === 1) socket.write(`${OK}content-length: 13\r\n\r\n{"balance":5}`);
      else socket.resetAndDestroy();
    });
    const client = clientOf(url, { maxInFlight: 1 });
    expect((await client.call('take', STAKE, { isRepeat: false })).outcome.kind).toBe('done');
    const second = await client.call('take', STAKE, { isRepeat: false });
    expect(second.outcome).toMatchObject({ kind: 'unknown', reason: 'reset' });
    expect([requests, sockets.size]).toEqual([2, 1]);
  });

  test('a record is acknowledged by its 200 even when the body breaks off', async () => {
    const answer = `${OK}content-length: 30\r\n\r\n{"o`;
    const { url } = await tcpWallet((socket) => socket.end(answer));
    const client = clientOf(url);
    expect((await client.call('report', STAKE, { isRepeat: false })).outcome.kind).toBe('done');
    expect((await client.call('end', STAKE, { isRepeat: false })).outcome.kind).toBe('unknown');
  });
});

describe('one deadline for the whole attempt', () => {
  const slow: readonly (readonly [string, (socket: Socket) => void, number | undefined])[] = [
    ['an answer that never comes', () => undefined, undefined],
    [
      'a head that drips',
      (socket) => drip(socket, `${OK}${'x-a: b\r\n'.repeat(100)}\r\n`),
      undefined,
    ],
    [
      'a body that drips',
      (socket) => {
        socket.write(`${OK}content-length: 1000\r\n\r\n`);
        drip(socket, ' '.repeat(1000));
      },
      200,
    ],
  ];
  test.each(slow)('%s', async (_name, answer, httpStatus) => {
    const { url } = await tcpWallet(answer);
    const result = await clientOf(url).call('take', STAKE, { isRepeat: false, timeoutMs: 300 });
    expect(result.outcome).toMatchObject({ kind: 'unknown', reason: 'timeout' });
    expect(result.outcome.httpStatus).toBe(httpStatus);
    expect(result.outcome.text).toMatch(/300 ms|29\d ms/);
    expect(result.durationMs).toBeGreaterThanOrEqual(290);
    expect(result.durationMs).toBeLessThan(2_000);
  });

  test('frees its connection: the next call is answered', async () => {
    let requests = 0;
    const { url } = await tcpWallet((socket) => {
      requests += 1;
      if (requests > 1) socket.write(`${OK}content-length: 13\r\n\r\n{"balance":5}`);
    });
    const client = clientOf(url, { maxInFlight: 1 });
    const first = await client.call('take', STAKE, { isRepeat: false, timeoutMs: 200 });
    const second = await client.call('take', STAKE, { isRepeat: true, timeoutMs: 5_000 });
    expect([first.outcome.kind, second.outcome.kind]).toEqual(['unknown', 'done']);
  });
});

function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text.charAt(at++)), 20);
  socket.on('close', () => clearInterval(timer));
}

describe('a call of which no byte left is not sent', () => {
  test('connection refused', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const result = await clientOf(`http://127.0.0.1:${port}`).call('take', STAKE, {
      isRepeat: false,
    });
    expect(result.outcome).toMatchObject({ kind: 'not_sent', reason: 'connect' });
    expect(result.outcome.text).toBe('no connection (ECONNREFUSED)');
    expect(result.received).toEqual({});
  });

  test('a name that does not resolve', async () => {
    const resolve: EgressGuardOptions['resolve'] = (_name, _options, callback) =>
      callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), []);
    const client = clientOf('https://wallet.example', { egress: { resolve } });
    const { outcome } = await client.call('take', STAKE, { isRepeat: false });
    expect(outcome).toMatchObject({ kind: 'not_sent', reason: 'dns' });
  });

  test('a name whose answer is private by now', async () => {
    const { url, sockets } = await httpWallet((_request, response) => response.end());
    const resolve: EgressGuardOptions['resolve'] = (_name, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    const client = clientOf(`https://wallet.example:${new URL(url).port}`, {
      egress: { allowHttp: false, resolve },
    });
    const { outcome } = await client.call('take', STAKE, { isRepeat: false });
    expect(outcome).toMatchObject({ kind: 'not_sent', reason: 'egress' });
    expect(sockets.size).toBe(0);
  });

  test('a host that is a private address', async () => {
    const client = clientOf('http://169.254.169.254');
    const { outcome } = await client.call('take', STAKE, { isRepeat: false });
    expect(outcome).toMatchObject({ kind: 'not_sent', reason: 'egress' });
  });

  test('a peer that speaks no TLS, or hangs up inside the handshake', async () => {
    for (const answer of ['HTTP/1.1 400 Bad Request\r\n\r\n', '']) {
      const { url } = await listening(
        createTcpServer((socket) => socket.once('data', () => socket.end(answer))),
      );
      const client = clientOf(url.replace('http:', 'https:'));
      const { outcome } = await client.call('take', STAKE, { isRepeat: false });
      expect(outcome).toMatchObject({ kind: 'not_sent', reason: 'tls' });
      expect(outcome.text).toMatch(/ERR_SSL_WRONG_VERSION_NUMBER|ECONNRESET/);
    }
  });

  test('a connect that outlives the deadline, and nothing leaves when it succeeds later', async () => {
    const { url, sockets } = await httpWallet((_request, response) =>
      response.end('{"balance":1}'),
    );
    let answerName: (() => void) | undefined;
    const resolve: EgressGuardOptions['resolve'] = (_name, _options, callback) => {
      answerName = () => callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    const client = clientOf(url.replace('127.0.0.1', 'localhost'), { egress: { resolve } });
    const { outcome } = await client.call('take', STAKE, { isRepeat: false, timeoutMs: 150 });
    expect(outcome).toMatchObject({ kind: 'not_sent', reason: 'connect' });
    answerName?.();
    await new Promise((done) => setTimeout(done, 200));
    expect(sockets.size).toBe(1);
    expect([...sockets].map((socket) => socket.bytesRead)).toEqual([0]);
  });
});

describe('a limit of its own per partner', () => {
  test('12 calls at once use no more connections than allowed; as many wait, and the rest is told so', async () => {
    let inFlight = 0;
    let most = 0;
    const { url, sockets } = await httpWallet((request, response) => {
      most = Math.max(most, ++inFlight);
      request.resume();
      setTimeout(() => {
        inFlight -= 1;
        response.end('{"balance":1}');
      }, 30);
    });
    const client = clientOf(url, { maxInFlight: 3 });
    const calls = Array.from({ length: 12 }, () =>
      client.call('take', STAKE, { isRepeat: false, timeoutMs: 5_000 }),
    );
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => brief(outcome));
    expect(outcomes).toEqual([
      ...Array<string>(6).fill('done 1'),
      ...Array<string>(6).fill('not_sent busy'),
    ]);
    expect([most, sockets.size]).toEqual([3, 3]);
  });

  test('a call that may not wait, or waits in vain, is not sent', async () => {
    const { url, sockets } = await tcpWallet(() => undefined);
    const client = clientOf(url, { maxInFlight: 1 });
    expect(client.hasFreePermit()).toBe(true);
    const hanging = client.call('take', STAKE, { isRepeat: false, timeoutMs: 1_000 });
    expect(client.hasFreePermit()).toBe(false);
    const atOnce = await client.call('take', STAKE, { isRepeat: false, permitWaitMs: 0 });
    const inVain = await client.call('take', STAKE, { isRepeat: false, timeoutMs: 200 });
    for (const { outcome } of [atOnce, inVain]) {
      expect(outcome).toMatchObject({ kind: 'not_sent', reason: 'busy' });
    }
    expect((await hanging).outcome.kind).toBe('unknown');
    expect(sockets.size).toBe(1);
  });

  test('close waits for the call in flight and sends none after it', async () => {
    let requests = 0;
    const { url } = await httpWallet((request, response) => {
      requests += 1;
      request.resume();
      setTimeout(() => response.end('{"balance":1}'), 100);
    });
    const client = clientOf(url);
    const call = client.call('take', STAKE, { isRepeat: false });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await client.close();
    expect((await call).outcome.kind).toBe('done');
    const late = await client.call('take', STAKE, { isRepeat: false });
    expect(late.outcome.kind).toBe('not_sent');
    expect(requests).toBe(1);
  });
});

test('an exchange after the pool was closed is not sent', async () => {
  const egress = createEgressGuard({ allowHttp: true, allowCidrs: [] });
  const http = createHttpClient({
    egress,
    connections: 1,
    replyCapBytes: 10,
    connectTimeoutMs: 100,
  });
  await http.close();
  const url = new URL('http://127.0.0.1:9/');
  const result = await http.exchange({ method: 'GET', url, timeoutMs: 100 });
  expect(result).toMatchObject({ kind: 'not_sent', reason: 'connect' });
});

test('the catalogue is fetched with the documented query, and a redirect is not followed', async () => {
  const urls: string[] = [];
  const { url } = await httpWallet((request, response) => {
    urls.push(request.url ?? '');
    if (request.url?.startsWith('/moved')) response.writeHead(302, { location: '/' }).end();
    else response.end('{"code":0,"message":"Ok","games":[]}');
  });
  const egress = createEgressGuard({ allowHttp: true, allowCidrs: [] });
  const request = { partnerId: '7', apiKey: 'secret', egress, timeoutMs: 2_000 };
  const hash = signatureOf('GetListGames', ['7', 'web_slot'], 'secret');
  expect(await fetchCatalogue({ ...request, baseUrl: url })).toEqual({ ok: true, games: [] });
  expect(await fetchCatalogue({ ...request, baseUrl: `${url}/moved` })).toEqual({
    ok: false,
    text: 'HTTP 302',
  });
  const query = `/GetListGames?partner_id=7&type=web_slot&hash=${hash}`;
  expect(urls).toEqual([query, `/moved${query}`]);
});
