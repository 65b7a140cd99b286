import { sleep } from '../../src/lib/clock';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';
import type { WalletCallSeen } from '../support/test-wallet';

let house: TestRoundhouse;
let player: TestPlayer;

const USUAL = { answer_deadline_ms: 15_000, close_grace_ms: 200, idle_close_ms: 86_400_000 };

beforeAll(async () => {
  house = await startRoundhouse({
    partner: { wallet_attempt_timeout_ms: 400 },
    connection: USUAL,
  });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));
afterEach(async () => {
  for (const endpoint of ['/history', '/bet-end']) house.wallet.always(endpoint, null);
  await house.configure(USUAL);
});

let transactions = 11_000;
const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: String(++transactions),
  amount: '40',
  ...of,
});
const events = () => house.callsOf(player, '/history');
const ofBet = (betId: unknown) => events().filter(({ body }) => body._id === betId);
const types = (calls: WalletCallSeen[]) => calls.map(({ body }) => body.type);

/** The create has left. A bet that is final before that needs no second event, however slow the machine. */
const created = (count = 1) =>
  eventually(() => expect(events().length).toBeGreaterThanOrEqual(count));

async function playAWin(afterItsStake: () => Promise<unknown> = () => created()): Promise<void> {
  await house.provider.credit(call());
  await afterItsStake();
  await house.provider.debit(call({ amount: '25', close: true }));
}

test('create, then update, each until its first 200 and never again, each time with the same bytes', async () => {
  const down = { status: 500, body: '' };
  house.wallet.script('/history', down, 'lose', { status: 204, body: '' });
  await playAWin();
  await house.ended(player.id, '12');
  expect(types(events())).toEqual(['create', 'create', 'create', 'create', 'update']);
  expect(new Set(events().map(({ bytes }) => bytes)).size).toBe(2);
  const [create, update] = [events()[0]?.body, events()[4]?.body];
  expect(update).toMatchObject({
    _id: create?._id,
    provider: 'Copper',
    game: 'Copper Mine',
    game_id: '11',
    before_balance: 1000,
    after_balance: 985,
    used_balance: 40,
    receive_balance: 25,
    winlose: -15,
    createdAt: create?.createdAt,
  });
  expect(create?.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(String(update?.updatedAt) > String(create?.updatedAt)).toBe(true);
  await sleep(500);
  expect(events()).toHaveLength(5);
});

test('nothing overtakes a create that is under way: one event in flight a bet', async () => {
  house.wallet.script('/history', 'hang', 'hang');
  await playAWin();
  await house.ended(player.id, '12');
  expect(types(events())).toEqual(['create', 'create', 'create', 'update']);
  for (const [i, event] of events().entries()) {
    const before = events()[i - 1];
    // A hanging attempt is given up after 400 ms; the next never leaves before.
    if (before && i < 3) expect(event.atMs - before.atMs).toBeGreaterThan(350);
  }
});

test('a record waits for no bet-end', async () => {
  house.wallet.always('/bet-end', { status: 500, body: '' });
  await playAWin();
  await eventually(() =>
    expect(events().at(-1)?.body).toMatchObject({ type: 'update', receive_balance: 25 }),
  );
  house.wallet.always('/bet-end', null);
  await house.ended(player.id, '12');
});

test('a partner whose history is down still gets its bets, wins and ends', async () => {
  house.wallet.always('/history', { status: 503, body: '' });
  await playAWin();
  await eventually(() => expect(house.callsOf(player, '/bet-end')).toHaveLength(1));
  expect(house.wallet.balance(player.userAgent)).toBe('985');
  house.wallet.always('/history', null);
  await house.ended(player.id, '12');
});

test('a loss closed by its own stake is told once; one that we close is told again when it is final', async () => {
  await house.provider.credit(call({ close: true }));
  await house.ended(player.id, '12');
  expect(types(events())).toEqual(['create']);

  await house.provider.credit(call({ round: '13' }));
  await created(2);
  await house.provider.credit(call({ round: '14' }));
  await house.ended(player.id, '13');
  const betId = house.callsOf(player, '/bet')[1]?.body.bet_id;
  expect(types(ofBet(betId))).toEqual(['create', 'update']);
  expect(ofBet(betId)[1]?.body).toMatchObject({ winlose: -40, after_balance: 920 });
});

test('each bet of a round has its own record; a declined one has none', async () => {
  await house.provider.credit(call({ amount: '10' }));
  await house.provider.credit(call({ amount: '20' }));
  await house.provider.credit(call({ amount: '5000' }));
  await house.provider.debit(call({ amount: '7', betAmount: '20', close: true }));
  await house.ended(player.id, '12');
  const [first, second, declined] = house.callsOf(player, '/bet').map(({ body }) => body.bet_id);
  expect(ofBet(first).at(-1)?.body).toMatchObject({ used_balance: 10, winlose: -10 });
  expect(ofBet(second).at(-1)?.body).toMatchObject({ used_balance: 20, winlose: -13 });
  expect(ofBet(declined)).toEqual([]);
});

test('a game title that JSON writers differ on goes out as plain ASCII', async () => {
  await house.pool.query(`UPDATE games SET title = 'Ägypten & "Gold"' WHERE game_id = '12'`);
  await house.provider.credit(call({ game: '12', close: true }));
  await house.ended(player.id, '12');
  expect(String(events()[0]?.body.game)).toMatch(/^[ !#-%'-.0-;=?-[\]-~]+$/);
  expect(house.wallet.badSignatures).toBe(0);
});

describe('partners that want less', () => {
  afterAll(() => want({ history: true, bet_end: true }));
  const want = (settings: Record<string, boolean>) =>
    house.pool.query('UPDATE partners SET settings = settings || $1', [JSON.stringify(settings)]);

  test('history=false: no record, all the rest', async () => {
    await want({ history: false, bet_end: true });
    await playAWin(() => Promise.resolve());
    await house.ended(player.id, '12');
    expect(events()).toEqual([]);
    expect(house.callsOf(player, '/bet-end')).toHaveLength(1);
  });

  test('bet_end=false: no bet-end, all the rest', async () => {
    await want({ history: true, bet_end: false });
    await playAWin();
    await house.ended(player.id, '12');
    expect(house.callsOf(player, '/bet-end')).toEqual([]);
    expect(types(events())).toEqual(['create', 'update']);
  });

  test('neither, closed by nothing: the round still comes to rest', async () => {
    await want({ history: false, bet_end: false });
    await house.provider.credit(call());
    await house.provider.debit(call({ amount: '0', close: true }));
    await house.ended(player.id, '12');
    expect((await house.roundOf(player.id, '12')).status).toBe('closed');
  });
});
