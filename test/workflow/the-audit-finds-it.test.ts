import { audit } from '../../src/db/audit';
import { startRoundhouse, type TestRoundhouse } from '../support/roundhouse';

let house: TestRoundhouse;
beforeAll(async () => {
  house = await startRoundhouse();
  const player = await house.newPlayer();
  const call = { token: player.token, player: player.id };
  await house.provider.credit({ ...call, round: '1', transaction: '1', amount: '5', close: true });
  await house.provider.credit({ ...call, round: '2', transaction: '2', amount: '4' });
  await house.provider.debit({ ...call, round: '2', transaction: '3', amount: '9', close: true });
  await house.ended(player.id, '1');
  await house.ended(player.id, '2');
});
afterAll(() => house?.close());

/** What the audit says of a book in which one statement was run behind its back; the book is whole again after. */
async function contradictionsAfter(statement: string): Promise<string[]> {
  const client = await house.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query("SET LOCAL session_replication_role = 'replica'"); // triggers stay out of it
    const { rowCount } = await client.query(statement);
    expect(rowCount).toBeGreaterThan(0);
    const { ok, contradictions } = await audit(client);
    expect(ok).toBe(contradictions.length === 0);
    return contradictions.map((one) => one.rule);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

test('a book that nobody touched agrees with itself, to the cent', async () => {
  const report = await audit(house.pool);
  expect(report.contradictions).toEqual([]);
  expect(report.ok).toBe(true);
  const money = { staked: '9', paid: '9' };
  expect(report.days).toMatchObject([
    { partner: 'LAG1', provider: money, book: money, wallet: money, history: money, open: 0 },
  ]);
  expect(report.open).toMatchObject({ 'calls owed': 0, 'rounds open': 0, 'cases open': 0 });
});

test.each([
  [
    'an answer 0 for a stake that failed',
    "UPDATE bets SET decision = 'failed' WHERE stake = 500",
    'code 0 leaves only for a stake that is done and confirmed',
  ],
  [
    'a stake that is done without its call',
    "UPDATE obligations SET status = 'open' WHERE verb = 'take'",
    'a stake is done exactly when its call is done',
  ],
  [
    'a call that no attempt confirmed',
    "DELETE FROM attempts WHERE verb = 'give'",
    'a done call has an attempt that the wallet confirmed',
  ],
  [
    'bytes with another amount than the book',
    `UPDATE obligations SET payload = replace(payload, '"balance":9', '"balance":90') WHERE verb = 'give'`,
    'the bytes sent carry the amounts of the book',
  ],
  [
    'a payout that was never given',
    'UPDATE bets SET paid = false WHERE payout = 900',
    'a paid payout was given once, on one bet',
  ],
  [
    'a stake of another amount than was answered',
    'UPDATE operations SET amount = amount + 1 WHERE amount = 500',
    'the four books agree at rest',
  ],
  [
    'a record that tells another win',
    `UPDATE obligations SET payload = replace(payload, '"receive_balance":9', '"receive_balance":8')
      WHERE verb = 'report' AND payload LIKE '%"receive_balance":9%'`,
    'a round at rest owes nothing',
  ],
  [
    'an operation behind no gate',
    'DELETE FROM operation_keys',
    'every operation is behind the gate',
  ],
  [
    'a journal line that was rewritten',
    "UPDATE journal SET facts = replace(facts, '500', '501') WHERE facts LIKE '%500%'",
    'the journal is a chain',
  ],
  [
    'a journal whose last line is gone',
    'DELETE FROM journal j USING rounds r WHERE j.round_id = r.id AND j.hash = r.journal_head',
    'the journal is a chain',
  ],
])('it finds %s', async (_, statement, rule) => {
  expect(await contradictionsAfter(statement)).toContain(rule);
});
