/**
 * Rows S10 and S29: what partners and providers supply stands on our pages as text, in a real browser. The pages
 * are looked at with their policy, which must have nothing to stop, and without it, where a script would run.
 */
import Fastify from 'fastify';
import type { Browser } from 'playwright-core';
import { answerHeaders } from '../../src/api/plugins/answer-headers';
import { createLinks } from '../../src/api/routes/pages/links';
import { fileUrl } from '../../src/api/routes/pages/page-files';
import { applyCatalogue } from '../../src/db/catalogue';
import { updatePartner } from '../../src/db/partners';
import { systemClock } from '../../src/lib/clock';
import { startBrowser } from '../support/browser';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';

const SCRIPT = '<script>hit()</script>';
const BREAK_OUT = `"'><img src=x onerror=hit()><svg onload=hit()>\`\${hit()}`;
/** Right-to-left override and isolates, a NUL's neighbour, a line separator, a lone surrogate's stand-in. */
const MARKS = '\u202egnp.exe\u2066\u2069\u200b\u2028\u0001\ufffd';
const LONG = 'W'.repeat(10_000);
const CLASS = `${BREAK_OUT} ${SCRIPT}`.slice(0, 190);

const GAMES = [
  { gameId: '11', title: SCRIPT, iconUrl: 'https://cdn.example.net/"onerror="hit()' },
  { gameId: '12', title: BREAK_OUT, iconUrl: 'javascript:hit()' },
  { gameId: '13', title: MARKS, iconUrl: "https://*;script-src'unsafe-inline'/x.png" },
  { gameId: '14', title: LONG, iconUrl: `https://cdn.example.net/${'i'.repeat(2_000)}.png` },
  { gameId: '15', title: '</title></h1></button></style><!--', iconUrl: 'data:text/html,x' },
].map((game) => ({ ...game, className: CLASS, launchPath: '/game' }));

/** Launch paths as a provider may list them, all of one game. */
const LAUNCH_PATHS = [
  'javascript:hit()',
  'data:text/html,<script>hit()</script>',
  '//evil.example.net/game',
  '/\\evil.example.net/game',
  `https://evil.example.net;sandbox/"><script>hit()</script>`,
  `/game"><script>hit()</script>`,
];

let house: TestRoundhouse;
let player: TestPlayer;
let browser: Browser;

beforeAll(async () => {
  const patient = {
    connection: { answer_deadline_ms: 20_000 },
    partner: { wallet_attempt_timeout_ms: 10_000 },
  };
  [house, browser] = await Promise.all([startRoundhouse(patient), startBrowser()]);
  player = await house.newPlayer();
  await applyCatalogue(house.pool, house.connection, GAMES);
});
afterAll(async () => {
  await browser?.close();
  await house?.close();
});

async function openGame(body: Record<string, unknown>): Promise<{ status: number; url: string }> {
  const response = await fetch(`${house.baseUrl}/game/open-game`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': house.apiKey },
    body: JSON.stringify({ user_agent: player.userAgent, game_provider: CLASS, ...body }),
  });
  const { url = '' } = (await response.json()) as { url?: string };
  return { status: response.status, url: url.replace('http://localhost:8080', house.baseUrl) };
}

interface Attributed {
  getAttribute(name: string): string | null;
}
const attributes = (all: Attributed[], name: string) => all.map((one) => one.getAttribute(name));

/** What only a page that was broken out of would hold: the one picture of our own is the mark. */
const FOREIGN =
  'img:not([src^="/pages/roundhouse."]), svg, script:not([src^="/pages/"]), style, [onerror], [onload]';

/** Looks at a page of ours in Chromium; nothing but our own server can be reached. */
async function look(url: string, options: { bypassCSP: boolean }) {
  const context = await browser.newContext({ bypassCSP: options.bypassCSP });
  const faults: string[] = [];
  await context.exposeFunction('hit', () => faults.push('a script ran'));
  const page = await context.newPage();
  page.on('dialog', (dialog) => void dialog.dismiss());
  page.on('console', (message) => {
    // What the network of this test does not have is no violation.
    const text = message.text();
    if (/content security policy|refused to/i.test(text)) faults.push(text);
  });
  await context.route(
    (address) => address.origin !== house.baseUrl,
    (route) => route.fulfill({ status: 200, contentType: 'text/html', body: 'elsewhere' }),
  );
  await page.goto(url, { waitUntil: 'load' });
  const seen = {
    title: await page.title(),
    text: await page.locator('body').innerText(),
    elements: await page.locator(FOREIGN).count(),
    // Ways out of our pages, each once: ours among ourselves begin with a slash.
    links: [...new Set(await page.locator('a').evaluateAll(attributes, 'href'))].filter(
      (link) => link?.startsWith('/') !== true,
    ),
    frames: await page.locator('iframe').evaluateAll(attributes, 'src'),
  };
  await context.close();
  return { ...seen, faults };
}

test.each([false, true])(
  'hostile titles, classes and icons stand on lobby and launch page as text (policy off: %s)',
  async (bypassCSP) => {
    const lobby = await openGame({ game_id: '0' });
    expect(lobby.status).toBe(200);
    const seen = await look(lobby.url, { bypassCSP });
    expect(seen.faults).toEqual([]);
    expect(seen.title).toBe(CLASS.replace(/\s+/g, ' ').trim());
    for (const text of [
      SCRIPT,
      BREAK_OUT,
      '</title></h1></button></style><!--',
      'W'.repeat(10_000),
    ]) {
      expect(seen.text).toContain(text);
    }
    for (const { gameId, title } of GAMES) {
      const game = await look((await openGame({ game_id: gameId })).url, { bypassCSP });
      expect(game.faults).toEqual([]);
      expect(game.elements).toBe(0);
      expect(game.text).toContain(title.slice(0, 5));
    }
  },
);

test('hostile launch paths of a provider open a web page or the usual one, and never a script', async () => {
  for (const launchPath of LAUNCH_PATHS) {
    await applyCatalogue(house.pool, house.connection, [
      { ...GAMES[0]!, launchPath },
      ...GAMES.slice(1),
    ]);
    for (const bypassCSP of [false, true]) {
      const { faults, frames } = await look((await openGame({ game_id: '11' })).url, { bypassCSP });
      expect(frames).toHaveLength(1);
      expect(new URL(frames[0] ?? '').protocol).toMatch(/^https?:$/);
      expect(faults).toEqual([]);
    }
  }
  await applyCatalogue(house.pool, house.connection, GAMES);
});

test('the result of a round shows a hostile game as text', async () => {
  const { id, token } = player;
  const stake = { token, player: id, round: '7001', transaction: '7001', amount: '5' };
  expect(await house.provider.credit(stake)).toMatchObject({ code: 0 });
  const { rows } = await house.pool.query<{ id: string }>('SELECT id FROM bets');
  const links = createLinks({
    publicBaseUrl: house.baseUrl,
    key: house.office.vault.linkSigningKey,
    clock: systemClock,
  });
  const round = await house.roundOf(id, '7001');
  for (const url of [links.roundUrl(rows[0]?.id ?? ''), links.operatorUrl(round.id)]) {
    for (const bypassCSP of [false, true]) {
      const { faults, text, elements } = await look(url, { bypassCSP });
      expect(faults).toEqual([]);
      expect(text).toContain(SCRIPT);
      expect(elements).toBe(0);
    }
  }
});

test('a hostile language, token or player opens no page', async () => {
  for (const language of [SCRIPT, '"onload=hit()', 'en;x', '\u202een']) {
    expect((await openGame({ game_id: '11', language })).status).toBe(400);
  }
  expect((await openGame({ game_id: '11', user_agent: `LAG1.${SCRIPT}` })).status).toBe(400);
  for (const path of [
    '/launch?token=',
    '/lobby?token=',
    '/rounds/',
    '/operator/rounds/',
    '/launch?lobby=',
  ]) {
    const url = house.baseUrl + path + encodeURIComponent(`${SCRIPT}${BREAK_OUT}`);
    const { faults, text } = await look(url, { bypassCSP: true });
    expect(faults).toEqual([]);
    expect(text).not.toContain('hit()');
  }
});

const HOSTS = ['casino.example.com', 'xn--bcher-kva.example', 'play.example.com:8443'];
const REFUSED = [
  'javascript:hit()',
  'JavaScript://casino.example.com/%0ahit()',
  'data:text/html,<script>hit()</script>',
  '//casino.example.com/',
  'https:casino.example.com',
  'https:\\\\casino.example.com/',
  'https://player@casino.example.com/',
  'https://casino.example.com@evil.example/',
  'https://casino.example.com:x@evil.example/',
  'https://casino.example.com.evil.example/',
  'https://casino.example.com%2eevil.example/',
  'https://casino.example.com./',
  'https://evil.example\\@casino.example.com/',
  'https://evil.example#@casino.example.com/',
  'https://evil.example/?https://casino.example.com/',
  'https://bücher.example.evil.example/',
  'https://casinο.example.com/',
  'https://play.example.com/',
  'https://[::1]/',
];
const KEPT: Readonly<Record<string, string>> = {
  'HTTPS://CASINO.Example.COM/a': 'https://casino.example.com/a',
  'https://ⓒasino.example.com/': 'https://casino.example.com/',
  'https://bücher.example/': 'https://xn--bcher-kva.example/',
  'https://casino.example.com:9443/': 'https://casino.example.com:9443/',
  'https://play.example.com:8443/': 'https://play.example.com:8443/',
  'https://casino.example.com\\@evil.example/': 'https://casino.example.com/@evil.example/',
  'https://casino.example.com/"><script>hit()</script>':
    'https://casino.example.com/%22%3E%3Cscript%3Ehit()%3C/script%3E',
  'https://casino.example.com/#"onclick="hit()': 'https://casino.example.com/#%22onclick=%22hit()',
};

test('an open redirect: no spelling of a foreign host or a script passes for a host of the partner', async () => {
  await updatePartner(house.office, 'LAG1', { settings: { redirect_hosts: HOSTS } });
  for (const redirect_url of REFUSED) {
    const { status } = await openGame({ game_id: '11', redirect_url });
    expect([redirect_url, status]).toEqual([redirect_url, 400]);
  }
  for (const [redirect_url, kept] of Object.entries(KEPT)) {
    const launch = await openGame({ game_id: '11', redirect_url });
    expect([redirect_url, launch.status]).toEqual([redirect_url, 200]);
    const { faults, links } = await look(launch.url, { bypassCSP: true });
    expect(faults).toEqual([]);
    expect(links).toEqual([kept]);
  }
});

test("clickjacking: a launch is shown in frames of the partner's own hosts only, once it has named them", async () => {
  await updatePartner(house.office, 'LAG1', { settings: { redirect_hosts: HOSTS } });
  const { url } = await openGame({ game_id: '11' });
  // Browsers keep pages of the world from frames of this machine: ours gets a name of the world as well.
  const ours = 'http://roundhouse.example';
  const framedAt = async (origin: string) => {
    const page = await browser.newPage();
    await page.route(`${ours}/**`, async (route) => {
      const address = route.request().url().replace(ours, house.baseUrl);
      await route.fulfill({ response: await route.fetch({ url: address }) });
    });
    await page.route(`${origin}/**`, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<iframe src="${url.replace(house.baseUrl, ours)}"></iframe>`,
      }),
    );
    await page.goto(`${origin}/`, { waitUntil: 'load' });
    const shown = await page.frameLocator('iframe').locator('h1').count();
    await page.close();
    return shown;
  };
  expect(await framedAt('http://casino.example.com')).toBe(1);
  expect(await framedAt('http://casino.example.com:8000')).toBe(1);
  expect(await framedAt('http://evil.example')).toBe(0);
  expect(await framedAt('http://play.example.com')).toBe(0);
  await updatePartner(house.office, 'LAG1', { settings: { redirect_hosts: null } });
  const { url: free } = await openGame({ game_id: '11' });
  const policy = (await fetch(free)).headers.get('content-security-policy');
  expect(policy).not.toContain('frame-ancestors');
});

test('sniffing and storing: every answer says nosniff and no-store, and HSTS over https only', async () => {
  const answers = await Promise.all(
    ['/game/list', '/health/live', '/launch', '/nothing', '/providers/sandbox/Credit'].map((path) =>
      fetch(house.baseUrl + path, { headers: { 'x-forwarded-proto': 'https' } }),
    ),
  );
  for (const { headers } of answers) {
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    // A forged header makes no https of it.
    expect(headers.get('strict-transport-security')).toBeNull();
  }
  const behindProxy = Fastify({ trustProxy: '127.0.0.1' });
  await behindProxy.register(answerHeaders);
  behindProxy.get('/', () => ({}));
  const secured = await behindProxy.inject({ url: '/', headers: { 'x-forwarded-proto': 'https' } });
  expect(secured.headers['strict-transport-security']).toBe('max-age=31536000');
  const { headers } = await fetch(`${house.baseUrl}${fileUrl('pages')}`);
  expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
});
