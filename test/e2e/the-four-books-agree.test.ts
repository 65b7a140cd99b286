import { sleep } from '../../src/lib/clock';
import { eventually } from '../support/eventually';
import { play, readFourBooks, runCli, runningRounds } from '../support/four-books';
import { createTestStack, type TestStack } from '../support/stack';

/** Two starts of everything and hundreds of rounds on a small machine. */
jest.setTimeout(900_000);

const ROUNDS = Number(process.env.FOUR_BOOKS_ROUNDS ?? 120);
const ROUNDS_UNDER_KILL = Number(process.env.FOUR_BOOKS_ROUNDS_UNDER_KILL ?? 60);

let stack: TestStack;
beforeAll(async () => {
  stack = await createTestStack();
  await stack.start();
});
afterAll(() => stack?.dispose());

async function expectAgreement(): Promise<void> {
  // At rest: nothing unanswered, nothing owed. Compensated stakes count on both sides of the wallet.
  await eventually(async () => {
    const now = await readFourBooks(stack);
    expect(now.providerUnanswered).toBe(0);
    expect(now.audit.open).toMatchObject({
      'calls owed': 0,
      'undecided stakes': 0,
      'payouts owed': 0,
    });
  }, 90_000);
  const books = await readFourBooks(stack);
  expect(books.audit.contradictions).toEqual([]);
  expect(books.provider).toEqual(books.ours);
  expect(books.history).toEqual(books.wallet);
  const net = (side: { staked: string; paid: string }) =>
    Math.round((Number(side.staked) - Number(side.paid)) * 100);
  expect(net(books.wallet)).toBe(net(books.ours));
  expect(books.walletBalanced).toBe(true);
  expect(books.walletViolations).toBe(0);
}

test('rounds of every shape leave the same money in all four books', async () => {
  const { code, summary } = await play(stack, [
    '--rounds',
    String(ROUNDS),
    '--seed',
    '41',
    '--players',
    '4',
    '--concurrency',
    '4',
  ]).ended;
  expect({ code, summary }).toMatchObject({ code: 0 });
  await expectAgreement();
});

test('a SIGKILL of everything in the middle of rounds loses nothing and doubles nothing', async () => {
  const run = play(stack, [
    '--rounds',
    String(ROUNDS_UNDER_KILL),
    '--seed',
    '42',
    '--players',
    '4',
    '--concurrency',
    '4',
  ]);
  const before = (await readFourBooks(stack)).audit.rounds;
  await eventually(async () => {
    const { audit } = await readFourBooks(stack);
    expect(audit.rounds).toBeGreaterThan(before + ROUNDS_UNDER_KILL / 4);
  }, 120_000);
  await stack.killEverything();
  run.kill();
  await run.ended;

  await stack.start();
  await expectAgreement();
  expect(runCli(stack, ['audit']).code).toBe(0);

  // Open are exactly the rounds that the provider has not closed and no later stake has followed.
  await sleep(1_000);
  await eventually(async () => {
    const open = (await readFourBooks(stack)).audit.open['rounds open'];
    expect(await runningRounds(stack)).toHaveLength(open ?? -1);
  }, 60_000);
});
