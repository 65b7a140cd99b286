/**
 * The sandbox provider's games in a real Chromium, against a partner that does whatever a test wants:
 * what a player sees and hears of wins, losses and bonus rounds, and what is said of the money when a
 * stake is refused or its answer is lost.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createLogger } from '../../src/lib/log';
import { GAMES } from '../../src/sandbox/web-games/catalogue';
import type { Shape } from '../../src/sandbox/web-games/engine';
import type { SpinView } from '../../src/sandbox/web-games/spin-view';
import {
  createWebGamesService,
  type WebGamesService,
} from '../../src/sandbox/web-games/web-games-service';
import { startBrowser } from '../support/browser';
import { eventually } from '../support/eventually';
import { createFakePartner, type FakePartner } from '../support/fake-partner';
import { createEmptyDatabase, type TestDatabase } from '../support/postgres';

/** A browser on a small machine takes its time. */
jest.setTimeout(60_000);

/** Without motion most tests see the same in a tenth of the time; those of motion say so. */
const DESKTOP: BrowserContextOptions = {
  viewport: { width: 1280, height: 800 },
  reducedMotion: 'reduce',
};
const PHONE: BrowserContextOptions = {
  ...DESKTOP,
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
};

let database: TestDatabase;
let partner: FakePartner;
let provider: WebGamesService;
let base: string;
let browser: Browser;
let opened: Page[] = [];
/** What the browser complained of: scripts that failed, addresses that the page's policy refused. */
let complaints: string[] = [];
let launches = 0;

beforeAll(async () => {
  [database, partner, browser] = await Promise.all([
    createEmptyDatabase(),
    createFakePartner(),
    startBrowser(),
  ]);
  provider = createWebGamesService({
    databaseUrl: database.url,
    log: createLogger('test', 'silent'),
    poolMax: 5,
    partner: { partnerId: '7', apiKey: 'secret', partnerApiUrl: partner.url },
    settings: { answerTimeoutMs: 400, delayScale: 0.05, doubtMs: 100, spinWaitMs: 600 },
  });
  base = (await provider.listen(0)).url;
});

afterAll(async () => {
  await browser?.close();
  await provider?.close();
  await partner?.close();
  await database?.drop();
});

beforeEach(() => partner.reset());

afterEach(async () => {
  await Promise.all(opened.map((page) => page.context().close()));
  opened = [];
  const said = complaints;
  complaints = [];
  if (said.length > 0) throw new Error(`the browser complained: ${said.join('; ')}`);
});

interface Opened {
  readonly page: Page;
  readonly see: (testId: string) => ReturnType<Page['getByTestId']>;
  /** Presses the button and waits for the end of the round. */
  readonly spin: () => Promise<void>;
  readonly view: () => Promise<SpinView>;
}

async function open(
  options: {
    game?: number;
    shapes?: Shape[];
    currency?: string;
    context?: BrowserContextOptions;
  } = {},
): Promise<Opened> {
  const context = await browser.newContext(options.context ?? DESKTOP);
  const page = await context.newPage();
  opened.push(page);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  const currency = options.currency ?? 'EUR';
  const launch = {
    partner_id: '7',
    game_id: String(options.game ?? 11),
    currency,
    ...(currency === 'DMO' ? {} : { player_id: '42', token: `t${String(++launches)}` }),
  };
  await page.goto(`${base}/game?${new URLSearchParams(launch).toString()}`);
  const see = (testId: string) => page.getByTestId(testId);
  await isReady(page);
  const play = (await page.locator('body').getAttribute('data-play')) ?? '';
  if (options.shapes) {
    const response = await fetch(`${base}/sandbox/sessions/${play}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ shapes: options.shapes, seed: 'browser' }),
    });
    expect(response.status).toBe(200);
  }
  return {
    page,
    see,
    async spin() {
      await see('spin').click();
      await isReady(page);
    },
    view: async () => (await (await fetch(`${base}/play/${play}`)).json()) as SpinView,
  };
}

async function isReady(page: Page): Promise<void> {
  await eventually(async () => expect(await page.getByTestId('spin').isEnabled()).toBe(true));
}

/** The names of the drawings on the reels, row by row. */
async function reelsOn(page: Page): Promise<string[][]> {
  const columns = await inPage<string[][]>(
    page,
    `[...document.querySelectorAll('.reel')].map((reel) =>
       [...reel.querySelectorAll('img')].map((image) => image.src.replace(/^.*\\/|\\.svg$/g, '')))`,
  );
  return [0, 1, 2].map((row) => columns.map((column) => column[row] ?? ''));
}

/** Runs a script in the page. It is text, since this file is checked without a browser's names. */
function inPage<Result>(page: Page, script: string): Promise<Result> {
  return page.evaluate<Result>(script);
}

interface Box {
  readonly name: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Where the things stand that can be seen now. */
function boxesOf(page: Page, selector: string): Promise<Box[]> {
  return inPage<Box[]>(
    page,
    `[...document.querySelectorAll(${JSON.stringify(selector)})]
       .filter((element) => element.checkVisibility())
       .map((element) => {
         const { left, right, top, bottom } = element.getBoundingClientRect();
         return { name: element.id || element.className, left, right, top, bottom };
       })`,
  );
}

/** A wallet with a balance that every accepted call changes. */
function keepBalance(cents: number): () => string {
  let balance = cents;
  partner.answer(({ method, body }) => {
    const amount = Math.round(Number(body.amount ?? 0) * 100);
    if (method === 'Credit') balance -= amount;
    if (method === 'Debit') balance += amount;
    const text = (balance / 100).toFixed(2);
    const rest = method === 'Authorization' ? '"currency":"EUR",' : '';
    return { body: `{"code":0,"message":"Ok",${rest}"balance":${text}}` };
  });
  return () => `€${(balance / 100).toFixed(2)}`;
}

describe('a round', () => {
  test('a win lights its line and names it; the balance is the one the casino said', async () => {
    const balance = keepBalance(100_000);
    const { page, see, spin, view } = await open({ shapes: ['win_closed'] });
    expect(await see('balance').innerText()).toBe('€1000.00');
    await spin();
    const { round } = await view();
    const [shown] = round?.spins ?? [];
    expect(await reelsOn(page)).toEqual(shown?.reels);
    expect(await see('result').innerText()).toBe(`You won €${round?.win ?? ''}`);
    for (const { line } of shown?.wins ?? []) {
      expect(await page.locator(`polyline[data-line="${String(line)}"].on`).count()).toBe(1);
      expect(await see('detail').innerText()).toContain(`Line ${String(line)}: three`);
    }
    expect(await page.locator('.cell.lit').count()).toBeGreaterThanOrEqual(3);
    expect(await see('balance').innerText()).toBe(balance());
    // One sentence for those who listen, with everything in it.
    const heard = await see('announcement').textContent();
    expect(heard).toContain(`You won €${round?.win ?? ''}`);
    expect(heard).toContain(`Balance ${balance()}`);
  });

  test('a loss lights nothing and says so', async () => {
    const balance = keepBalance(5_000);
    const { page, see, spin } = await open({ game: 31, shapes: ['loss_closed'] });
    await spin();
    expect(await see('result').innerText()).toBe('No win this time.');
    expect(await page.locator('.lit, polyline.on').count()).toBe(0);
    expect([await see('balance').innerText(), balance()]).toEqual(['€49.00', '€49.00']);
  });

  test('a bonus round turns once for each of its stakes, and adds up', async () => {
    const balance = keepBalance(100_000);
    const context: BrowserContextOptions = { ...DESKTOP, reducedMotion: 'no-preference' };
    const { see, spin, view } = await open({ game: 22, shapes: ['bonus'], context });
    const played = spin();
    await see('bonus').getByText('Bonus round!').waitFor();
    await see('bonus')
      .getByText(/^Bonus spin 1 of [12]$/)
      .waitFor();
    expect(await see('result').innerText()).toMatch(/^(Stake of this spin: €\d\.00|This spin won)/);
    await played;
    const { round } = await view();
    expect(round?.spins?.length).toBeGreaterThan(1);
    expect(await see('result').innerText()).toBe(`Bonus: you won €${round?.win ?? ''}`);
    expect(await see('detail').innerText()).toBe(
      `${String(round?.spins?.length)} spins for €${round?.stake ?? ''} in all`,
    );
    expect(await see('bonus').isVisible()).toBe(false);
    expect(await see('balance').innerText()).toBe(balance());
  });

  test('the reels turn while the casino is asked, and a tap stops them sooner', async () => {
    partner.answer(({ method }) => (method === 'Credit' ? 'hang' : undefined));
    const context: BrowserContextOptions = { ...PHONE, reducedMotion: 'no-preference' };
    const { page, see } = await open({ shapes: ['loss_closed'], context });
    const turning = () =>
      inPage<number>(
        page,
        "document.getAnimations().filter((one) => one.playState === 'running').length",
      );
    await see('spin').tap();
    await eventually(async () => expect(await turning()).toBeGreaterThanOrEqual(3));
    partner.reset();
    await see('reels').tap();
    await isReady(page);
    expect(await page.locator('.reels.turning').count()).toBe(0);
  });

  test('without motion nothing turns, and the result is there at once', async () => {
    const { page, see, spin } = await open({ shapes: ['bonus'] });
    await inPage(
      page,
      `window.animated = 0;
       const animate = Element.prototype.animate;
       Element.prototype.animate = function (...rest) {
         window.animated++;
         return animate.apply(this, rest);
       };`,
    );
    await spin();
    expect(await inPage(page, 'window.animated')).toBe(0);
    const running = await inPage(page, 'document.getAnimations().length');
    expect([running, await see('result').innerText()]).toEqual([
      0,
      expect.stringMatching(/^Bonus/),
    ]);
  });
});

describe('what is said of the money', () => {
  test.each([
    [2, 'Your balance is too low for this stake', 'Nothing was taken.'],
    [4, 'You cannot play at the moment', 'Your stake of €1.00 was not taken'],
    [14, 'Your session has ended', 'your stake of €1.00 was not taken'],
    [1, 'The casino could not take your stake', 'your €1.00 is yours'],
  ])('a stake refused with code %i: %s', async (code, title, text) => {
    const { page, see, spin } = await open({ shapes: ['win_closed'] });
    const before = await reelsOn(page);
    partner.answer(() => ({ body: `{"code":${String(code)},"message":"no"}` }));
    await spin();
    expect(await see('error').isVisible()).toBe(true);
    expect(await see('error-title').innerText()).toBe(title);
    expect(await see('error-text').innerText()).toContain(text);
    expect(await see('result').innerText()).toBe('This spin did not count.');
    expect([await see('balance').innerText(), await reelsOn(page)]).toEqual(['€1000.50', before]);
    // Said until it was read; the next spin begins afresh.
    await page.keyboard.press('Escape');
    expect(await see('error').isVisible()).toBe(false);
    partner.reset();
    await spin();
    expect(await see('result').innerText()).toMatch(/^You won/);
  });

  test('a spin in doubt says so, outlives a reload, and resolves itself when the answer comes', async () => {
    const { page, see } = await open({ shapes: ['win_closed'] });
    partner.answer(() => 'reset');
    await see('spin').click();
    await see('error').getByText('Your spin is being checked', { exact: true }).waitFor();
    expect(await see('error-text').innerText()).toContain(
      'it is not known whether your stake of €1.00 was taken',
    );
    await page.reload();
    await see('error').getByText('Your spin is being checked', { exact: true }).waitFor();
    expect(await see('spin').isEnabled()).toBe(false);
    expect(await see('balance').innerText()).toBe('€1000.50');
    partner.answer(() => undefined);
    await isReady(page);
    expect(await see('result').innerText()).toMatch(/^You won €/);
    expect(await see('error').isVisible()).toBe(false);
    const stakes = partner.moneyCalls().filter(({ method }) => method === 'Credit');
    expect(new Set(stakes.map(({ body }) => body.transaction_id)).size).toBe(1);
  });

  test('a win that is not booked yet is named, and paid when the casino answers', async () => {
    const balance = keepBalance(10_000);
    const { page, see, view } = await open({ shapes: ['win_closed'] });
    partner.answer(({ method }) =>
      method === 'Debit' ? 'reset' : { body: '{"code":0,"message":"Ok","balance":99}' },
    );
    await see('spin').click();
    await see('error-text').getByText('will be paid as soon as the casino answers').waitFor();
    const { round } = await view();
    expect(await see('error-title').innerText()).toBe(`You won €${round?.win ?? ''}`);
    keepBalance(9_900);
    await isReady(page);
    expect(await see('result').innerText()).toBe(`You won €${round?.win ?? ''}`);
    expect(balance()).toBe('€100.00');
  });

  test('a spin whose answer was lost on the way is looked up, never sent again', async () => {
    const { page, see } = await open({ shapes: ['win_closed'] });
    await page.route('**/spin', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await see('spin').click();
    await isReady(page);
    expect(await see('result').innerText()).toMatch(/^You won €/);
    expect(partner.moneyCalls().filter(({ method }) => method === 'Credit')).toHaveLength(1);
    complaints = complaints.filter((text) => !text.includes('ERR_FAILED'));
  });

  test('a spin that never reached the server says that nothing was taken', async () => {
    const { page, see, spin } = await open();
    await page.route('**/spin', (route) => route.abort());
    await spin();
    expect(await see('error-text').innerText()).toContain('Nothing was taken');
    expect(partner.moneyCalls()).toEqual([]);
    complaints = complaints.filter((text) => !text.includes('ERR_FAILED'));
  });
});

describe('everybody can play', () => {
  test('with the keyboard only: spin, choose a stake, read the paytable and the last spins', async () => {
    const { page, see } = await open({ shapes: ['loss_closed', 'win_closed'] });
    await page.keyboard.press('Space');
    await see('result').getByText('No win this time.').waitFor();
    await isReady(page);
    const focus = () => inPage(page, 'document.activeElement.id');
    const tabTo = async (id: string) => {
      for (let tabs = 0; tabs < 12 && (await focus()) !== id; tabs++)
        await page.keyboard.press('Tab');
      expect(await focus()).toBe(id);
    };
    await tabTo('more');
    await page.keyboard.press('Enter');
    expect(await see('stake').inputValue()).toBe('2.00');
    expect(await see('announcement').textContent()).toBe('Stake €2.00');
    await tabTo('spin');
    await page.keyboard.press('Enter');
    await isReady(page);
    expect(await see('result').innerText()).toMatch(/^You won/);
    // The button was switched off meanwhile; it has the keyboard again.
    expect(await focus()).toBe('spin');

    await tabTo('paytable');
    await page.keyboard.press('Space');
    const fox = page.getByTestId('pays').getByRole('listitem').first();
    expect(await fox.innerText()).toContain('€40.00');
    await page.keyboard.press('Escape');
    expect([await page.locator('dialog[open]').count(), await focus()]).toEqual([0, 'paytable']);
    await tabTo('history');
    await page.keyboard.press('Enter');
    await see('history').waitFor();
    const rows = see('history').locator('tbody tr');
    expect(await rows.count()).toBe(2);
    expect(await rows.first().innerText()).toContain('€2.00');
    expect(await rows.last().innerText()).toContain('no win');
    await page.keyboard.press('Escape');
    expect(await focus()).toBe('history');
  });

  test('by touch at 390 px, with demo credits that are called so', async () => {
    const { page, see } = await open({
      currency: 'DMO',
      shapes: ['win_closed'],
      context: PHONE,
    });
    expect(await see('demo').innerText()).toBe('Demo');
    await see('spin').tap();
    await isReady(page);
    expect(await see('result').innerText()).toMatch(/^You won [\d.]+ credits$/);
    await page.locator('#paytable').tap();
    await page.getByRole('heading', { name: 'What wins' }).waitFor();
    expect(partner.calls).toEqual([]);
  });

  test.each([
    [320, 568],
    [844, 390],
    [3840, 2160],
  ])(
    'everything is in sight at %i by %i, and nothing is too small to hit',
    async (width, height) => {
      const { page, spin } = await open({
        game: 32,
        shapes: ['bonus'],
        // Laid out in full, painted in a quarter: a wall of pixels takes software seconds to paint.
        context: { ...DESKTOP, viewport: { width, height }, deviceScaleFactor: 0.25 },
      });
      await spin();
      const boxes = await boxesOf(page, 'button, select, .cabinet, .message, .amount');
      expect(boxes.length).toBeGreaterThan(8);
      for (const { name, left, right, top, bottom } of boxes) {
        const inside = left >= 0 && top >= 0 && right <= width && bottom <= height;
        expect([name, inside]).toEqual([name, true]);
        if (/^(spin|more|less|stake|sound|history|paytable)$/.test(name)) {
          expect([name, Math.min(right - left, bottom - top) >= 43]).toEqual([name, true]);
        }
      }
      const scrolls = await inPage(
        page,
        'document.documentElement.scrollWidth > document.documentElement.clientWidth',
      );
      expect(scrolls).toBe(false);
    },
  );

  test.each([
    ['the same', ['fire', 'fire', 'fire'], 'Lines 1, 2, 3: three camp fires €1.50 each'],
    [
      'each something else',
      ['fire', 'flake', 'fox'],
      'Line 1: three camp fires €1.50; Line 2: three snowflakes €1.50; Line 3: three foxes €1.50',
    ],
  ])('nothing moves on a phone when three lines won %s', async (_, symbols, said) => {
    const { page, see, spin } = await open({ shapes: ['win_closed'], context: PHONE });
    const wins = symbols.map((symbol, index) => ({ line: index + 1, symbol, won: '1.50' }));
    // One win in a hundred is of three lines; what the page does with it is what is asked here.
    await page.route('**/spin', async (route) => {
      const response = await route.fetch();
      const view = (await response.json()) as { round: { spins: { wins: unknown }[] } };
      for (const one of view.round.spins) one.wins = wins;
      await route.fulfill({ response, json: view });
    });
    const places = () => boxesOf(page, '.cabinet, .message, #spin, #stake, .money, .top');
    const before = await places();
    await spin();
    expect(await see('detail').innerText()).toBe(said);
    expect(await places()).toEqual(before);
  });

  test('nothing moves when something is said', async () => {
    const { page, spin } = await open({ shapes: ['win_closed', 'bonus'] });
    const places = () => boxesOf(page, '.cabinet, #spin, #stake, .money, .top');
    const before = await places();
    await spin();
    expect(await places()).toEqual(before);
    await spin();
    expect(await places()).toEqual(before);
    partner.answer(() => ({ body: '{"code":2,"message":"no"}' }));
    await spin();
    expect(await places()).toEqual(before);
  });

  test('no sound until it is asked for', async () => {
    const { page, spin } = await open({ shapes: ['win_closed'] });
    await inPage(
      page,
      `window.contexts = 0;
       window.AudioContext = class extends AudioContext {
         constructor() {
           super();
           window.contexts++;
         }
       };`,
    );
    const contexts = () => inPage(page, 'window.contexts');
    const sound = page.getByRole('button', { name: 'Sound' });
    expect(await sound.getAttribute('aria-pressed')).toBe('false');
    await spin();
    expect(await contexts()).toBe(0);
    await sound.click();
    expect([await sound.getAttribute('aria-pressed'), await contexts()]).toEqual(['true', 1]);
  });
});

test('each game is one light page of its own, from our own server only', async () => {
  const looks = new Set<string>();
  for (const { id, title } of GAMES) {
    const context = await browser.newContext(DESKTOP);
    const page = await context.newPage();
    let bytes = 0;
    const origins = new Set<string>();
    const bodies: Promise<void>[] = [];
    page.on('response', (response) => {
      origins.add(new URL(response.url()).origin);
      bodies.push(response.body().then((body) => void (bytes += body.length)));
    });
    const launch = { partner_id: '7', game_id: String(id), currency: 'DMO' };
    await page.goto(`${base}/game?${new URLSearchParams(launch).toString()}`);
    await isReady(page);
    await Promise.all(bodies);
    expect(await page.title()).toBe(title);
    expect([...origins]).toEqual([base]);
    expect(bytes).toBeGreaterThan(20_000);
    expect(bytes).toBeLessThan(100_000);
    const reels = await reelsOn(page);
    const accent = await inPage<string>(
      page,
      "getComputedStyle(document.getElementById('spin')).backgroundColor",
    );
    looks.add(`${accent} ${[...new Set(reels.flat())].sort().join()}`);
    await context.close();
  }
  expect(looks.size).toBe(GAMES.length);
});
