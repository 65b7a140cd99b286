import { audit, auditSnapshot, type AuditReport } from '../../src/db/audit';
import { lastSeal, sealChangedHeads, type Seal } from '../../src/db/seals';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';

let house: TestRoundhouse;
let player: TestPlayer;
let transactions = 0;
const next = () => String(++transactions);

beforeAll(async () => {
  // Time enough on a slow machine: what is settled here must be accepted.
  house = await startRoundhouse({ connection: { answer_deadline_ms: 15_000 } });
  player = await house.newPlayer();
  const call = { token: player.token, player: player.id };
  await house.provider.credit({
    ...call,
    round: '1',
    transaction: next(),
    amount: '5',
    close: true,
  });
  await house.ended(player.id, '1');
  await sealChangedHeads(house.pool);
  await house.provider.credit({ ...call, round: '2', transaction: next(), amount: '4' });
  await house.provider.debit({
    ...call,
    round: '2',
    transaction: next(),
    amount: '9',
    close: true,
  });
  await house.ended(player.id, '2');
  await sealChangedHeads(house.pool);
  // Amounts that a double cannot hold: 0.29 * 100 is 28.999999999999996 there.
  await house.provider.credit({ ...call, round: '3', transaction: next(), amount: '0.29' });
  await house.provider.debit({
    ...call,
    round: '3',
    transaction: next(),
    amount: '0.57',
    close: true,
  });
  await house.ended(player.id, '3');
  await sealChangedHeads(house.pool);
});
afterAll(() => house?.close());

/** What the audit says of a book that was changed behind its back; the book is whole again after. */
async function reportAfter(
  statements: string | readonly string[],
  witnessed: Seal | null = null,
): Promise<AuditReport> {
  const client = await house.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query("SET LOCAL session_replication_role = 'replica'"); // triggers stay out of it
    for (const statement of [statements].flat()) {
      const { rowCount } = await client.query(statement);
      expect(rowCount).toBeGreaterThan(0);
    }
    const report = await audit(client, { witnessed });
    expect(report.ok).toBe(report.contradictions.length === 0);
    return report;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

async function contradictionsAfter(statements: string | readonly string[]): Promise<string[]> {
  const { contradictions } = await reportAfter(statements);
  return contradictions.map((one) => one.rule);
}

test('a book that nobody touched agrees with itself, to the cent', async () => {
  const report = await audit(house.pool);
  expect(report.contradictions).toEqual([]);
  expect(report.ok).toBe(true);
  const money = { staked: '9.29', paid: '9.57' };
  expect(report.days).toMatchObject([
    { partner: 'LAG1', provider: money, book: money, wallet: money, history: money, open: 0 },
  ]);
  expect(report.open).toMatchObject({ 'calls owed': 0, 'rounds open': 0, 'cases open': 0 });
  expect(report.seals).toMatchObject({ last: { number: '3' }, unsealed_rounds: 0 });
});

const OF_ROUND = (ref: string) => `(SELECT id FROM rounds WHERE round_ref = '${ref}')`;
const CUT_OFF = [
  `DELETE FROM journal WHERE round_id = ${OF_ROUND('2')} AND version >
     (SELECT max(version) - 3 FROM journal WHERE round_id = ${OF_ROUND('2')})`,
  `UPDATE rounds r SET (version, journal_head) = (SELECT version, hash FROM journal
     WHERE round_id = r.id ORDER BY version DESC LIMIT 1) WHERE round_ref = '2'`,
  `UPDATE rounds SET sealed_version = version WHERE round_ref = '2'`,
];
const SEAL_REMOVED = [
  'DELETE FROM sealed_heads WHERE seal = 3',
  'DELETE FROM journal_seals WHERE number = 3',
];

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
    'the four books agree on what is settled',
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
  [
    'two journal lines that were swapped',
    `UPDATE journal a SET facts = b.facts, hash = b.hash FROM journal b
      WHERE a.round_id = ${OF_ROUND('2')} AND b.round_id = a.round_id
        AND (a.version, b.version) IN ((1, 2), (2, 1))`,
    'the journal is a chain',
  ],
  [
    'a journal of which a round is gone',
    "DELETE FROM rounds WHERE round_ref = '1'",
    'the journal is a chain',
  ],
  [
    'last lines cut off, with the head set back',
    CUT_OFF,
    'what was sealed is still in the journal',
  ],
  [
    'a seal that is gone from between',
    'DELETE FROM journal_seals WHERE number = 2',
    'the seals are a chain',
  ],
  [
    'a last seal that is gone without a trace of itself',
    SEAL_REMOVED,
    'what was sealed is still in the journal',
  ],
  [
    'a seal that was rewritten',
    "UPDATE journal_seals SET sealed_at = sealed_at + interval '1 hour' WHERE number = 2",
    'the seals are a chain',
  ],
  [
    'a sealed head that was rewritten',
    `UPDATE sealed_heads SET head = sha256('') WHERE seal = 2`,
    'the seals are a chain',
  ],
  [
    'a win that was raised in every register at once',
    [
      'UPDATE operations SET amount = 1000 WHERE amount = 900',
      'UPDATE bets SET payout = 1000 WHERE payout = 900',
      `UPDATE obligations SET payload = regexp_replace(payload,
         '"(balance|win_balance|receive_balance)":9\\y', '"\\1":10') WHERE payload ~ ':9\\y'`,
    ],
    'the registers are what the journal tells',
  ],
  [
    'a bet that was taken out of every register',
    [
      `DELETE FROM obligations WHERE round_id = ${OF_ROUND('1')}`,
      `DELETE FROM bets WHERE round_id = ${OF_ROUND('1')}`,
      `DELETE FROM operation_keys WHERE round_id = ${OF_ROUND('1')}`,
      `DELETE FROM operations WHERE round_id = ${OF_ROUND('1')}`,
    ],
    'the registers are what the journal tells',
  ],
])('it finds %s', async (_, statements, rule) => {
  expect(await contradictionsAfter(statements)).toContain(rule);
});

test('it names the rows', async () => {
  const { rows } = await house.pool.query<{ id: number; round_id: string }>(
    'SELECT id, round_id FROM operations WHERE amount = 900',
  );
  const { contradictions } = await reportAfter(
    'UPDATE operations SET amount = 901 WHERE amount = 900',
  );
  expect(contradictions).toContainEqual({
    rule: 'the four books agree on what is settled',
    where: `operation ${rows[0]?.id}`,
    detail: expect.stringMatching(
      /^payout of LAG1 in EUR on .*provider 9.01, book 9.01, wallet 9, history 9$/,
    ),
  });
  expect(contradictions).toContainEqual({
    rule: 'the registers are what the journal tells',
    where: `round ${rows[0]?.round_id}, operation ${rows[0]?.id}`,
    detail: 'amount: 901, by its journal 900',
  });
});

test('lines that were cut off are named by their seal', async () => {
  const { contradictions } = await reportAfter(CUT_OFF);
  const { id } = await house.roundOf(player.id, '2');
  expect(contradictions).toContainEqual({
    rule: 'what was sealed is still in the journal',
    where: expect.stringMatching(`^round ${id}, line `),
    detail: expect.stringMatching(/^seal 2 holds [0-9a-f]{64}, the journal has no such line$/),
  });
});

test('a seal that was noted outside proves that the newest ones were not taken away', async () => {
  const noted = await lastSeal(house.pool);
  const forged = [...SEAL_REMOVED, "UPDATE rounds SET sealed_version = 0 WHERE round_ref = '3'"];
  expect((await reportAfter(forged)).ok).toBe(true); // the book alone cannot know
  expect((await reportAfter(forged, noted)).contradictions).toEqual([
    { rule: 'a seal known outside still stands', where: 'seal 3', detail: 'it is gone' },
  ]);
  expect((await audit(house.pool, { witnessed: noted })).ok).toBe(true);
});

test('a record off by a cent is found while another operation of its day is open', async () => {
  house.wallet.always('/settle-bet', 'hang');
  const call = { token: player.token, player: player.id, round: '4' };
  await house.provider.credit({ ...call, transaction: next(), amount: '1' });
  const paying = house.provider.debit({ ...call, transaction: next(), amount: '2', close: true });
  await eventually(async () => {
    expect((await auditSnapshot(house.pool)).open['payouts owed']).toBe(1);
  });
  const forged = `UPDATE obligations SET payload = replace(payload, '"receive_balance":9', '"receive_balance":9.01')
    WHERE verb = 'report' AND payload LIKE '%"receive_balance":9%'`;
  const { days, contradictions } = await reportAfter(forged);
  expect(days[0]?.open).toBeGreaterThan(0);
  expect(contradictions.map((one) => one.rule)).toEqual(
    expect.arrayContaining([
      'the four books agree on what is settled',
      'the bytes sent carry the amounts of the book',
    ]),
  );
  expect((await auditSnapshot(house.pool)).contradictions).toEqual([]);
  house.wallet.always('/settle-bet', null);
  expect((await paying).code).toBe(0);
  await house.ended(player.id, '4');
});

test('a busy book passes, whatever its wallets do, while it is being sealed', async () => {
  house.wallet.script('/bet', 'lose', 'honest', { status: 503, body: '' }, 'reset', 'hang', 'lose');
  house.wallet.script('/settle-bet', 'lose', { status: 503, body: '' }, 'reset', 'lose');
  let running = 10;
  const rounds = Array.from({ length: running }, async (_, index) => {
    const one = await house.newPlayer();
    const call = { token: one.token, player: one.id, round: '1' };
    await house.provider.credit({ ...call, transaction: next(), amount: '2.35' });
    await house.provider.credit({ ...call, transaction: next(), amount: '0.07' });
    await house.provider.debit({
      ...call,
      transaction: next(),
      amount: index % 2 ? '0' : '10.1',
      close: true,
    });
    await house.provider.debit({ ...call, transaction: next(), amount: '1' }); // a case: it is late
    running -= 1;
  });
  let audits = 0;
  while (running > 0) {
    await sealChangedHeads(house.pool);
    expect((await auditSnapshot(house.pool)).contradictions).toEqual([]);
    audits += 1;
  }
  await Promise.all(rounds);
  expect(audits).toBeGreaterThan(1);
  await eventually(async () => {
    const { contradictions, open } = await auditSnapshot(house.pool);
    expect(contradictions).toEqual([]);
    expect(open['calls owed']).toBe(0);
  });
  while ((await sealChangedHeads(house.pool)).more);
  const report = await auditSnapshot(house.pool);
  expect(report.contradictions).toEqual([]);
  expect(report.seals.unsealed_rounds).toBe(0);
});
