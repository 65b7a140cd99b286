import type { CaseView } from '../../src/db/cases';
import { watchAnswers } from '../../src/db/unseen-answers';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { createTestCli, type TestCli } from '../support/test-cli';
import type { MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let json: TestCli['json'];
let player: TestPlayer;
let stakes = 0;

beforeAll(async () => {
  house = await startRoundhouse({
    connection: { answer_deadline_ms: 15_000, revive_window_ms: 60_000 },
  });
  ({ json } = createTestCli(house.pool));
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));
// Each test's answers are its own.
afterEach(() =>
  house.pool.query('UPDATE operations SET answer_seen_at = now() WHERE answer_written_at IS NULL'),
);

const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: String(7_000 + ++stakes),
  amount: '40',
  ...of,
});

/** As if the process had died between the answer's commit and its last byte, some time ago. */
async function unseen(stake: MoneyCall, ago = '2 hours'): Promise<void> {
  await eventually(async () => {
    const { rowCount } = await house.pool.query(
      `UPDATE operations SET answer_written_at = NULL, deadline_at = deadline_at - $2::interval
        WHERE transaction_ref = $1 AND answer_written_at IS NOT NULL`,
      [stake.transaction, ago],
    );
    expect(rowCount).toBe(1);
  });
}

const caseOf = async () => {
  const { cases } = await json<{ cases: CaseView[] }>('cases', 'list', '--status', 'all');
  return cases.filter((row) => row.player === player.userAgent);
};

test('an answer that nobody noted as written is listed once, and closed by the repeat that gets it', async () => {
  const stake = call();
  await house.provider.credit(stake);
  await unseen(stake);
  expect(await watchAnswers(house.book)).toEqual({ opened: 1, closed: 0 });
  expect(await watchAnswers(house.book)).toEqual({ opened: 0, closed: 0 });
  expect(await caseOf()).toMatchObject([
    {
      kind: 'answer_not_seen',
      status: 'open',
      amount: '40',
      currency: 'EUR',
      evidence: { transaction: stake.transaction, balance: '960' },
    },
  ]);
  expect(await house.provider.credit(stake)).toMatchObject({ code: 0 });
  await eventually(async () => {
    await watchAnswers(house.book);
    expect(await caseOf()).toMatchObject([{ status: 'resolved', resolution: 'seen' }]);
  });
  expect(await json('audit')).toMatchObject({ ok: true, contradictions: [] });
});

test.each([
  ['a payout of its round', () => house.provider.debit(call({ amount: '10' }))],
  ['a later stake of its session', () => house.provider.credit(call({ round: '13' }))],
])('the case of such an answer is closed by %s', async (_, sign) => {
  const stake = call();
  await house.provider.credit(stake);
  await unseen(stake);
  await watchAnswers(house.book);
  expect(await caseOf()).toMatchObject([{ kind: 'answer_not_seen', status: 'open' }]);
  expect(await sign()).toMatchObject({ code: 0 });
  await watchAnswers(house.book);
  expect(await caseOf()).toMatchObject([{ status: 'resolved', resolution: 'seen' }]);
});

test('an answer that nobody noted as written is no case where the sign came first, nor inside the time a provider may take', async () => {
  const seen = call();
  await house.provider.credit(seen);
  await unseen(seen);
  await house.provider.debit(call({ amount: '10' }));
  expect(await watchAnswers(house.book)).toEqual({ opened: 0, closed: 0 });
  player = await house.newPlayer();
  const early = call();
  await house.provider.credit(early);
  await unseen(early, '1 minute');
  expect(await watchAnswers(house.book)).toEqual({ opened: 0, closed: 0 });
  expect(await caseOf()).toEqual([]);
});
