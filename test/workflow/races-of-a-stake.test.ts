import { driveRound } from '../../src/contracts/drive-round';
import { reserveOperationId } from '../../src/db/operations';
import { roundToDrive } from '../../src/db/round-view';
import { sleep } from '../../src/lib/clock';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { createTestProvider, type MoneyCall, type TestProvider } from '../support/test-provider';

jest.setTimeout(120_000);

let house: TestRoundhouse;
let second: TestProvider;
let player: TestPlayer;

const PATIENT = { answer_deadline_ms: 15_000, revive_window_ms: 60_000 };

beforeAll(async () => {
  house = await startRoundhouse({
    timeScale: 0.1,
    partner: { wallet_attempt_timeout_ms: 400, breaker: { calls_min: 10_000 } },
    connection: PATIENT,
  });
  const api = await house.startApi();
  second = createTestProvider(() => `${api.baseUrl}/providers/sandbox`, 'secret');
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));
afterEach(async () => {
  house.wallet.always('/bet', null);
  await house.configure(PATIENT);
});

const stake = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: '2234',
  amount: '40',
  ...of,
});
const win = (of: Partial<MoneyCall> = {}) => stake({ transaction: '3345', amount: '25', ...of });
const bets = (of = player) => house.callsOf(of, '/bet');
const balance = (of = player) => house.wallet.balance(of.userAgent);
const charges = (of = player) => house.wallet.effects('/bet', String(bets(of)[0]?.body.bet_id));

async function registers(of = player): Promise<[string, string]> {
  const { rows } = await house.pool.query<{ outcome: string; decision: string }>(
    `SELECT b.outcome, b.decision FROM bets b JOIN rounds r ON r.id = b.round_id WHERE r.player_id = $1`,
    [of.id],
  );
  return [rows[0]?.outcome ?? 'no bet', rows[0]?.decision ?? 'no bet'];
}

/** A stake whose provider was told 1 at its deadline, and that the wallet has taken since. */
async function takenAndOpen(of: TestPlayer): Promise<void> {
  const call = stake({ token: of.token, player: of.id });
  expect(await house.provider.credit(call)).toMatchObject({ code: 1 });
}

/** Players with a stake that is done and open, whose revive window ends soon; and when that is. */
async function stakesAtTheirWindowsEnd(count: number): Promise<[TestPlayer[], number]> {
  const players: TestPlayer[] = [];
  for (let index = 0; index < count; index++) players.push(await house.newPlayer());
  await house.configure({ answer_deadline_ms: 3_000, revive_window_ms: 60_000 });
  house.wallet.always('/bet', 'hang');
  await Promise.all(players.map(takenAndOpen));
  house.wallet.always('/bet', null);
  await eventually(async () => {
    for (const each of players) expect(await registers(each)).toEqual(['done', 'open']);
  });
  const { rows } = await house.pool.query<{ last_ms: string }>(
    `SELECT extract(epoch FROM max(o.deadline_at)) * 1000 AS last_ms FROM operations o
       JOIN rounds r ON r.id = o.round_id WHERE r.player_id = ANY($1)`,
    [players.map(({ id }) => id)],
  );
  // All windows are set to end together, a second from now, give or take what lies between the stakes.
  const endsMs = Date.now() + 1_000;
  const windowMs = Math.max(Math.round(endsMs - Number(rows[0]?.last_ms)), 100);
  await house.configure({ revive_window_ms: windowMs, answer_deadline_ms: 5_000 });
  return [players, endsMs];
}

describe('a repeat and the end of the window', () => {
  test('at the same moment: 0 and one charge, or 1 for ever and the stake given back', async () => {
    const [players, endsMs] = await stakesAtTheirWindowsEnd(12);
    const codes = await Promise.all(
      players.map(async (each, index) => {
        await sleep(Math.max(endsMs - Date.now() + (index - 6) * 40, 0));
        const provider = index % 2 ? second : house.provider;
        return (await provider.credit(stake({ token: each.token, player: each.id }))).code;
      }),
    );
    for (const [index, each] of players.entries()) {
      const confirmed = codes[index] === 0;
      if (!confirmed) expect(codes[index]).toBe(1);
      await eventually(() => expect(balance(each)).toBe(confirmed ? '960' : '1000'));
      expect(await registers(each)).toEqual(['done', confirmed ? 'confirmed' : 'failed']);
      expect(charges(each)).toBe(1);
      expect(house.callsOf(each, '/settle-bet')).toHaveLength(confirmed ? 0 : 1);
      const again = await house.provider.credit(stake({ token: each.token, player: each.id }));
      expect(again.code).toBe(codes[index]);
    }
  });

  test('a repeat that waits when the window of the request before it ends keeps the decision open', async () => {
    house.wallet.always('/bet', 'hang');
    await house.configure({ answer_deadline_ms: 600, revive_window_ms: 500 });
    expect(await house.provider.credit(stake())).toMatchObject({ code: 1 });
    await house.configure({ answer_deadline_ms: 15_000 });
    const repeat = house.provider.credit(stake());
    await sleep(1_500);
    expect(await registers()).toEqual(['none', 'open']);
    house.wallet.always('/bet', null);
    expect(await repeat).toMatchObject({ code: 0, balance: '960' });
    expect(charges()).toBe(1);
  });

  test('the window ends first, by a timer and not by a request: given back, and the repeat gets 1', async () => {
    await house.configure({ answer_deadline_ms: 1_000, revive_window_ms: 3_000 });
    house.wallet.always('/bet', 'hang');
    expect(await house.provider.credit(stake())).toMatchObject({ code: 1 });
    house.wallet.always('/bet', null);
    await eventually(async () => expect(await registers()).toEqual(['done', 'open']));
    expect(balance()).toBe('960');
    await house.ended(player.id, '12');
    expect(await registers()).toEqual(['done', 'failed']);
    expect(balance()).toBe('1000');
    expect(await house.provider.credit(stake())).toMatchObject({ code: 1 });
    expect(charges()).toBe(1);
  });
});

describe('a repeat at another process', () => {
  test('waits on when the deadline of the first has come, and gets 0: one charge', async () => {
    house.wallet.always('/bet', 'hang');
    await house.configure({ answer_deadline_ms: 1_500 });
    const first = house.provider.credit(stake());
    await eventually(() => expect(bets().length).toBeGreaterThan(0));
    await house.configure({ answer_deadline_ms: 15_000 });
    const elsewhere = second.credit(stake());
    expect(await first).toMatchObject({ code: 1 });
    house.wallet.always('/bet', null);
    const told = await elsewhere;
    expect(told).toMatchObject({ code: 0, balance: '960' });
    expect((await house.provider.credit(stake())).text).toBe(told.text);
    expect(charges()).toBe(1);
    expect(balance()).toBe('960');
  });

  test('keeps the 0 that it was told, although the first request hung up', async () => {
    house.wallet.always('/bet', 'hang');
    const leaving = new AbortController();
    const body = house.provider.body('Credit', stake());
    const gone = house.provider.send('/Credit', { body, signal: leaving.signal });
    await eventually(() => expect(bets().length).toBeGreaterThan(0));
    const elsewhere = second.credit(stake());
    await eventually(async () => {
      const { rows } = await house.pool.query<{ requests: number }>(
        `SELECT o.requests FROM operations o JOIN rounds r ON r.id = o.round_id WHERE r.player_id = $1`,
        [player.id],
      );
      expect(rows[0]?.requests).toBe(2);
    });
    leaving.abort();
    await expect(gone).rejects.toThrow();
    await house.configure({ revive_window_ms: 100 });
    house.wallet.always('/bet', null);
    const told = await elsewhere;
    expect(told).toMatchObject({ code: 0, balance: '960' });
    await sleep(1_000);
    expect(await registers()).toEqual(['done', 'confirmed']);
    expect((await house.provider.credit(stake())).text).toBe(told.text);
    expect(balance()).toBe('960');
  });
});

describe('a payout and a stake that was told 1', () => {
  test('that is taken by now: the payout confirms it, and its repeat gets 0', async () => {
    const [[winner]] = await stakesAtTheirWindowsEnd(1);
    if (!winner) throw new Error('no player');
    player = winner;
    await house.configure({ revive_window_ms: 60_000 });
    expect(await house.provider.debit(win())).toMatchObject({ code: 0, balance: '985' });
    expect(await registers()).toEqual(['done', 'confirmed']);
    expect(await house.provider.credit(stake())).toMatchObject({ code: 0, balance: '960' });
    expect(balance()).toBe('985');
  });

  test('at the end of its window: the payout is paid and the stake kept, or 8, a case and the stake given back', async () => {
    const [players, endsMs] = await stakesAtTheirWindowsEnd(12);
    const codes = await Promise.all(
      players.map(async (each, index) => {
        await sleep(Math.max(endsMs - Date.now() + (index - 6) * 40, 0));
        const provider = index % 2 ? second : house.provider;
        return (await provider.debit(win({ token: each.token, player: each.id }))).code;
      }),
    );
    for (const [index, each] of players.entries()) {
      const paid = codes[index] === 0;
      if (!paid) expect(codes[index]).toBe(8);
      await eventually(() => expect(balance(each)).toBe(paid ? '985' : '1000'));
      expect(await registers(each)).toEqual(['done', paid ? 'confirmed' : 'failed']);
      const { id } = await house.roundOf(each.id, '12');
      expect(await house.cases(id)).toEqual(paid ? [] : ['payout_on_failed_stake']);
    }
  });
});

describe('our own death', () => {
  test('of the API that holds the request: a repeat at another gets 0 for one charge', async () => {
    const dying = await house.startApi();
    const provider = createTestProvider(() => `${dying.baseUrl}/providers/sandbox`, 'secret');
    house.wallet.always('/bet', 'hang');
    const lost = provider.credit(stake());
    lost.catch(() => undefined);
    await eventually(() => expect(bets().length).toBeGreaterThan(0));
    const closing = dying.close();
    await expect(lost).rejects.toThrow();
    house.wallet.always('/bet', null);
    expect(await house.provider.credit(stake())).toMatchObject({ code: 0, balance: '960' });
    await closing;
    expect(await registers()).toEqual(['done', 'confirmed']);
    expect(charges()).toBe(1);
  });

  test('of the API that holds the request, and the wallet answers after its deadline: given back', async () => {
    const dying = await house.startApi();
    const provider = createTestProvider(() => `${dying.baseUrl}/providers/sandbox`, 'secret');
    await house.configure({ answer_deadline_ms: 5_000, revive_window_ms: 500 });
    house.wallet.script('/bet', 'lose');
    house.wallet.always('/bet', 'hang');
    const lost = provider.credit(stake());
    lost.catch(() => undefined);
    await eventually(() => expect(bets().length).toBeGreaterThan(1));
    await dying.close();
    await expect(lost).rejects.toThrow();
    await sleep(5_000);
    // Whether the window has passed by now is the machine's pace; the wallet has told nothing.
    expect((await registers())[0]).toBe('none');
    house.wallet.always('/bet', null);
    await house.ended(player.id, '12');
    expect(await registers()).toEqual(['done', 'failed']);
    expect(charges()).toBe(1);
    expect(balance()).toBe('1000');
  });

  test('of the API after the hand-over: the stake is confirmed, and a repeat long after its window gets 0', async () => {
    await house.configure({ answer_deadline_ms: 15_000, revive_window_ms: 100 });
    expect(await house.provider.credit(stake({ transaction: '1' }))).toMatchObject({ code: 0 });
    const { id } = await house.roundOf(player.id, '12');
    // What an API leaves behind that dies while it waits: an intent, and a signal on its way.
    const operationId = await reserveOperationId(house.pool);
    const intent = await house.book.decideOn(id, {
      type: 'stake',
      request: {
        operationId,
        betId: operationId.toString(16).padStart(24, '0'),
        transactionRef: '2234',
        amount: 4_000n,
        gameId: '11',
        isClose: false,
      },
    });
    await driveRound(house.client, roundToDrive(intent.context, intent.view), [], 5_000);
    // In the book, not only at the wallet: what is made old below is a stake that was confirmed in its time.
    await eventually(async () => {
      const { rows } = await house.pool.query(
        'SELECT answer_result FROM operations WHERE id = $1',
        [operationId],
      );
      expect(rows).toEqual([{ answer_result: 'accepted' }]);
    });
    expect(balance()).toBe('920');
    await house.pool.query(
      `UPDATE operations SET deadline_at = deadline_at - interval '1 hour' WHERE id = $1`,
      [operationId],
    );
    const late = await second.credit(stake());
    expect(late).toMatchObject({ code: 0, balance: '920' });
    expect(late.external_session_id).toBe(String(operationId));
    expect((await house.provider.credit(stake())).text).toBe(late.text);
    expect(balance()).toBe('920');
  });

  test('of the worker while the wallet is asked: the next one asks with the same bytes, one charge', async () => {
    house.wallet.script('/bet', 'lose');
    house.wallet.always('/bet', 'hang');
    const asked = house.provider.credit(stake());
    await eventually(() => expect(bets().length).toBeGreaterThan(1));
    await house.stopWorker();
    house.wallet.always('/bet', null);
    await house.startWorker();
    expect(await asked).toMatchObject({ code: 0, balance: '960' });
    expect(new Set(bets().map(({ bytes }) => bytes)).size).toBe(1);
    expect(charges()).toBe(1);
  });

  test('of the worker between the code 1 and the end of the window: the stake is given back later', async () => {
    house.wallet.script('/bet', 'lose');
    house.wallet.always('/bet', 'hang');
    await house.configure({ answer_deadline_ms: 600, revive_window_ms: 300 });
    expect(await house.provider.credit(stake())).toMatchObject({ code: 1 });
    await house.stopWorker();
    house.wallet.always('/bet', null);
    await sleep(1_000);
    await house.startWorker();
    await house.ended(player.id, '12');
    expect(await registers()).toEqual(['done', 'failed']);
    expect(charges()).toBe(1);
    expect(balance()).toBe('1000');
  });
});
