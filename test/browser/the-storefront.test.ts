import type { Browser, Page } from 'playwright-core';
import { startBrowser } from '../support/browser';
import { eventually } from '../support/eventually';
import { createTestCasino, historyRecord, signed, type TestCasino } from '../support/test-casino';

let casino: TestCasino;
let browser: Browser;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  casino = await createTestCasino();
  const picture = { game_image: '', is_active: true };
  casino.answers['/game/list'] = {
    is_item: true,
    items: [
      { game_id: '11', game_name: 'Plum Tree', ...picture },
      { game_id: '12', game_name: 'Cherry Lane', ...picture },
    ],
  };
  browser = await startBrowser();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(casino.base);
});
afterAll(async () => {
  await browser?.close();
  await casino?.close();
});

const byId = (id: string) => page.getByTestId(id);
const reads = (id: string, text: string) =>
  eventually(async () => expect(await byId(id).innerText()).toContain(text));
/** The mark that a page which was loaded anew would not have any more. */
const mark = () => page.evaluate(`document.body.dataset.mark = 'here'`);
const setHidden = (hidden: boolean) =>
  page.evaluate(`
    Object.defineProperty(document, 'hidden', { value: ${String(hidden)}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
const isMarked = () => page.evaluate<boolean>(`document.body.dataset.mark === 'here'`);

test('the balance moves while a callback moves money, and bet and callback appear, without a reload', async () => {
  await byId('login-demo').click();
  await reads('balance', '1000.00 EUR');
  await reads('live', 'Live');
  await mark();
  const id = casino.newBet();
  await casino.bet('LAG1.demo1', id, 5);
  await reads('balance', '995.00 EUR');
  expect(await isMarked()).toBe(true);

  await byId('history-link').click();
  await page.getByText('Nothing played yet').waitFor();
  await mark();
  await casino.wallet('history', historyRecord('LAG1.demo1', id));
  await byId(`bet-${id}`).waitFor();
  expect(await page.getByText('Nothing played yet').count()).toBe(0);
  await casino.settle('LAG1.demo1', id, 5, 20);
  const update = { type: 'update', receive_balance: 20, winlose: 15 };
  await casino.wallet('history', historyRecord('LAG1.demo1', id, update));
  await reads(`bet-${id}`, '+15.00 EUR');
  await reads('balance', '1015.00 EUR');
  expect(await isMarked()).toBe(true);

  await byId('book-link').click();
  await mark();
  await casino.bet('LAG1.demo1', id, 5);
  const call = page.getByTestId('call').first();
  await eventually(async () => expect(await call.innerText()).toContain('repeat'));
  expect(await isMarked()).toBe(true);
  await call.locator('summary').click();
  expect(await call.innerText()).toContain('Signature verified');
  expect(await call.innerText()).toContain(id);
  const payload = { user_agent: 'LAG1.demo1', balance: 5, bet_id: casino.newBet() };
  await casino.post('/wallet/bet', signed(payload).replace('"balance":5', '"balance":9'));
  await eventually(async () =>
    expect(await page.getByTestId('signature').first().innerText()).toContain('signature wrong'),
  );
  await byId('ledger-tab').click();
  await reads('balanced', 'balanced');
  expect(await page.getByTestId('movement').count()).toBe(3);
});

test('a page that was hidden or lost its line shows what it missed', async () => {
  await byId('callbacks-tab').click();
  await reads('live', 'Live');
  await mark();
  const before = await page.getByTestId('call').count();
  await page.context().setOffline(true);
  await setHidden(true);
  for (let i = 0; i < 3; i++) await casino.bet('LAG1.demo1', casino.newBet(), 1);
  await page.context().setOffline(false);
  await setHidden(false);
  await eventually(async () => expect(await page.getByTestId('call').count()).toBe(before + 3));
  await reads('balance', '1012.00 EUR');
  expect(await isMarked()).toBe(true);
});

test('each fault is set on the page, is explained there, shows while it lasts and what it did', async () => {
  await byId('switchboard-link').click();
  await reads('faults', 'All well');
  const faults = [
    ['slow', 'Slow', '200'],
    ['error500', 'Error 500', '500'],
    ['hang', 'Hang', 'no answer'],
    ['lose_answer', 'Lose the answer', 'no answer'],
    ['decline', 'Decline', '402'],
  ] as const;
  for (const [mode, name, answer] of faults) {
    const choice = page.locator('label', { has: byId(`mode-${mode}`) });
    expect(await choice.innerText()).toContain('Roundhouse');
    await choice.click();
    expect(await byId('delay').isVisible()).toBe(mode === 'slow');
    if (mode === 'slow') await byId('delay').fill('0.1');
    await byId('switch-on').click();
    await reads('fault-bet', name);
    await mark();
    const body = signed({ user_agent: 'LAG1.demo1', balance: 1, bet_id: casino.newBet() });
    const headers = { 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(1_000);
    await fetch(`${casino.base}/wallet/bet`, { method: 'POST', headers, body, signal }).catch(
      () => undefined,
    );
    await reads('faults', 'All well');
    const call = page.getByTestId('call').first();
    await eventually(async () => expect(await call.innerText()).toContain(name));
    expect(await call.innerText()).toContain(answer);
    expect(await isMarked()).toBe(true);
  }
  // Slow and lost answers were booked, the others were not.
  await reads('balance', '1010.00 EUR');
  await byId('count').fill('7');
  await byId('switch-on').click();
  await reads('fault-bet', 'the next 7 calls');
  await byId('switch-off-bet').click();
  await reads('faults', 'All well');
});

test('games are found while one types, and a top-up arrives', async () => {
  await byId('games-link').click();
  await byId('search').fill('cherry');
  await reads('found', '1 game found');
  expect(await byId('play-11').isVisible()).toBe(false);
  expect(await byId('play-12').isVisible()).toBe(true);
  await page.reload();
  expect(await byId('play-11').isVisible()).toBe(false);
  await byId('search').fill('');
  await byId('play-11').waitFor();
  await byId('topup-link').click();
  await byId('topup-amount').fill('12.5');
  await byId('topup').click();
  await reads('topped-up', '12.50 EUR added');
  await reads('balance', '1022.50 EUR');
});

test('with the keyboard alone one signs in, sets a fault and tops up; a narrow window scrolls down only', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await byId('logout').focus();
  await page.keyboard.press('Enter');
  await byId('login-clara').waitFor();
  await byId('login-clara').focus();
  await page.keyboard.press('Enter');
  await reads('balance', '25000.00 EUR');
  expect(await byId('play-11').isVisible()).toBe(false);
  expect(await byId('play-mobile-11').isVisible()).toBe(true);

  await page.reload();
  await page.keyboard.press('Tab');
  expect(await page.evaluate<string>('document.activeElement.textContent')).toContain('Skip');
  await page.keyboard.press('Enter');
  expect(await page.evaluate<string>('document.activeElement.id')).toBe('main');

  await byId('switchboard-link').focus();
  await page.keyboard.press('Enter');
  await byId('mode-slow').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await reads('fault-bet', 'Error 500');
  await byId('switch-off-bet').focus();
  await page.keyboard.press('Enter');
  await reads('faults', 'All well');

  await byId('topup-link').focus();
  await page.keyboard.press('Enter');
  await byId('topup-100').focus();
  await page.keyboard.press('Enter');
  await reads('balance', '25100.00 EUR');

  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 700 });
    for (const path of ['/', '/history', '/book', '/book?part=ledger', '/switchboard', '/topup']) {
      await page.goto(casino.base + path);
      const excess = await page.evaluate<number>(
        'document.documentElement.scrollWidth - window.innerWidth',
      );
      expect([path, width, Math.max(0, excess)]).toEqual([path, width, 0]);
    }
  }
});

test('without script the same pages work', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto(casino.base);
  // Each step sends a form: the page before it may still be up when the step is done.
  const says = (id: string, text: string) =>
    eventually(async () => expect(await plain.getByTestId(id).innerText()).toContain(text));
  await plain.getByTestId('login-penny').click();
  await plain.getByTestId('search').fill('cherry');
  await plain.keyboard.press('Enter');
  await says('found', '1 game found');
  await plain.getByTestId('topup-link').click();
  await plain.getByTestId('topup-10').click();
  await says('balance', '13.00 EUR');
  await plain.getByTestId('switchboard-link').click();
  await plain.getByTestId('mode-decline').check();
  await plain.getByTestId('switch-on').click();
  await says('fault-bet', 'Decline');
  await plain.getByTestId('switch-off-bet').click();
  await context.close();
});

test('no page broke a policy or threw', () => {
  // Going offline is reported by the browser as a failed load.
  expect(problems.filter((text) => !text.includes('net::ERR_'))).toEqual([]);
});
