import type { OutgoingHttpHeaders } from 'node:http';
import { Writable } from 'node:stream';
import pino from 'pino';
import { newApiKey } from '../../src/lib/api-key';
import { askFrom } from '../support/ask-from';
import { certificateFolder, type CertificateFolder } from '../support/certificate-folder';
import { startRoundhouse, type TestApi, type TestRoundhouse } from '../support/roundhouse';
import { createTestAuthority } from '../support/test-authority';

const PROXY = '127.0.0.2';
const STRANGER = '127.0.0.9';
const REFUSED = { status: 403, text: '{"error":"HTTPS required"}' };
const REFUSED_PROVIDER = { status: 200, text: '{"code":1,"message":"HTTPS required"}' };

const { ca, issue } = createTestAuthority();
const lines: string[] = [];
let house: TestRoundhouse;
let folder: CertificateFolder;
let api: TestApi;
let dev: TestApi;
let port = 0;

beforeAll(async () => {
  folder = await certificateFolder(issue('localhost'));
  house = await startRoundhouse();
  dev = await house.startApi();
  const write = (chunk: Buffer, _: string, done: () => void) => {
    lines.push(chunk.toString());
    done();
  };
  api = await house.startApi({
    transport: { development: false, trustedProxies: [PROXY], tls: folder.files },
    log: pino(new Writable({ write })),
  });
  port = Number(new URL(api.baseUrl).port);
});
afterAll(async () => {
  await house?.close();
  await folder?.remove();
});

const key = () => ({ 'x-api-key': house.apiKey });

/** Asks for the products, as a partner does, by plain http unless `ca` is given. */
function products(headers: OutgoingHttpHeaders, from: string, options: { ca?: string } = {}) {
  return askFrom({
    port,
    path: '/game/provider',
    headers: { ...key(), ...headers },
    from,
    ...options,
  });
}

describe('plain http', () => {
  test.each([
    ['a partner with its key', 'GET', '/game/provider', REFUSED],
    ['nobody in particular', 'POST', '/create-user', REFUSED],
    ['an unknown route', 'GET', '/nothing', REFUSED],
    ['an unknown method', 'DELETE', '/create-user', REFUSED],
    ['a URL that cannot be read', 'GET', '/%zz', REFUSED],
    ['a page', 'GET', '/launch?token=abc', REFUSED],
    ['a file of a page', 'GET', '/pages/pages.css', REFUSED],
    ['the documentation', 'GET', '/docs', REFUSED],
    ['a health page that is none', 'GET', '/health/other', REFUSED],
    ['a path that only begins like the providers', 'GET', '/providersx', REFUSED],
    ['a stake', 'POST', '/providers/sandbox/Credit', REFUSED_PROVIDER],
    ['an unknown connection', 'POST', '/providers/nobody/Debit', REFUSED_PROVIDER],
    ['an unknown method of a provider', 'GET', '/providers/sandbox/Refund', REFUSED_PROVIDER],
    ['an unknown route of a provider', 'GET', '/providers', REFUSED_PROVIDER],
    ['two slashes', 'POST', '//providers//sandbox/Credit', REFUSED_PROVIDER],
    ['an escaped path', 'POST', '/%70roviders/sandbox/Credit', REFUSED_PROVIDER],
    ['a broken escape', 'POST', '/providers/sandbox/%zz', REFUSED_PROVIDER],
  ])('is refused as JSON, never redirected: %s', async (_, method, path, refusal) => {
    const answer = await askFrom({ port, method, path, headers: key() });
    expect(answer).toMatchObject(refusal);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      connection: 'close',
    });
    expect(answer.headers).not.toHaveProperty('location');
  });

  test('is refused before a body is read', async () => {
    const headers = { ...key(), 'content-type': 'nonsense', 'content-length': 1_000_000 };
    const asked = { port, method: 'POST', headers, body: 'x'.repeat(100) };
    expect(await askFrom({ ...asked, path: '/create-user' })).toMatchObject(REFUSED);
    const path = '/providers/sandbox/Credit';
    expect(await askFrom({ ...asked, path })).toMatchObject(REFUSED_PROVIDER);
  });

  test('is counted, for partners and for providers', async () => {
    const told = async () => {
      const text = await house.metrics.text();
      return ['partner', 'provider'].map((side) =>
        Number(
          new RegExp(`_${side}_refusals_total{[^}]*"https"[^}]*} (\\d+)`).exec(text)?.[1] ?? 0,
        ),
      );
    };
    const [partner = 0, provider = 0] = await told();
    await askFrom({ port, path: '/game/provider' });
    await askFrom({ port, path: '/providers/sandbox/Credit', method: 'POST' });
    expect(await told()).toEqual([partner + 1, provider + 1]);
  });

  test('is answered to probes of health, whoever asks', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      expect(await askFrom({ port, path, from: STRANGER })).toMatchObject({ status: 200 });
    }
  });

  test('that carried a key is told by its public part, and by nothing else of it', async () => {
    const { keyId, apiKey } = newApiKey();
    lines.length = 0;
    await askFrom({ port, path: '/game/provider', headers: { 'x-api-key': apiKey } });
    await askFrom({ port, path: '/game/provider', headers: { 'x-api-key': `${apiKey}x` } });
    const told = lines.filter((line) => line.includes('sent by plain http'));
    expect(told).toHaveLength(1);
    expect(JSON.parse(String(told[0]))).toMatchObject({ level: 40, key: keyId, ip: '127.0.0.1' });
    expect(lines.join()).not.toContain(apiKey.slice(0, 40));
  });
});

describe('https', () => {
  test('is served on the same port', async () => {
    expect(await products({}, STRANGER, { ca })).toMatchObject({ status: 200 });
    const answer = await askFrom({ port, ca, method: 'POST', path: '/providers/sandbox/Credit' });
    expect(JSON.parse(answer.text)).toEqual({
      code: 1,
      message: expect.not.stringMatching(/HTTPS/),
    });
  });

  test('is what a trusted proxy says it is', async () => {
    expect(await products({ 'x-forwarded-proto': 'https' }, PROXY)).toMatchObject({ status: 200 });
  });

  const ASIDE = [
    { 'x-forwarded-ssl': 'on' },
    { 'x-forwarded-scheme': 'https' },
    { 'x-forwarded-protocol': 'https' },
    { 'x-url-scheme': 'https' },
    { 'front-end-https': 'on' },
    { forwarded: 'proto=https' },
    { 'cloudfront-forwarded-proto': 'https' },
  ];

  test.each<OutgoingHttpHeaders>([
    {},
    { 'x-forwarded-proto': 'http' },
    { 'x-forwarded-proto': 'HTTPS' },
    { 'x-forwarded-proto': 'https, http' },
    { 'x-forwarded-proto': 'http, https' },
    { 'x-forwarded-proto': 'https,https' },
    { 'x-forwarded-proto': ['http', 'https'] },
    { 'x-forwarded-proto': 'httpsx' },
    ...ASIDE,
  ])('is nothing else that comes through a trusted proxy: %j', async (headers) => {
    expect(await products(headers, PROXY)).toMatchObject(REFUSED);
  });

  test.each<OutgoingHttpHeaders>([
    { 'x-forwarded-proto': 'https' },
    { 'x-forwarded-proto': 'https', 'x-forwarded-for': PROXY },
    { 'x-forwarded-proto': 'https', 'x-forwarded-for': `127.0.0.1, ${PROXY}` },
    ...ASIDE,
  ])('cannot be claimed by a stranger who forges a header: %j', async (headers) => {
    expect(await products(headers, STRANGER)).toMatchObject(REFUSED);
  });

  test('is not what a proxy took by plain http and passed on by TLS', async () => {
    expect(await products({ 'x-forwarded-proto': 'http' }, PROXY, { ca })).toMatchObject(REFUSED);
    expect(await products({}, PROXY, { ca })).toMatchObject({ status: 200 });
    // Nobody's word is taken over a socket that a stranger has made.
    const told = { 'x-forwarded-proto': 'http' };
    expect(await products(told, STRANGER, { ca })).toMatchObject({ status: 200 });
  });
});

describe('plain http in development', () => {
  const at = (remoteAddress: string, headers: Record<string, string> = {}) =>
    ({ remoteAddress, url: '/game/provider', headers: { ...key(), ...headers } }) as const;

  test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])(
    'is answered to this machine: %s',
    async (address) => {
      expect((await dev.app.inject(at(address))).statusCode).toBe(200);
      // In production it is not.
      expect((await api.app.inject(at(address))).statusCode).toBe(403);
    },
  );

  test.each(['10.0.0.5', '192.168.1.7', '203.0.113.9', '::2', '::ffff:10.0.0.5', 'fe80::1'])(
    'is refused to others: %s',
    async (address) => {
      for (const headers of [
        {},
        { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' },
        { 'x-forwarded-proto': 'https' },
      ]) {
        const answer = await dev.app.inject(at(address, headers));
        expect({ status: answer.statusCode, text: answer.body }).toEqual(REFUSED);
      }
    },
  );

  test('is refused when it was forwarded for somebody else', async () => {
    const transport = { development: true, trustedProxies: ['127.0.0.0/8', '10.0.0.5'] };
    const trusting = await house.startApi({ transport });
    const forwarded = at('127.0.0.1', { 'x-forwarded-for': '203.0.113.9' });
    expect((await trusting.app.inject(forwarded)).statusCode).toBe(403);
    const claimed = at('10.0.0.5', { 'x-forwarded-for': '127.0.0.1' });
    expect((await trusting.app.inject(claimed)).statusCode).toBe(403);
    expect((await trusting.app.inject(at('127.0.0.1'))).statusCode).toBe(200);
  });
});
