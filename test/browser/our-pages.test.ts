/**
 * Launch, lobby and round page in a real Chromium, over a real book: what a player sees while a game opens or does
 * not, what one finds by keyboard, and that nothing jumps. The provider at the other end is the test's own.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { authorizeSession, endSession, sessionByToken } from '../../src/db/sessions';
import { startBrowser } from '../support/browser';
import { startTestPages, type TestPages } from '../support/test-pages';
import { insertRound, TOLD_ROUNDS } from '../support/told-rounds';

const TITLES = ['Aurora', 'Étoile Rouge', ...Array.from({ length: 8 }, (_, n) => `Mine ${n}`)];
const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>';

let pages: TestPages;
let browser: Browser;
let provider: Server;
let base: string;
/** Games that the provider does not answer yet: their requests wait here. */
const waiting: (() => void)[] = [];
let answersAtOnce = true;

beforeAll(async () => {
  provider = createServer(({ url = '' }, response) => {
    if (url.startsWith('/icon')) {
      return void response.setHeader('content-type', 'image/svg+xml').end(PICTURE);
    }
    const answer = () =>
      void response.setHeader('content-type', 'text/html').end('<button>Spin</button>');
    if (answersAtOnce) answer();
    else waiting.push(answer);
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const providerUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  [pages, browser] = await Promise.all([
    startTestPages({ publicBaseUrl: '', providerUrl }),
    startBrowser(),
  ]);
  await pages.offer(
    TITLES.map((title, n) => ({
      gameId: String(11 + n),
      title,
      iconUrl: `${providerUrl}/icon${n}`,
    })),
  );
  await pages.app.listen({ host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${(pages.app.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await browser?.close();
  await pages?.close();
  provider?.closeAllConnections();
  provider?.close();
});
beforeEach(() => {
  answersAtOnce = true;
  waiting.length = 0;
});

const problems: string[] = [];

/** A page whose console must stay silent, and whose layout must not move. */
async function open(path: string, options: BrowserContextOptions & { fake?: boolean } = {}) {
  const { fake = false, ...context } = options;
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...context });
  problems.length = 0;
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.addInitScript(`
    window.moved = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  `);
  if (fake) await page.clock.install();
  await page.goto(base + path, { waitUntil: answersAtOnce ? 'load' : 'commit' });
  return page;
}

async function close(page: Page): Promise<void> {
  expect(await page.evaluate('window.moved')).toBe(0);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThan(1);
  expect(problems).toEqual([]);
  await page.close();
}

async function check(token: string): Promise<void> {
  const { session } = (await sessionByToken(pages.pool, token))!;
  expect(await authorizeSession(pages.pool, session, 60_000, Date.now())).toBe(true);
}

describe('a launch', () => {
  test('says how far it has come, and then leaves the window to the game', async () => {
    answersAtOnce = false;
    const { token } = await pages.launch();
    const page = await open(`/launch?token=${token}`);
    const status = page.getByRole('status');
    await page.getByText('Opening the game').waitFor();
    expect(await page.locator('.rh-timeline-good').allInnerTexts()).toEqual([
      'Your session is ready',
    ]);
    await check(token);
    await page.getByText('Your session is checked').waitFor();
    for (const answer of waiting) answer();
    await page.frameLocator('#game').getByRole('button', { name: 'Spin' }).click();
    await status.getByText('The game is open', { exact: true }).waitFor();
    await close(page);
  });

  test('gives the game the focus, but not somebody who is on the way out', async () => {
    answersAtOnce = false;
    const { token } = await pages.launch();
    await check(token);
    for (const keys of [[], ['Tab']]) {
      const page = await open(`/launch?token=${token}`);
      await page.getByRole('status').waitFor();
      for (const key of keys) await page.keyboard.press(key);
      for (const answer of waiting.splice(0)) answer();
      // The page asks once more when the frame has loaded.
      await page.locator('.launch-opened').waitFor({ state: 'attached' });
      const focused = await page.evaluate('document.activeElement.tagName');
      expect(focused).toBe(keys.length === 0 ? 'IFRAME' : 'A');
      await close(page);
    }
  });

  test('that the provider has not checked fails with the likely cause, a masked address and ways on', async () => {
    const { token } = await pages.launch();
    const page = await open(`/launch?token=${token}`, { fake: true });
    await page.clock.runFor(7_000);
    const panel = page.getByRole('region', { name: 'The game did not open' });
    await panel.waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('not_checked');
    const text = await panel.innerText();
    expect(text).toContain('Support code: not_checked ');
    expect(text).toContain('token=***');
    expect(text).not.toContain(token);
    await panel.getByText('what to check').click();
    await panel.getByText('partner_api_url').waitFor();
    expect(await panel.getByRole('link', { name: 'Back to the casino' }).count()).toBe(1);
    // Nothing keeps a player from what the provider has shown.
    await panel.getByRole('button', { name: "Show the game's page" }).click();
    await page.frameLocator('#game').getByRole('button', { name: 'Spin' }).click();
    await close(page);
  });

  test('that is checked but does not load says so, after it has asked for patience', async () => {
    answersAtOnce = false;
    const { token } = await pages.launch();
    await check(token);
    const page = await open(`/launch?token=${token}`, {
      fake: true,
      viewport: { width: 320, height: 640 },
    });
    await page.getByRole('status').waitFor();
    await page.clock.runFor(9_000);
    await page.getByText('This takes longer than usual').waitFor();
    await page.clock.runFor(22_000);
    await page.getByRole('heading', { name: 'The game does not load' }).waitFor();
    expect(await page.locator('#opening').isVisible()).toBe(false);
    await close(page);
  });

  test('whose session ends meanwhile shows why, as the server tells it', async () => {
    answersAtOnce = false;
    const { token } = await pages.launch();
    const page = await open(`/launch?token=${token}`);
    await page.getByRole('status').waitFor();
    await endSession(pages.pool, (await sessionByToken(pages.pool, token))!.session, Date.now());
    await page.getByRole('heading', { name: 'This session is over' }).waitFor();
    await page.close();
  });

  test('of a demo waits for no check, and without scripts a game opens as well', async () => {
    const { token } = await pages.launch({ isDemo: true, currency: 'DMO' });
    for (const javaScriptEnabled of [true, false]) {
      const page = await browser.newPage({ javaScriptEnabled });
      await page.goto(`${base}/launch?token=${token}`, { waitUntil: 'load' });
      await page.frameLocator('#game').getByRole('button', { name: 'Spin' }).click();
      await page.close();
    }
  });
});

describe('the lobby', () => {
  test('is searched and opened with nothing but a keyboard', async () => {
    const { token } = await pages.launch({ gameId: '0' });
    const page = await open(`/lobby?token=${token}`, { viewport: { width: 390, height: 844 } });
    const names = () => page.getByRole('button').allInnerTexts();
    expect(await names()).toHaveLength(TITLES.length);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type('etoile');
    expect(await page.getByRole('status').innerText()).toBe('1 of 10 games');
    expect(await page.getByRole('button', { name: 'Étoile Rouge', exact: true }).count()).toBe(1);
    expect(await page.getByRole('button').count()).toBe(1);
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).pathname).toBe('/lobby');
    expect(await page.evaluate('window.moved')).toBe(0);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Étoile Rouge' }).waitFor();
    expect(await page.getByRole('link', { name: 'All games' }).count()).toBe(1);
    await close(page);
  });

  test.each([320, 3840])('is as wide as the window and no wider: %i px', async (width) => {
    const { token } = await pages.launch({ gameId: '0' });
    const page = await open(`/lobby?token=${token}`, { viewport: { width, height: 900 } });
    const picture = await page.getByRole('button', { name: 'Aurora' }).boundingBox();
    expect(picture?.width).toBeGreaterThan(120);
    await close(page);
  });
});

describe("a round's page", () => {
  test('is printed without its bar and button, black on white in the dark theme as well', async () => {
    const owed = TOLD_ROUNDS.owed();
    await insertRound(pages, owed);
    const page = await open(pages.links.roundUrl(owed.betId), { colorScheme: 'dark' });
    await page.getByRole('button', { name: 'Print' }).waitFor();
    expect(await page.evaluate('window.moved')).toBe(0);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.getByRole('button', { name: 'Print' }).isVisible()).toBe(false);
    const paper = await page.evaluate(`(() => {
      const root = getComputedStyle(document.documentElement);
      const ink = getComputedStyle(document.body).color;
      return [ink, root.colorScheme, root.getPropertyValue('--rh-surface')];
    })()`);
    expect(paper).toEqual(['rgb(0, 0, 0)', 'light', '#ffffff']);
    expect(await page.getByText('The win of 5.00 EUR').isVisible()).toBe(true);
    expect(problems).toEqual([]);
    await page.close();
  });

  test.each([320, 3840])(
    "the operator's fits into %i px; its tables scroll by keyboard",
    async (width) => {
      const round = await insertRound(pages, TOLD_ROUNDS.owed());
      const page = await open(pages.links.operatorUrl(round), { viewport: { width, height: 900 } });
      const table = page.getByRole('region', { name: 'Registers of each bet' });
      await table.focus();
      expect(await page.evaluate('document.activeElement.tabIndex')).toBe(0);
      await close(page);
    },
  );
});

test('with reduced motion nothing turns', async () => {
  answersAtOnce = false;
  const { token } = await pages.launch();
  for (const reducedMotion of ['reduce', 'no-preference'] as const) {
    const page = await open(`/launch?token=${token}`, { reducedMotion });
    await page.locator('.rh-turntable').waitFor();
    const name = await page.evaluate(
      `getComputedStyle(document.querySelector('.rh-turntable')).animationName`,
    );
    expect(name).toBe(reducedMotion === 'reduce' ? 'none' : 'rh-turn');
    await page.close();
  }
});
