import { anotherPartner, type AnotherPartner } from '../support/another-partner';
import { askUrlFrom } from '../support/ask-from';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { ProviderReply } from '../support/test-provider';

/** Two connections make 32 seats for stakes, 16 of them for one partner. */
const API_POOL_MAX = 2;
const PARTNER_SEATS = 16;
const TOO_MANY = 8;

/** Patient enough that every stake that waits for a wallet still waits when the refusals are counted. */
const settings = { wallet_attempt_timeout_ms: 1_000, max_in_flight: 64 };

let house: TestRoundhouse;
let other: AnotherPartner;
let player: TestPlayer;
beforeAll(async () => {
  house = await startRoundhouse({
    apiPoolMax: API_POOL_MAX,
    partner: settings,
    connection: { answer_deadline_ms: 60_000, close_on_next_stake: false },
  });
  other = await anotherPartner(house, 'OTHER', settings);
  player = await house.newPlayer();
});
afterAll(async () => {
  await other?.wallet.close();
  await house?.close();
});

let number = 0;
function call(of: TestPlayer) {
  number += 1;
  const id = String(number);
  return { token: of.token, player: of.id, round: id, transaction: id, amount: '1' };
}

/** Stakes under way, and the answers that have come so far. */
function stakes(of: TestPlayer, count: number) {
  const answers: ProviderReply[] = [];
  const calls = Array.from({ length: count }, () => call(of));
  const all = Promise.all(
    calls.map(async (each) => {
      const answer = await house.provider.credit(each);
      answers.push(answer);
      return answer;
    }),
  );
  return { answers, all, calls };
}

async function operationsOf(of: TestPlayer, rounds: readonly string[]): Promise<number> {
  const { rows } = await house.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM operations o JOIN rounds r ON r.id = o.round_id
      WHERE r.player_id = $1 AND r.round_ref = ANY($2)`,
    [of.id, rounds],
  );
  return rows[0]?.count ?? NaN;
}

const codes = (answers: readonly ProviderReply[]) =>
  answers.map(({ code }) => code).sort((a, b) => a - b);
const times = (count: number, code: number) => Array.from({ length: count }, () => code);

test("a partner whose wallet hangs fills its own part: the rest is refused at once, another partner's stakes are not", async () => {
  other.wallet.always('/bet', 'hang');
  const flood = stakes(other.player, PARTNER_SEATS + TOO_MANY);
  await eventually(() => expect(flood.answers).toHaveLength(TOO_MANY), 30_000);
  expect(flood.answers.map(({ status, code, message }) => ({ status, code, message }))).toEqual(
    Array.from({ length: TOO_MANY }, () => ({
      status: 200,
      code: 1,
      message: 'too many requests are under way; nothing was taken',
    })),
  );
  expect(await house.provider.credit(call(player))).toMatchObject({ code: 0 });
  // Whoever was accepted waits until the wallet is back, and nobody was refused meanwhile.
  expect(flood.answers).toHaveLength(TOO_MANY);

  other.wallet.always('/bet', null);
  expect(codes(await flood.all)).toEqual([...times(PARTNER_SEATS, 0), ...times(TOO_MANY, 1)]);
  expect(other.wallet.effects('/bet')).toBe(PARTNER_SEATS);
  const rounds = flood.calls.map(({ round }) => round);
  expect(await operationsOf(other.player, rounds)).toBe(PARTNER_SEATS);
});

test('stakes over the bound are refused at once while payouts are paid, and every accepted stake has its answer', async () => {
  const won = call(player);
  expect(await house.provider.credit(won)).toMatchObject({ code: 0 });
  other.wallet.always('/bet', 'hang');
  house.wallet.always('/bet', 'hang');
  const floods = [stakes(other.player, PARTNER_SEATS), stakes(player, PARTNER_SEATS)];
  const asked = async (of: TestPlayer) =>
    operationsOf(
      of,
      floods.flatMap(({ calls }) => calls.map(({ round }) => round)),
    );
  await eventually(async () => {
    expect(floods.flatMap(({ answers }) => answers)).toEqual([]);
    expect([await asked(player), await asked(other.player)]).toEqual([
      PARTNER_SEATS,
      PARTNER_SEATS,
    ]);
  }, 30_000);

  const refused = stakes(player, TOO_MANY);
  expect((await refused.all).map(({ code, message }) => ({ code, message }))).toEqual(
    Array.from({ length: TOO_MANY }, () => ({
      code: 1,
      message: 'too busy; this request did nothing',
    })),
  );
  expect(
    await operationsOf(
      player,
      refused.calls.map(({ round }) => round),
    ),
  ).toBe(0);
  const payout = { ...won, transaction: `9${won.transaction}`, amount: '5' };
  expect(await house.provider.debit(payout)).toMatchObject({ code: 0 });
  expect(floods.flatMap(({ answers }) => answers)).toEqual([]);

  other.wallet.always('/bet', null);
  house.wallet.always('/bet', null);
  for (const { all } of floods) expect(codes(await all)).toEqual(times(PARTNER_SEATS, 0));
});

test('an exhausted connection pool is code 1 and 503 with Retry-After, and payouts find connections of their own', async () => {
  const won = call(player);
  expect(await house.provider.credit(won)).toMatchObject({ code: 0 });
  const taken = await Promise.all(
    Array.from({ length: API_POOL_MAX }, () => house.apiPool.connect()),
  );
  const api = { method: 'GET', headers: { 'x-api-key': house.apiKey } } as const;
  const late = call(player);
  const [stake, list, payout] = await Promise.all([
    house.provider.credit(late),
    askUrlFrom('127.0.0.1', `${house.baseUrl}/game/provider`, api),
    house.provider.debit({ ...won, transaction: `9${won.transaction}`, amount: '5' }),
  ]).finally(() => taken.forEach((client) => client.release()));
  expect(stake).toMatchObject({ status: 200, code: 1, message: 'Internal Error' });
  expect(await operationsOf(player, [late.round])).toBe(0);
  expect(list).toMatchObject({ status: 503, text: '{"error":"Service Unavailable"}' });
  expect(list.headers['retry-after']).toBe('1');
  expect(payout).toMatchObject({ code: 0 });
  expect(await house.provider.credit(late)).toMatchObject({ code: 0 });
});
