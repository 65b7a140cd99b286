import type { Browser, Page } from 'playwright-core';
import type { ShownRound } from '../../src/db/show-round';
import { createCasinoVisit, DESK, HAND, type CasinoVisit } from '../support/casino-visit';
import { eventually } from '../support/eventually';
import { runCli } from '../support/four-books';
import { loadPictures } from '../support/page-watch';
import { betsOf, openGame, setFault } from '../support/sandbox-tools';
import type { TestStack } from '../support/stack';

/** Takes a finished picture: its file's name and its bytes. */
type Keep = (name: string, png: Buffer) => void;
/** Takes a page in both themes, under a name. */
type Take = (page: Page, name: string) => Promise<void>;

const GAMES = ['11', '12', '21', '22', '31', '32'];

/** What is played before the pictures are taken; the last is what the game shows. */
const PLAYED = ['loss_closed', 'bonus', 'win_closed'];

/** Every page on a desk and in a hand, light and dark, and a round in the Temporal UI. */
export async function takePictures(stack: TestStack, browser: Browser, keep: Keep): Promise<void> {
  for (const device of ['desk', 'hand'] as const) {
    const context = await browser.newContext({
      ...(device === 'desk' ? DESK : HAND),
      reducedMotion: 'reduce',
      timezoneId: 'UTC',
    });
    const player = device === 'desk' ? 'demo1' : 'clara';
    const visit = createCasinoVisit(
      stack,
      await context.newPage(),
      device === 'desk' ? 'mouse' : 'touch',
    );
    const take = taker(device, keep);
    const betId = await takeCasino(stack, visit, take, player);
    await takeRoundhouse(stack, visit.page, take, betId);
    for (const game of GAMES) await takeGame(stack, visit, take, game);
    await context.close();
    if (device === 'desk') keep('temporal.png', await temporalPicture(stack, browser, betId));
  }
}

function taker(device: 'desk' | 'hand', keep: Keep): Take {
  return async (page, name) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
      keep(`${name}${device === 'desk' ? '' : '-hand'}-${colorScheme}.png`, png);
    }
  };
}

/** The casino's pages; answers the bet of the last round that was played. */
async function takeCasino(
  stack: TestStack,
  visit: CasinoVisit,
  take: Take,
  player: string,
): Promise<string> {
  const { page } = visit;
  const goTo = (path: string) => page.goto(new URL(path, visit.storefront).href);
  await goTo('/');
  await take(page, 'sign-in');
  await visit.signIn(player);
  await loadPictures(page);
  await take(page, 'storefront');
  const table = await visit.play('Aurora Nights');
  await visit.steer(table, PLAYED);
  for (const _ of PLAYED) await visit.spin(table);
  await take(page, 'game');
  const handle = `${stack.demo().partner.prefix}.${player}`;
  const betId = await eventually(async () => {
    const last = (await betsOf(stack, handle)).at(-1);
    if (!last?.ended) throw new Error('the last bet has not ended');
    return last.bet_id;
  });
  await goTo('/history');
  await take(page, 'history');
  await goTo('/book');
  await page.getByTestId('call').nth(2).locator('summary').click();
  await take(page, 'wallet-book');
  await goTo('/book?part=ledger');
  await take(page, 'wallet-ledger');
  await setFault(stack, { endpoint: 'bet', mode: 'lose_answer', count: 2 });
  await goTo('/switchboard');
  await take(page, 'switchboard');
  await setFault(stack, { endpoint: 'bet', mode: 'none' });
  await goTo('/topup');
  await take(page, 'top-up');
  await goTo(`/history/${betId}`);
  await take(page, 'round');
  return betId;
}

/** Our own pages. */
async function takeRoundhouse(
  stack: TestStack,
  page: Page,
  take: Take,
  betId: string,
): Promise<void> {
  const { link } = runCli(stack, ['round', 'show', betId, '--link']).json as { link: string };
  await page.goto(link);
  await take(page, 'round-operator');
  await page.goto((await openGame(stack, 'demo1', '0')).url);
  await loadPictures(page);
  await take(page, 'lobby');
  await page.goto(`${stack.demo().api}/launch?token=${'a'.repeat(43)}`);
  await take(page, 'failure');
}

/** A game with a win on its reels, and its paytable. */
async function takeGame(
  stack: TestStack,
  visit: CasinoVisit,
  take: Take,
  game: string,
): Promise<void> {
  const { page } = visit;
  await page.goto((await openGame(stack, 'demo1', game)).url);
  const table = await visit.table();
  await visit.steer(table, ['win_closed']);
  await visit.spin(table);
  await take(page, `game-${game}`);
  await visit.press(table.getByRole('button', { name: 'What wins' }));
  await table.getByRole('dialog').waitFor();
  await take(page, `paytable-${game}`);
}

async function temporalPicture(stack: TestStack, browser: Browser, betId: string): Promise<Buffer> {
  const { round } = runCli(stack, ['round', 'show', betId]).json as ShownRound;
  const page = await browser.newPage({ viewport: { width: 1400, height: 950 } });
  try {
    const id = encodeURIComponent(round.workflow_id);
    const ui = `http://127.0.0.1:${String(stack.ports.TEMPORAL_UI_PORT)}`;
    await page.goto(`${ui}/namespaces/default/workflows/${id}`);
    await page.getByText('Timeline').first().waitFor();
    // A page that is not ours: it says nowhere that it has drawn everything.
    await page.waitForTimeout(3_000);
    return await page.screenshot({ animations: 'disabled' });
  } finally {
    await page.close();
  }
}
