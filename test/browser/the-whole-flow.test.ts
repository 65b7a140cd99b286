/**
 * What a player and a casino's operator do with the pages, in a real browser: everything is played as people play
 * it, and after each round the game, the casino, its wallet's book and the round's page tell the same money.
 */
import { Client, Connection } from '@temporalio/client';
import type { Browser, Locator, Page } from 'playwright-core';
import type { AuditReport } from '../../src/db/audit';
import type { ShownRound } from '../../src/db/show-round';
import { sleep } from '../../src/lib/clock';
import { startBrowser } from '../support/browser';
import {
  amountIn,
  balanceAt,
  createCasinoVisit,
  DESK,
  HAND,
  noticeAt,
  spinButton,
  untilStill,
  type CasinoVisit,
  type Hands,
} from '../support/casino-visit';
import { eventually } from '../support/eventually';
import { readFourBooks, runCli } from '../support/four-books';
import { shiftsOf, watchPages, type PageWatch, type Surface } from '../support/page-watch';
import { betsOf, type WalletBet } from '../support/sandbox-tools';
import { createTestStack, type TestStack } from '../support/stack';

/** One start of everything and of a browser on a small machine. */
jest.setTimeout(300_000);

/** Below it is a label in the middle that is as wide as its new words; nothing else has moved. */
const SHIFT_MAX = 0.01;

let stack: TestStack;
let browser: Browser;

beforeAll(async () => {
  stack = await createTestStack();
  await stack.start();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stack?.dispose();
});

/** A player who is new to the casino, signed in, and what the browser holds against the pages meanwhile. */
async function arrive(
  hands: Hands,
  player: string,
): Promise<{ visit: CasinoVisit; watch: PageWatch }> {
  const context = await browser.newContext({
    ...(hands === 'touch' ? HAND : DESK),
    // Reels that turn are drawn without a graphics card here: once is enough to see them.
    reducedMotion: player === 'walk-mouse' ? 'no-preference' : 'reduce',
  });
  const watch = await watchPages(context);
  const visit = createCasinoVisit(stack, await context.newPage(), hands);
  await visit.signIn(player);
  return { visit, watch };
}

/** Sums in cents, so that no digit is lost on the way. */
const cents = (text: string): number => Math.round(Number(text) * 100);
const sumOf = (amounts: readonly string[]): number =>
  amounts.reduce((sum, amount) => sum + cents(amount), 0);

const WAYS: [string, Hands][] = [
  ['with a mouse on a desk', 'mouse'],
  ['by touch, 390 px wide', 'touch'],
  ['with the keyboard alone', 'keyboard'],
];

test.each(WAYS)(
  '%s a player signs in, finds a game in the lobby, plays a loss, a win and a bonus round, and every page and book shows the same money',
  async (_, hands) => {
    const { visit, watch } = await arrive(hands, `walk-${hands}`);
    const { page } = visit;
    expect(await balanceAt(page)).toBe('1000.00');
    const table = await visit.openFromLobby('Aurora Slots', 'Winter Lantern');
    await visit.steer(table, ['loss_closed', 'win_closed', 'bonus']);
    const moved: number[] = [];
    for (let before = 100_000, round = 0; round < 3; round++) {
      await visit.spin(table);
      const after = cents(await balanceAt(table));
      moved.push(after - before);
      before = after;
    }
    const [loss, win] = moved;
    expect(loss).toBe(-100);
    expect(win).toBeGreaterThan(-100);
    const balance = await balanceAt(table);
    expect((await shiftsOf(table)).filter((shift) => parseFloat(shift) > SHIFT_MAX)).toEqual([]);

    // The casino's own pages.
    await visit.home();
    expect(await balanceAt(page)).toBe(balance);
    await visit.press(page.getByTestId('book-link'));
    await visit.press(page.getByTestId('ledger-tab'));
    await page.waitForURL(/part=ledger/);
    const movements = page.getByTestId('movement');
    const booked = await eachText(movements, '[data-label="Amount"]');
    expect(sumOf(booked)).toBe(cents(balance));
    expect(amountIn(await movements.first().locator('[data-label="Balance"]').innerText())).toBe(
      balance,
    );

    // Each round's page, behind the links of the bet history.
    await visit.press(page.getByTestId('history-link'));
    const rounds = await readRounds(visit, 3);
    expect(rounds.map(({ result }) => result)).toEqual(moved);
    expect(watch.problems()).toEqual([]);

    // Our book, and the hand that drove it.
    for (const { betId, result } of rounds) expect(movedInOurBook(betId)).toBe(result);
    expect(await toldByItsWorkflow(rounds[1]?.betId ?? '')).toContain('bet-end sent');
    await page.context().close();
  },
);

/** What the round of a bet moved, by our own book. */
function movedInOurBook(betId: string): number {
  const { operations } = runCli(stack, ['round', 'show', betId]).json as ShownRound;
  return operations
    .filter(({ answer }) => answer === 'accepted')
    .reduce((sum, { kind, amount }) => sum + (kind === 'stake' ? -1 : 1) * cents(amount), 0);
}

/** What the workflow of a bet's round says that it did, once it has ended. */
async function toldByItsWorkflow(betId: string): Promise<unknown> {
  const { round } = runCli(stack, ['round', 'show', betId]).json as ShownRound;
  const connection = await Connection.connect({
    address: `127.0.0.1:${String(stack.ports.TEMPORAL_PORT)}`,
  });
  try {
    return await new Client({ connection }).workflow.getHandle(round.workflow_id).result();
  } finally {
    await connection.close();
  }
}

/** A fault of the switchboard, and what a player is to see of it. */
interface FaultCase {
  readonly mode: string;
  readonly endpoint: 'bet' | 'settle-bet';
  /** What the game says in the end; nothing when it went well. */
  readonly says: RegExp;
  readonly isRefused?: boolean;
}

/** As the switchboard calls them. */
const FAULT_NAMES: Record<string, string> = {
  slow: 'Slow',
  error500: 'Error 500',
  hang: 'Hang',
  lose_answer: 'Lose the answer',
  decline: 'Decline',
};

/** What stands on the screen when a spin went well. */
const NOTHING = /^$/;

const FAULTS: FaultCase[] = [
  { mode: 'slow', endpoint: 'bet', says: NOTHING },
  { mode: 'error500', endpoint: 'bet', says: NOTHING },
  { mode: 'hang', endpoint: 'bet', says: NOTHING },
  { mode: 'lose_answer', endpoint: 'bet', says: NOTHING },
  {
    mode: 'decline',
    endpoint: 'bet',
    says: /not enough money.*Nothing was taken/is,
    isRefused: true,
  },
  { mode: 'slow', endpoint: 'settle-bet', says: NOTHING },
  { mode: 'error500', endpoint: 'settle-bet', says: NOTHING },
  { mode: 'hang', endpoint: 'settle-bet', says: NOTHING },
  { mode: 'lose_answer', endpoint: 'settle-bet', says: NOTHING },
  // Refused, a win stays owed; the provider has its answer at the deadline all the same.
  { mode: 'decline', endpoint: 'settle-bet', says: NOTHING },
];

describe('the switchboard of faults', () => {
  let visit: CasinoVisit;
  let watch: PageWatch;
  let table: Surface;
  let board: Page;
  const player = () => `${stack.demo().partner.prefix}.faulty`;

  beforeAll(async () => {
    ({ visit, watch } = await arrive('mouse', 'faulty'));
    board = await visit.page.context().newPage();
    await board.goto(`${stack.demo().storefront}/switchboard`);
    table = await visit.play('Winter Lantern');
  });

  async function switchOn({
    mode,
    endpoint,
    count = 1,
  }: Pick<FaultCase, 'mode' | 'endpoint'> & { count?: number }) {
    await board.getByTestId(`mode-${mode}`).check();
    await board.locator(`input[name=endpoint][value=${endpoint}]`).check();
    await board.getByTestId('count').fill(String(count));
    await board.getByTestId('switch-on').click();
    await board.getByTestId(`fault-${endpoint}`).waitFor();
  }

  /** The bet of the last spin at the wallet, once nothing of it is to come any more. */
  async function lastBetAtRest(count: number): Promise<WalletBet> {
    return eventually(async () => {
      const bets = await betsOf(stack, player());
      expect(bets).toHaveLength(count);
      const last = bets.at(-1);
      if (!last?.ended) throw new Error('the last bet has not ended');
      return last;
    }, 30_000);
  }

  test.each(FAULTS)(
    '$mode at /$endpoint: the right words, and the money is right',
    async ({ mode, endpoint, says, isRefused = false }) => {
      const before = cents(await balanceAt(board));
      const bets = (await betsOf(stack, player())).length;
      await switchOn({ mode, endpoint });
      await visit.steer(table, ['win_closed']);
      await visit.spin(table);
      expect(await noticeAt(table)).toMatch(says);
      let expected = before;
      if (isRefused) expect(await betsOf(stack, player())).toHaveLength(bets);
      else {
        const { bet, settled, win_balance } = await lastBetAtRest(bets + 1);
        expect(settled).toBe(win_balance);
        expected += cents(settled ?? '0') - cents(bet);
      }
      expect(cents(await balanceAt(table))).toBe(expected);
      // The casino's bar follows by itself, and the board says what its wallet did and that it is over.
      await eventually(async () => expect(cents(await balanceAt(board))).toBe(expected));
      await board.getByText('All well.').waitFor();
      const calls = board.getByTestId('call').filter({ hasText: `/${endpoint}` });
      await calls
        .filter({ hasText: FAULT_NAMES[mode] ?? mode })
        .first()
        .waitFor();
    },
  );

  test('a spin whose answer is unknown says so and what becomes of the money, and ends by itself when the answer comes', async () => {
    const before = cents(await balanceAt(board));
    const bets = (await betsOf(stack, player())).length;
    await switchOn({ mode: 'hang', endpoint: 'bet', count: 100 });
    await visit.steer(table, ['win_closed']);
    await visit.press(spinButton(table));
    await eventually(async () => expect(await noticeAt(table)).toMatch(/being checked/i), 30_000);
    expect(cents(await balanceAt(table))).toBe(before);
    await board.getByTestId('switch-off-bet').click();
    await untilStill(table);
    expect(await noticeAt(table)).toMatch(NOTHING);
    const { bet, settled } = await lastBetAtRest(bets + 1);
    const after = before + cents(settled ?? '0') - cents(bet);
    expect(cents(await balanceAt(table))).toBe(after);
    await eventually(async () => expect(cents(await balanceAt(board))).toBe(after));
  });

  test('a stake that was taken for a spin that is refused is given back, as the game says and the round page shows', async () => {
    const before = cents(await balanceAt(board));
    const bets = (await betsOf(stack, player())).length;
    const settings = { answer_deadline_ms: 1_500, revive_window_ms: 500 };
    const { key } = stack.demo().connection;
    runCli(stack, ['connection', 'update', key, '--settings', JSON.stringify(settings)]);
    // Until then a process may go by the old ones (SPEC §6).
    await sleep(5_000);
    await switchOn({ mode: 'lose_answer', endpoint: 'bet', count: 100 });
    await visit.steer(table, ['win_closed']);
    await visit.spin(table);
    expect(await noticeAt(table)).toMatch(/could not take your stake.*gives? .*back/is);
    await board.getByTestId('switch-off-bet').click();
    const { bet, settled, win_balance } = await lastBetAtRest(bets + 1);
    expect([settled, win_balance]).toEqual([bet, bet]);
    await eventually(async () => expect(cents(await balanceAt(board))).toBe(before));
    await board.goto(`${stack.demo().storefront}/history`);
    await board.locator('[data-testid^="round-"]').first().click();
    const story = board.locator('main');
    await eventually(async () => {
      await board.reload();
      expect(await story.innerText()).toMatch(/Stake given back.*cancel each other out/s);
    });
    expect(
      amountIn(await board.getByRole('region', { name: 'Result' }).locator('strong').innerText()),
    ).toBe('0.00');
  });

  test('after all of them no book contradicts another, and the pages had no error of their own', async () => {
    const report = runCli(stack, ['audit']).json as AuditReport;
    expect(report).toMatchObject({ ok: true, contradictions_found: 0 });
    const books = await readFourBooks(stack);
    expect(books).toMatchObject({
      walletBalanced: true,
      walletViolations: 0,
      providerUnanswered: 0,
    });
    expect(books.wallet).toEqual(books.history);
    expect(watch.problems()).toEqual([]);
  });
});

/** The texts of one part of each row, as amounts. */
async function eachText(rows: Locator, part: string): Promise<string[]> {
  return (await rows.locator(part).allInnerTexts()).map(amountIn);
}

interface ReadRound {
  /** One of its bets. */
  readonly betId: string;
  /** What the round's page says it moved, in cents. */
  readonly result: number;
}

/** Opens the page of each round in the bet history, the oldest first; a round of several bets is read once. */
async function readRounds(visit: CasinoVisit, count: number): Promise<ReadRound[]> {
  const { page } = visit;
  const links = page.locator('[data-testid^="round-"]');
  const rounds = new Map<string, ReadRound>();
  for (let index = 0; rounds.size < count; index++) {
    // The history follows the book by itself: a bet that is reported late appears without a reload.
    const link = links.nth(index);
    await link.waitFor();
    const betId = (await link.getAttribute('data-testid'))?.slice('round-'.length) ?? '';
    await visit.press(link);
    const result = page.getByRole('region', { name: 'Result' });
    await result.waitFor();
    await eventually(async () => {
      await page.reload();
      expect(await page.locator('main').innerText()).toContain(
        'Everything of this round is settled',
      );
    });
    const moved = cents(amountIn(await result.locator('strong').innerText()));
    const events = await page.locator('.event strong.rh-money').allInnerTexts();
    expect(sumOf(events.map(amountIn))).toBe(moved);
    const round = await result.locator('dt:text-is("Round") + dd').innerText();
    rounds.set(round, { betId, result: moved });
    await page.goBack();
  }
  return [...rounds.values()].reverse();
}
