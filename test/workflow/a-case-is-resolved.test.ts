import type { CaseExchange } from '../../src/db/case-exchange';
import type { CaseView } from '../../src/db/cases';
import { createTestCli, type TestCli } from '../support/test-cli';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let cli: TestCli['cli'];
let json: TestCli['json'];
let player: TestPlayer;
let stakes = 0;

beforeAll(async () => {
  house = await startRoundhouse({
    connection: { answer_deadline_ms: 15_000, revive_window_ms: 60_000, payout_max: '100' },
  });
  ({ cli, json } = createTestCli(house.pool));
});
afterAll(() => house?.close());
beforeEach(async () => {
  house.wallet.always('/bet', null);
  player = await house.newPlayer();
});

const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: String(7_000 + ++stakes),
  amount: '40',
  ...of,
});

/** The player's one open case. */
async function openCase(): Promise<CaseView> {
  const { cases } = await json<{ cases: CaseView[] }>('cases', 'list');
  const own = cases.filter((row) => row.player === player.userAgent);
  expect(own).toHaveLength(1);
  return own[0] as CaseView;
}

async function heldWin(): Promise<MoneyCall> {
  await house.provider.credit(call());
  const win = call({ amount: '100.01', close: true });
  expect(await house.provider.debit(win)).toMatchObject({ code: 1 });
  return win;
}

/** Everything a resolution could have changed. */
async function state(): Promise<unknown> {
  const { id } = await house.roundOf(player.id, '12');
  const { rows } = await house.pool.query(
    `SELECT r.version, c.status, c.resolution, op.payout_state, op.waiting,
            (SELECT count(*) FROM obligations o WHERE o.round_id = r.id AND o.verb = 'give') AS gives
       FROM rounds r JOIN cases c ON c.round_id = r.id JOIN operations op ON op.id = c.operation_id
      WHERE r.id = $1`,
    [id],
  );
  return rows;
}

/** Until the hand has nothing to do in the open round, so that it learns of nothing by itself. */
async function roundIsQuiet(): Promise<void> {
  await eventually(async () => {
    const { rows } = await house.pool.query(
      `SELECT 1 FROM rounds r WHERE r.player_id = $1 AND r.closes_previous = 'done' AND NOT EXISTS
         (SELECT 1 FROM obligations o WHERE o.round_id = r.id AND o.status = 'open')`,
      [player.id],
    );
    expect(rows).toHaveLength(1);
  });
}

/** The next sweep, with the clock put on by what it waits for. */
async function sweep(): Promise<unknown> {
  const { rowCount } = await house.pool.query(
    `UPDATE rounds SET due_at = due_at - interval '1 minute' WHERE player_id = $1 AND due_at <= now()`,
    [player.id],
  );
  expect(rowCount).toBe(1);
  return house.client.workflow.execute('sweepWorkflow', {
    workflowId: 'sweep',
    taskQueue: 'rounds',
  });
}

const balance = () => house.wallet.balance(player.userAgent);
const settles = () => house.callsOf(player, '/settle-bet');

test('a held payout is told with all that a person needs', async () => {
  const win = await heldWin();
  const found = await openCase();
  expect(found).toMatchObject({
    kind: 'held_payout',
    status: 'open',
    partner: 'LAG1',
    player: player.userAgent,
    round: '12',
    amount: '100.01',
    currency: 'EUR',
    evidence: { transaction: win.transaction },
    resolution: null,
  });
  expect(found.age_seconds).toBeGreaterThanOrEqual(0);
  expect(await json<CaseView>('cases', 'show', found.id)).toMatchObject({
    id: found.id,
    round_key: `sandbox/${player.id}/12`,
  });
  const shown = await json<{ round: { round: string } }>('round', 'show', found.round_key ?? '');
  expect(shown.round.round).toBe('12');
  const text = await cli('cases', 'list', '--kind', 'held_payout', '--partner', 'LAG1');
  expect(text.out).toContain('100.01 EUR');
});

test('a dry run changes nothing; applied, the payout is paid once by the next sweep, and a repeat gets 0', async () => {
  const win = await heldWin();
  const { id } = await openCase();
  await roundIsQuiet();
  const before = await state();
  const dry = await cli('cases', 'resolve', id, '--as', 'pay');
  expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('100.01 EUR') as string });
  expect(dry.err).toContain('Nothing was changed');
  expect(await state()).toEqual(before);

  expect(
    await json('cases', 'resolve', id, '--as', 'pay', '--apply', '--note', 'checked'),
  ).toMatchObject({ outcome: 'resolved', applied: true });
  const after = await state();
  expect(await json('cases', 'resolve', id, '--as', 'pay', '--apply')).toMatchObject({
    outcome: 'already',
    applied: false,
  });
  expect(await cli('cases', 'resolve', id, '--as', 'void', '--apply')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('resolved already: pay by') as string,
  });
  expect(await state()).toEqual(after);
  expect(await json('cases', 'show', id)).toMatchObject({
    status: 'resolved',
    resolution: 'pay',
    note: 'checked',
    resolved_by: expect.stringMatching(/./) as string,
  });
  expect(settles()).toHaveLength(0);

  expect(await sweep()).toMatchObject({ driven: 1 });
  await house.ended(player.id, '12');
  expect(balance()).toBe('1060.01');
  expect(settles()).toHaveLength(1);
  expect(await json('audit')).toMatchObject({ ok: true, contradictions: [] });
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1060.01' });
  expect(settles()).toHaveLength(1);
  expect(await json('audit')).toMatchObject({ ok: true, contradictions: [] });
});

test('a held payout that is void: 5 for every repeat, and nothing moves', async () => {
  const win = await heldWin();
  const { id } = await openCase();
  await json('cases', 'resolve', id, '--as', 'void', '--apply');
  for (const _ of [1, 2]) {
    expect(await house.provider.debit(win)).toMatchObject({ status: 200, code: 5 });
  }
  expect(balance()).toBe('960');
  expect(settles()).toHaveLength(0);
  expect(await json('audit')).toMatchObject({ ok: true });
});

test('two who resolve one case at once: one of them does', async () => {
  await heldWin();
  const { id } = await openCase();
  const results = await Promise.all(
    ['pay', 'pay', 'pay'].map((as) =>
      json<{ outcome: string }>('cases', 'resolve', id, '--as', as, '--apply'),
    ),
  );
  expect(results.map(({ outcome }) => outcome).sort()).toEqual(['already', 'already', 'resolved']);
  const { rows } = await house.pool.query(
    `SELECT count(*)::int AS gives FROM obligations o JOIN rounds r ON r.id = o.round_id
      WHERE r.player_id = $1 AND o.verb = 'give'`,
    [player.id],
  );
  expect(rows).toEqual([{ gives: 1 }]);
});

test('a case that belongs to no round is dismissed with a note, and takes nothing that it has no use for', async () => {
  expect(await house.provider.debit(call({ amount: '25' }))).toMatchObject({ code: 8 });
  const { id, round_key, round, resolve_as } = await openCase();
  expect({ round_key, round, resolve_as }).toEqual({
    round_key: null,
    round: '12',
    resolve_as: ['pay', 'dismiss'],
  });
  expect(await cli('cases', 'resolve', id, '--as', 'void', '--apply')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('pay or dismiss') as string,
  });
  expect(await cli('cases', 'resolve', id, '--as', 'dismiss', '--apply')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--note') as string,
  });
  const dismiss = ['cases', 'resolve', id, '--as', 'dismiss', '--note', 'asked the provider'];
  expect(await json(...dismiss)).toMatchObject({ outcome: 'would', applied: false });
  expect((await openCase()).id).toBe(id);
  expect(await json(...dismiss, '--apply')).toMatchObject({ outcome: 'resolved' });
  const { cases } = await json<{ cases: CaseView[] }>('cases', 'list', '--status', 'resolved');
  expect(cases.find((row) => row.id === id)).toMatchObject({ note: 'asked the provider' });
});

test('a payout without any round is paid by a person in a round of its own, once; its repeat then gets 0', async () => {
  const win = call({ amount: '25' });
  expect(await house.provider.debit(win)).toMatchObject({ code: 8 });
  const { id } = await openCase();
  const pay = ['cases', 'resolve', id, '--as', 'pay'];
  expect(await json(...pay)).toMatchObject({ outcome: 'would' });
  await expect(house.roundOf(player.id, '12')).rejects.toThrow('no round');
  expect(await json(...pay, '--apply')).toMatchObject({ outcome: 'resolved' });
  expect(await sweep()).toMatchObject({ driven: 1 });
  await eventually(() => expect(balance()).toBe('1025'));
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '1025' });
  expect(await json(...pay, '--apply')).toMatchObject({ outcome: 'already' });
  expect(settles()).toHaveLength(1);
  expect(await json('audit')).toMatchObject({ ok: true, contradictions: [] });
});

test('a late payout is paid by a person on a bet of its own, with its record', async () => {
  await house.provider.credit(call({ close: true }));
  await house.ended(player.id, '12');
  const win = call({ amount: '25' });
  expect(await house.provider.debit(win)).toMatchObject({ code: 5 });
  const found = await openCase();
  expect(found.evidence.request).toContain(`"transaction_id":${win.transaction}`);
  expect(found.evidence.request).not.toContain(player.token);
  await json('cases', 'resolve', found.id, '--as', 'pay', '--apply');
  expect(await sweep()).toMatchObject({ driven: 1 });
  await house.ended(player.id, '12');
  expect(balance()).toBe('985');
  expect(await house.provider.debit(win)).toMatchObject({ code: 0, balance: '985' });
  expect(settles()).toHaveLength(1);
  expect(await json('audit')).toMatchObject({ ok: true, contradictions: [] });
});

/** A stake whose first attempt nobody answered, and whose repeats the wallet refuses. */
async function refusedAfterUnknown(): Promise<MoneyCall> {
  await house.configure({ answer_deadline_ms: 700 });
  house.wallet.script('/bet', 'hang');
  house.wallet.always('/bet', { status: 402, body: '{"error":"INSUFFICIENT_FUNDS"}' });
  const asked = call();
  expect(await house.provider.credit(asked)).toMatchObject({ code: 1 });
  await house.configure({ answer_deadline_ms: 15_000 });
  await eventually(async () => expect((await openCase()).kind).toBe('decline_after_unknown'));
  return asked;
}

/** Until no attempt of the player's open call is under way. */
async function untilItWaits(): Promise<void> {
  await eventually(async () => {
    const { rows } = await house.pool.query(
      `SELECT 1 FROM obligations o JOIN rounds r ON r.id = o.round_id WHERE r.player_id = $1
          AND o.status = 'open' AND o.running_since IS NULL
          AND o.next_attempt_at > clock_timestamp() + interval '800 ms'`,
      [player.id],
    );
    expect(rows).toHaveLength(1);
  });
}

test('a stake that a person found not taken: asked for no more, code 1 for ever, nothing given back', async () => {
  const asked = await refusedAfterUnknown();
  const found = await openCase();
  expect(found).toMatchObject({ amount: '40', currency: 'EUR' });
  const shown = await json<{ exchange: CaseExchange }>('cases', 'show', found.id);
  expect(shown.exchange.provider).toMatchObject([{ transaction: asked.transaction, amount: '40' }]);
  expect(shown.exchange.sent[0]?.sent).toContain(`"bet_id":"${found.bet_id}"`);
  expect(shown.exchange.sent[0]?.sent).not.toContain('hmac');
  expect(shown.exchange.received[0]).toMatchObject({ attempt: 1, result: 'unknown' });
  expect(shown.exchange.received.map((row) => row.received)).toContain(
    '{"error":"INSUFFICIENT_FUNDS"}',
  );
  expect((await cli('cases', 'show', found.id)).out).toContain('INSUFFICIENT_FUNDS');

  await untilItWaits();
  const accept = ['cases', 'resolve', found.id, '--as', 'accept-decline'];
  expect(await json(...accept)).toMatchObject({ outcome: 'would' });
  await untilItWaits();
  expect(await json(...accept, '--apply')).toMatchObject({ outcome: 'resolved' });
  expect(await json(...accept, '--apply')).toMatchObject({ outcome: 'already' });
  const bets = house.callsOf(player, '/bet').length;
  house.wallet.always('/bet', null);
  await house.ended(player.id, '12');
  expect(await house.provider.credit(asked)).toMatchObject({ code: 1 });
  expect(house.callsOf(player, '/bet')).toHaveLength(bets);
  expect(balance()).toBe('1000');
  expect(settles()).toEqual([]);
  expect(await json('audit')).toMatchObject({ ok: true, contradictions: [] });
});

test('a call that is sent again is due at once; refused again, its case is open again; done, it closes itself', async () => {
  const asked = await refusedAfterUnknown();
  const { id } = await openCase();
  const dueMs = async () => {
    const { rows } = await house.pool.query<{ due: Date }>(
      `SELECT o.next_attempt_at AS due FROM obligations o JOIN rounds r ON r.id = o.round_id
        WHERE r.player_id = $1 AND o.verb = 'take'`,
      [player.id],
    );
    return rows[0]?.due.getTime() ?? 0;
  };
  await untilItWaits();
  const resend = ['cases', 'resolve', id, '--as', 'resend'];
  const before = await dueMs();
  expect(await json(...resend)).toMatchObject({ outcome: 'would' });
  await untilItWaits();
  expect(await json(...resend, '--apply')).toMatchObject({ outcome: 'resolved' });
  expect(await dueMs()).not.toBe(before);
  // The wallet refuses again: the matter is open, and so is its case.
  await eventually(async () => expect((await openCase()).id).toBe(id));
  expect((await openCase()).evidence).toHaveProperty('resent_at');

  house.wallet.always('/bet', null);
  expect(await house.provider.credit(asked)).toMatchObject({ code: 0, balance: '960' });
  expect(await json('cases', 'show', id)).toMatchObject({
    status: 'resolved',
    resolution: 'settled',
  });
  expect(await cli('cases', 'resolve', id, '--as', 'accept-decline', '--apply')).toMatchObject({
    code: 1,
    err: expect.stringContaining('settled by itself') as string,
  });
  const { rows } = await house.pool.query<{ facts: string }>(
    `SELECT j.facts FROM journal j JOIN rounds r ON r.id = j.round_id
      WHERE r.player_id = $1 AND j.facts LIKE '%case_resolved%' ORDER BY j.version`,
    [player.id],
  );
  expect(rows.map(({ facts }) => /"as":"([a-z-]+)"/.exec(facts)?.[1])).toEqual([
    'resend',
    'settled',
  ]);
  expect(await json('audit')).toMatchObject({ ok: true, contradictions: [] });
});

test('a stake in doubt is listed by time alone, however far its next repeat is', async () => {
  await refusedAfterUnknown();
  const { id } = await house.roundOf(player.id, '12');
  await untilItWaits();
  await house.pool.query(
    `UPDATE bets SET created_at = created_at - interval '16 minutes' WHERE round_id = $1`,
    [id],
  );
  await house.pool.query(
    `UPDATE obligations SET next_attempt_at = clock_timestamp() + interval '1 hour' WHERE round_id = $1`,
    [id],
  );
  await house.pool.query(
    `UPDATE rounds SET due_at = clock_timestamp() - interval '1 minute' WHERE id = $1`,
    [id],
  );
  await house.client.workflow.execute('sweepWorkflow', {
    workflowId: 'sweep',
    taskQueue: 'rounds',
  });
  expect(await house.cases(id)).toEqual(['decline_after_unknown', 'in_doubt']);
  // The look is over: the round is due again when there is something to see.
  const { rows } = await house.pool.query(
    `SELECT due_at > clock_timestamp() + interval '59 minutes' AS later FROM rounds WHERE id = $1`,
    [id],
  );
  expect(rows).toEqual([{ later: true }]);
});

test('a case that is not there, or a kind that does not exist, is bad input', async () => {
  for (const id of ['999999', 'x', '99999999999999999999']) {
    expect(await cli('cases', 'show', id)).toMatchObject({ code: 2, out: '' });
    expect(await cli('cases', 'resolve', id, '--as', 'pay')).toMatchObject({ code: 2 });
  }
  expect(await cli('cases', 'list', '--kind', 'odd')).toMatchObject({ code: 2 });
  expect(await cli('cases', 'list', '--partner', 'NONE')).toMatchObject({ code: 2 });
});

test('a long list is told in parts, the newest last', async () => {
  await house.pool.query(
    `INSERT INTO cases (kind, subject, evidence, opened_at)
     SELECT 'negative_balance', 'of the test ' || n, '{}', now() FROM generate_series(1, 150) n`,
  );
  const list = ['cases', 'list', '--kind', 'negative_balance'];
  const first = await json<{ cases: CaseView[]; next_after: string }>(...list);
  expect(first.cases).toHaveLength(100);
  const rest = await json<{ cases: CaseView[] }>(...list, '--after', first.next_after);
  expect(rest).toMatchObject({ next_after: null });
  const ids = [...first.cases, ...rest.cases].map((row) => Number(row.id));
  expect(new Set(ids).size).toBe(150);
  expect(ids).toEqual(ids.toSorted((left, right) => left - right));
  expect((await cli(...list)).err).toContain(`--after ${first.next_after}`);
});
