import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Browser, Frame, Page } from 'playwright-core';
import { startBrowser } from '../support/browser';
import { eventually } from '../support/eventually';
import { runCli } from '../support/four-books';
import { createTestStack, type TestStack } from '../support/stack';
import type { ShownRound } from '../../src/db/show-round';

/** One start of everything and of a browser on a small machine. */
jest.setTimeout(300_000);

/** Where the pictures of the README go when they are made anew; unset, none are made. */
const PICTURES = process.env.SCREENSHOTS_DIR;

let stack: TestStack;
let browser: Browser;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  stack = await createTestStack();
  await stack.start();
  browser = await startBrowser();
  page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
});
afterAll(async () => {
  await browser?.close();
  await stack?.dispose();
});

async function picture(name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

async function gameFrame(): Promise<Frame> {
  return eventually(async () => {
    const frame = page.frames().find((one) => new URL(one.url()).pathname === '/game');
    if (!frame) throw new Error('the game is not in the page yet');
    await frame.getByTestId('spin').waitFor();
    return frame;
  });
}

/** Makes the sandbox provider draw these shapes next: what comes is then known, how it is played is not. */
async function steer(frame: Frame, shapes: readonly string[]): Promise<void> {
  const session = await frame.locator('body').getAttribute('data-play');
  const base = `http://127.0.0.1:${String(stack.ports.SANDBOX_PROVIDER_PORT)}`;
  const response = await fetch(`${base}/sandbox/sessions/${session ?? ''}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ shapes, seed: '7' }),
  });
  expect(response.status).toBe(200);
}

async function spin(frame: Frame): Promise<string> {
  const button = frame.getByTestId('spin');
  await button.click();
  await eventually(async () => expect(await button.isEnabled()).toBe(true), 30_000);
  return frame.getByTestId('result').innerText();
}

const amountOf = (text: string) => /-?\d+\.\d\d/.exec(text)?.[0];

test('a player signs in, plays a loss and a win, and every page and book shows the same money', async () => {
  await page.goto(stack.demo().storefront);
  await page.getByTestId('login-demo').click();
  await page.getByTestId('balance').waitFor();
  expect(await page.getByTestId('balance').innerText()).toContain('1000.00');
  await picture('storefront');

  await page.locator('[data-testid="play-11"]').click();
  const frame = await gameFrame();
  await steer(frame, ['loss_closed', 'win_closed']);
  await spin(frame);
  expect(amountOf(await frame.getByTestId('balance').innerText())).toBe('999.00');
  const result = await spin(frame);
  const won = amountOf(result.replace(/^.*won/i, ''));
  const shown = amountOf(await frame.getByTestId('balance').innerText());
  expect(Number(shown)).toBeCloseTo(998 + Number(won), 2);
  expect(await frame.getByTestId('error').isVisible()).toBe(false);
  await picture('game');

  // The wallet's own page, then the round's page behind its link.
  await page.getByText('Back to casino').click();
  await eventually(async () => {
    await page.goto(stack.demo().storefront);
    expect(amountOf(await page.getByTestId('balance').innerText())).toBe(shown);
  });
  await page.getByTestId('history-link').click();
  const bets = page.locator('[data-testid^="bet-"]');
  await eventually(async () => {
    await page.reload();
    expect(await bets.count()).toBe(2);
    expect(await bets.first().innerText()).toContain(won ?? '?');
  });
  const link = page.locator('[data-testid^="round-"]').first();
  const betId = (await link.getAttribute('data-testid'))?.slice('round-'.length) ?? '';
  await link.click();
  await page.getByText('Still owed').waitFor();
  const story = await page.locator('main').innerText();
  expect(story).toContain('Aurora Nights');
  expect(story).toContain(won ?? '?');
  await picture('round');

  // Ours, and the workflow of the same round.
  const round = await eventually(() => {
    const { json } = runCli(stack, ['round', 'show', betId]);
    const told = json as ShownRound;
    expect(told.round).toMatchObject({ status: 'closed', closed_by: 'provider', due_at: null });
    return told;
  });
  expect(round.operations.map(({ kind, answer }) => [kind, answer])).toEqual([
    ['stake', 'accepted'],
    ['payout', 'accepted'],
  ]);
  expect(Number(round.operations[1]?.amount)).toBeCloseTo(Number(won), 2);
  const connection = await Connection.connect({
    address: `127.0.0.1:${String(stack.ports.TEMPORAL_PORT)}`,
  });
  const handle = new Client({ connection }).workflow.getHandle(round.round.workflow_id);
  expect((await handle.describe()).status.name).toBe('COMPLETED');
  expect(await handle.result()).toContain('bet-end sent');
  await connection.close();
  if (PICTURES !== undefined) {
    const id = encodeURIComponent(round.round.workflow_id);
    await page.setViewportSize({ width: 1400, height: 1250 });
    await page.goto(
      `http://127.0.0.1:${String(stack.ports.TEMPORAL_UI_PORT)}/namespaces/default/workflows/${id}`,
    );
    await page.getByText('Timeline').first().waitFor();
    await page.waitForTimeout(3_000);
    await picture('temporal');
  }
  expect(problems).toEqual([]);
});

test('the lobby opens a game of its product', async () => {
  await page.goto(stack.demo().storefront);
  await page.locator('[data-testid^="lobby-"]').first().click();
  await page.locator('button[name="game_id"]').first().click();
  const frame = await gameFrame();
  expect(amountOf(await frame.getByTestId('balance').innerText())).toBeDefined();
});

test('on a phone the launch goes straight to the game', async () => {
  const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await phone.goto(stack.demo().storefront);
  await phone.getByTestId('login-demo').click();
  await phone.locator('[data-testid="play-mobile-11"]').click();
  await phone.getByTestId('spin').waitFor();
  expect(new URL(phone.url()).pathname).toBe('/game');
  await phone.close();
});
