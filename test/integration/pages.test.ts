/** What all our pages share: their files, what they weigh, what their policy lets run, and their limit. */
import { createLimits } from '../../src/api/limits/limits';
import { createLogger } from '../../src/lib/log';
import { startTestPages, type TestPages } from '../support/test-pages';
import { insertRound, TOLD_ROUNDS } from '../support/told-rounds';

const BASE = 'https://play.example.com';
/** Issue 7: html, style, script and our pictures together. */
const PAGE_BYTES_MAX = 100_000;
/** More than any class of games that we know of. */
const MANY_GAMES = 250;

let pages: TestPages;
/** One of each page. */
const paths: Record<string, string> = {};

beforeAll(async () => {
  pages = await startTestPages({ publicBaseUrl: BASE, providerUrl: 'https://games.example.net' });
  const { token } = await pages.launch();
  paths.launch = `/launch?token=${token}`;
  const lobby = await pages.launch({ gameId: '0' });
  paths.lobby = `/lobby?token=${lobby.token}`;
  const owed = TOLD_ROUNDS.owed();
  const round = await insertRound(pages, owed);
  paths.round = pages.links.roundUrl(owed.betId).slice(BASE.length);
  paths.operator = pages.links.operatorUrl(round).slice(BASE.length);
  paths.failure = '/launch';
  await pages.offer(
    Array.from({ length: MANY_GAMES }, (_, index) => ({
      gameId: String(index + 11),
      title: `A game with a name of its own, ${index}`,
      iconUrl: `https://cdn.example.net/icons/${index}.png`,
    })),
  );
});
afterAll(async () => pages.close());

const KINDS = ['launch', 'lobby', 'round', 'operator', 'failure'];

const filesOf = (body: string) => [
  ...new Set([...body.matchAll(/(?:href|src)="(\/pages\/[^"]+)"/g)].map(([, url = '']) => url)),
];

test.each(KINDS)('%s: nothing inline, nothing stored, no sniffing, no referrer', async (kind) => {
  const { headers, body } = await pages.get(paths[kind] ?? '');
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  const policy = String(headers['content-security-policy']);
  expect(policy).toMatch(/^default-src 'none'; style-src 'self'; script-src 'self'; /);
  expect(policy).not.toContain('unsafe');
  expect(policy.includes('connect-src')).toBe(kind === 'launch');
  expect(body).not.toMatch(/<style|<script>|\son\w+=|\sstyle=/);
});

test.each(KINDS)('%s: weighs less than 100 KB with everything it brings', async (kind) => {
  const { body } = await pages.get(paths[kind] ?? '');
  const files = filesOf(body);
  expect(files.length).toBeGreaterThanOrEqual(3);
  let bytes = Buffer.byteLength(body);
  for (const file of files) {
    const { statusCode, headers, rawPayload } = await pages.get(file);
    expect([file, statusCode]).toEqual([file, 200]);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    bytes += rawPayload.length;
  }
  expect(bytes).toBeLessThan(PAGE_BYTES_MAX);
});

test('a file of another version is ours for once, and nothing else is a file', async () => {
  for (const [name, type] of [
    ['design.00000000.css', 'text/css; charset=utf-8'],
    ['launch.js', 'text/javascript; charset=utf-8'],
    ['roundhouse.00000000.svg', 'image/svg+xml'],
  ]) {
    const { statusCode, headers } = await pages.get(`/pages/${name}`);
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({ 'content-type': type, 'cache-control': 'no-cache' });
  }
  for (const name of ['constructor', 'pages-files.js', '..%2Flinks.js', 'launch.0000.js']) {
    expect((await pages.get(`/pages/${name}`)).statusCode).toBe(404);
  }
});

test('pages asked for too often are 429 with Retry-After for that address only', async () => {
  const limits = createLimits({ poolMax: 3, log: createLogger('test', 'silent') });
  const busy = await pages.appOn(pages.pool, limits);
  for (let turn = 0; turn < 1_000; turn++) await limits.page('192.0.2.7');
  const page = (remoteAddress: string) => busy.inject({ url: '/pages/pages.css', remoteAddress });
  const refused = await page('192.0.2.7');
  expect(refused.statusCode).toBe(429);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(refused.body).toContain('Please try again in a moment');
  expect((await page('192.0.2.8')).statusCode).toBe(200);
  await busy.close();
});
