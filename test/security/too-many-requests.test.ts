import { createHash } from 'node:crypto';
import { updatePartner } from '../../src/db/partners';
import { sleep } from '../../src/lib/clock';
import { askUrlFrom } from '../support/ask-from';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';

/** Failures of one address that are answered as what they are; the next is refused unseen. */
const FAILURES_MAX = 100;

let house: TestRoundhouse;
let player: TestPlayer;
beforeAll(async () => {
  house = await startRoundhouse({
    apiPoolMax: 4,
    connection: { answer_deadline_ms: 30_000, close_on_next_stake: false },
  });
  player = await house.newPlayer();
});
afterAll(() => house?.close());

let number = 0;
function newCall() {
  number += 1;
  const id = String(number);
  return { token: player.token, player: player.id, round: id, transaction: id, amount: '1' };
}

/** How often a connection to the database is taken while `work` runs. */
async function lookUps(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const counted = () => void (count += 1);
  house.apiPool.on('acquire', counted);
  await work();
  house.apiPool.off('acquire', counted);
  return count;
}

const partnerApi = (from: string, apiKey: string) =>
  askUrlFrom(from, `${house.baseUrl}/game/provider`, {
    method: 'GET',
    headers: { 'x-api-key': apiKey },
  });
const callback = (from: string, connection: string, method: string, body: string) =>
  askUrlFrom(from, `${house.baseUrl}/providers/${connection}/${method}`, { body });
const operations = async () => {
  const { rows } = await house.pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM operations',
  );
  return rows[0]?.count;
};

test('keys tried one after the other are 429 with Retry-After, without a look-up, and only for their address', async () => {
  const wrong = house.apiKey.replace(/^(rh_live_[^_]+_).{4}/, '$1AAAA');
  for (let turn = 0; turn < FAILURES_MAX; turn++) {
    expect(await partnerApi('127.0.0.11', wrong)).toMatchObject({ status: 401 });
  }
  const spared = await lookUps(async () => {
    const told = await partnerApi('127.0.0.11', house.apiKey);
    expect(told).toMatchObject({ status: 429, text: '{"error":"Too Many Requests"}' });
    expect(Number(told.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(told.headers['retry-after'])).toBeLessThanOrEqual(10);
  });
  expect(spared).toBe(0);
  expect(await partnerApi('127.0.0.12', house.apiKey)).toMatchObject({ status: 200 });
});

test('an address shared with somebody whose key is wrong goes on working', async () => {
  for (let turn = 0; turn < FAILURES_MAX + 10; turn++) {
    expect(await partnerApi('127.0.0.13', 'wrong')).toMatchObject({ status: 401 });
    if (turn % 10 === 0) {
      expect(await partnerApi('127.0.0.13', house.apiKey)).toMatchObject({ status: 200 });
    }
  }
});

test('wrong hashes in a row are code 1 without a look-up, for their address and connection only', async () => {
  const forged = { ...newCall(), hash: createHash('md5').update('forged').digest('hex') };
  const body = house.provider.body('Credit', forged);
  for (let turn = 0; turn < FAILURES_MAX; turn++) {
    const { text } = await callback('127.0.0.14', 'sandbox', 'Credit', body);
    expect(JSON.parse(text)).toMatchObject({ code: 10 });
  }
  const good = house.provider.body('Credit', newCall());
  const spared = await lookUps(async () => {
    const { status, text } = await callback('127.0.0.14', 'sandbox', 'Credit', good);
    expect([status, text]).toEqual([
      200,
      '{"code":1,"message":"too many refused requests from this address"}',
    ]);
  });
  expect(spared).toBe(0);
  const elsewhere = await callback('127.0.0.14', 'another', 'Credit', good);
  expect(JSON.parse(elsewhere.text)).toMatchObject({ code: 1, message: 'Unknown connection' });
  expect(JSON.parse((await callback('127.0.0.15', 'sandbox', 'Credit', good)).text)).toMatchObject({
    code: 0,
  });
});

test('names of connections tried one after the other are code 1 without a look-up', async () => {
  const of = (turn: number) => callback('127.0.0.16', `guess-${turn}`, 'Credit', '{}');
  for (let turn = 0; turn < FAILURES_MAX; turn++) {
    expect(JSON.parse((await of(turn)).text)).toMatchObject({ message: 'Unknown connection' });
  }
  expect(await lookUps(() => of(FAILURES_MAX))).toBe(0);
});

test('a partner above its rate is 429 with Retry-After at that endpoint, and not at another', async () => {
  await updatePartner(house.office, 'LAG1', { settings: { requests_per_second: 3 } });
  // What the tests before asked for counts in its own second.
  await sleep(1_100);
  const told = await Promise.all(
    Array.from({ length: 20 }, () => partnerApi('127.0.0.17', house.apiKey)),
  );
  // A slow machine may spread them over several seconds; each second has its own three.
  const refused = told.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(told.length - refused.length).toBeGreaterThanOrEqual(3);
  for (const { headers, text } of refused) {
    expect([headers['retry-after'], text]).toEqual(['1', '{"error":"Too Many Requests"}']);
  }
  const list = `${house.baseUrl}/game/list`;
  const other = await askUrlFrom('127.0.0.17', list, { headers: { 'x-api-key': house.apiKey } });
  expect(other.status).not.toBe(429);
  await updatePartner(house.office, 'LAG1', { settings: { requests_per_second: null } });
});

test('stakes above the rate of their connection are code 1 with nothing recorded or sent; their payouts are paid', async () => {
  const won = newCall();
  expect(await house.provider.credit(won)).toMatchObject({ code: 0 });
  await house.configure({ requests_per_second: 1 });
  const before = await operations();
  const bets = house.wallet.seen('/bet').length;
  const told = await Promise.all(
    Array.from({ length: 12 }, () => house.provider.credit(newCall())),
  );
  const taken = told.filter(({ code }) => code === 0).length;
  const refused = told.filter(({ message }) => message === 'too many requests; nothing was taken');
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.map(({ status, code }) => [status, code])).toEqual(refused.map(() => [200, 1]));
  // Those that were neither are answered code 1 at their deadline: they are recorded.
  expect(await operations()).toBe((before ?? NaN) + told.length - refused.length);
  expect(house.wallet.seen('/bet').length - bets).toBeGreaterThanOrEqual(taken);

  const payouts = Array.from({ length: 5 }, (_, index) => ({
    ...won,
    transaction: `9${index}${won.transaction}`,
  }));
  const paid = await Promise.all(payouts.map((payout) => house.provider.debit(payout)));
  expect(paid.map(({ code }) => code)).toEqual(payouts.map(() => 0));
  // A stake that has its answer keeps it, however many are asked for.
  expect(await house.provider.credit(won)).toMatchObject({ code: 0 });
  await house.configure({ requests_per_second: null });
});

test('a key that cannot be opened refuses every callback and tells nothing: nothing is taken on trust', async () => {
  const before = await operations();
  const { rows } = await house.pool.query<{ sealed: Buffer }>(
    'SELECT sealed FROM connection_keys WHERE connection_id = $1',
    [house.connection.id],
  );
  const change = 'UPDATE connection_keys SET sealed = $2 WHERE connection_id = $1';
  const sealed = rows[0]?.sealed ?? Buffer.alloc(0);
  const broken = Buffer.from(sealed);
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
  await house.pool.query(change, [house.connection.id, broken]);
  try {
    for (const method of ['credit', 'debit'] as const) {
      const told = await house.provider[method](newCall());
      expect(told.text).toBe('{"code":1,"message":"Internal Error"}');
    }
  } finally {
    await house.pool.query(change, [house.connection.id, sealed]);
  }
  expect(await operations()).toBe(before);
  expect(await house.provider.credit(newCall())).toMatchObject({ code: 0 });
});
