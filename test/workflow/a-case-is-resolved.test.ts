import { run } from '../../src/cli/run';
import type { CaseView } from '../../src/db/cases';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;
let stakes = 0;

beforeAll(async () => {
  house = await startRoundhouse({
    connection: { answer_deadline_ms: 15_000, payout_max: '100' },
  });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));

const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: String(7_000 + ++stakes),
  amount: '40',
  ...of,
});

async function cli(...args: string[]) {
  let out = '';
  let err = '';
  const code = await run(args, {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    environment: {
      ROUNDHOUSE_ENV: 'development',
      DATABASE_URL: String(house.pool.options.connectionString),
    },
  });
  return { code, out, err };
}

async function json<Value>(...args: string[]): Promise<Value> {
  const { code, out, err } = await cli(...args, '--json');
  if (code !== 0) throw new Error(`exit ${code}: ${err}`);
  return JSON.parse(out) as Value;
}

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
  for (const as of ['pay', 'void']) {
    expect(await json('cases', 'resolve', id, '--as', as, '--apply')).toMatchObject({
      outcome: 'already',
      applied: false,
    });
  }
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
    ['pay', 'void', 'pay'].map((as) =>
      json<{ outcome: string }>('cases', 'resolve', id, '--as', as, '--apply'),
    ),
  );
  expect(results.map(({ outcome }) => outcome).sort()).toEqual(['already', 'already', 'resolved']);
});

test('any other case is only dismissed, with a note, also when it belongs to no round', async () => {
  expect(await house.provider.debit(call({ amount: '25' }))).toMatchObject({ code: 8 });
  const { id, round_key, round } = await openCase();
  expect({ round_key, round }).toEqual({ round_key: null, round: '12' });
  expect(await cli('cases', 'resolve', id, '--as', 'pay', '--apply')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('only dismiss') as string,
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
