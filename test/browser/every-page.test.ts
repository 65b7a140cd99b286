/**
 * Every page as a browser, a screen reader and a slow line meet it: on a desk and in a hand, light and dark. What is
 * looked at is listed once, below; what is found is told per page, all of it at once.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startBrowser } from '../support/browser';
import { createCasinoVisit, DESK, HAND, type CasinoVisit } from '../support/casino-visit';
import { eventually } from '../support/eventually';
import { runCli } from '../support/four-books';
import {
  axeFindings,
  loadPictures,
  shiftsOf,
  sidewaysScroll,
  watchPages,
  type Surface,
} from '../support/page-watch';
import { betsOf, openGame, setFault } from '../support/sandbox-tools';
import { createTestStack, type TestStack } from '../support/stack';

/** One start of everything and of a browser on a small machine. */
jest.setTimeout(300_000);

/** Of everything a page needs on a first visit: html, styles, scripts and pictures. */
const WEIGHT_MAX = 100 * 1024;
const NARROWEST = { width: 320, height: 640 };
const GAMES = ['11', '12', '21', '22', '31', '32'];

let stack: TestStack;
let browser: Browser;
/** Somebody who is signed in and has played a loss, a win and a bonus round. */
let guest: Awaited<ReturnType<BrowserContext['storageState']>>;
let betId: string;

beforeAll(async () => {
  stack = await createTestStack();
  await stack.start();
  browser = await startBrowser();
  const page = await browser.newPage({ reducedMotion: 'reduce' });
  const visit = createCasinoVisit(stack, page, 'mouse');
  await visit.signIn();
  const table = await visit.play('Winter Lantern');
  await visit.steer(table, ['loss_closed', 'win_closed', 'bonus']);
  for (let round = 0; round < 3; round++) await visit.spin(table);
  await eventually(async () => {
    const bets = await betsOf(stack, `${stack.demo().partner.prefix}.demo1`);
    if (bets.length < 4 || bets.some(({ ended }) => !ended)) throw new Error('not at rest yet');
    betId = bets.at(-1)?.bet_id ?? '';
  });
  guest = await page.context().storageState();
  await page.close();
  await setFault(stack, { endpoint: 'history', mode: 'slow', count: 5, delay_ms: 100 });
});
afterAll(async () => {
  await browser?.close();
  await stack?.dispose();
});

/** Opens a page and answers the surface that is looked at. */
type Open = (visit: CasinoVisit) => Promise<Surface>;

const at =
  (path: string): Open =>
  async ({ page, storefront }) => {
    await page.goto(new URL(path, storefront).href);
    return page;
  };
const ofApi =
  (path: string): Open =>
  async ({ page }) => {
    await page.goto(stack.demo().api + path);
    return page;
  };
const launched = async ({ page }: CasinoVisit, gameId: string) =>
  page.goto((await openGame(stack, 'demo1', gameId)).url);
const dialog =
  (name: string): Open =>
  async (visit) => {
    await launched(visit, GAMES[0] ?? '');
    const table = await visit.table();
    await table.getByRole('button', { name }).click();
    await table.getByRole('dialog').waitFor();
    return table;
  };

const PAGES: Record<string, Open> = {
  'the sign-in page': async (visit) => {
    await visit.page.context().clearCookies();
    return at('/')(visit);
  },
  'the games': at('/'),
  'a search that finds nothing': at('/?q=nothing+like+it'),
  'the bet history': at('/history'),
  "the wallet's callbacks": at('/book'),
  "the wallet's double entry": at('/book?part=ledger'),
  'the switchboard': at('/switchboard'),
  'the top-up': at('/topup'),
  "the casino's page of a bet that it does not know": at('/history/000000000000000000000000'),
  "the casino's page around a game": async (visit) => {
    await visit.home();
    await visit.play('Winter Lantern');
    return visit.page;
  },
  'the launch page': async (visit) => {
    await launched(visit, GAMES[0] ?? '');
    await visit.table();
    return visit.page;
  },
  'the launch page of a game that stays away': async (visit) => {
    await visit.page.route(/\/game\?/, () => undefined);
    await visit.page.clock.install();
    await visit.page.goto((await openGame(stack, 'demo1', '11')).url, { waitUntil: 'commit' });
    await visit.page.getByText('Opening the game').waitFor();
    await visit.page.clock.fastForward(40_000);
    await visit.page.getByRole('link', { name: 'Try again' }).first().waitFor();
    return visit.page;
  },
  'the lobby': async (visit) => {
    await visit.page.goto((await openGame(stack, 'demo1', '0')).url);
    return visit.page;
  },
  'a launch link that is not complete': ofApi('/launch'),
  'a launch link that nobody knows': ofApi(`/launch?token=${'a'.repeat(43)}`),
  'a result link that was changed': ofApi('/rounds/000000000000000000000000?expires=1&signature=1'),
  "a round's page": async (visit) => {
    await at(`/history/${betId}`)(visit);
    await visit.page.getByRole('region', { name: 'Result' }).waitFor();
    return visit.page;
  },
  "a round's page in an operator's eyes": async ({ page }) => {
    const { link } = runCli(stack, ['round', 'show', betId, '--link']).json as { link: string };
    await page.goto(link);
    return page;
  },
  ...Object.fromEntries(
    GAMES.map((gameId): [string, Open] => [
      `game ${gameId}`,
      async (visit) => {
        await launched(visit, gameId);
        return visit.table();
      },
    ]),
  ),
  "a game's paytable": dialog('What wins'),
  "a game's last spins": dialog('Last spins'),
};

test.each(Object.entries(PAGES))(
  '%s: axe finds nothing serious, nothing jumps, nothing is refused by the policy, below 100 KB, from 320 px on',
  async (_, open) => {
    const context = await browser.newContext({
      ...DESK,
      storageState: guest,
      reducedMotion: 'reduce',
      colorScheme: 'light',
    });
    const watch = await watchPages(context);
    const page = await context.newPage();
    try {
      const surface = await open(createCasinoVisit(stack, page, 'mouse'));
      const found: Record<string, string[]> = { jumps: await shiftsOf(surface) };
      await loadPictures(surface);
      const weight = await watch.weightOf(surface);
      if (weight > WEIGHT_MAX) found.weight = [`${String(weight)} bytes`];
      for (const look of LOOKS) found[look] = await lookAt(page, surface, look);
      await page.setViewportSize(NARROWEST);
      found['320 px'] = await sidewaysScroll(surface);
      found.problems = watch.problems();
      expect(onlyFull(found)).toEqual({});
    } finally {
      await context.close();
    }
  },
);

const LOOKS = ['light desk', 'dark desk', 'dark hand', 'light hand'] as const;

async function lookAt(page: Page, surface: Surface, look: (typeof LOOKS)[number]) {
  await page.setViewportSize((look.endsWith('hand') ? HAND : DESK).viewport);
  await page.emulateMedia({ colorScheme: look.startsWith('light') ? 'light' : 'dark' });
  return axeFindings(surface);
}

const onlyFull = (found: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(found).filter(([, findings]) => findings.length > 0));
