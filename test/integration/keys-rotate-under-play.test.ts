/**
 * Rotations and suspensions while rounds are played: no request is refused and no signature is bad that was
 * promised to be good; and what is owed is paid, whoever is suspended.
 */
import pino from 'pino';
import { noteConnectionKeyUse, rotateConnectionKey } from '../../src/db/connection-keys';
import { activateAgentSecret, rotateAgentSecret } from '../../src/db/partner-secrets';
import { rotateApiKey } from '../../src/db/partner-keys';
import { setPlayerBlocked } from '../../src/db/players';
import { updatePartner } from '../../src/db/partners';
import { createTestProvider } from '../support/test-provider';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let house: TestRoundhouse;
let logged = '';
let rounds = 0;

beforeAll(async () => {
  const log = pino({ level: 'warn' }, { write: (line: string) => void (logged += line) });
  house = await startRoundhouse({ log, connection: { answer_deadline_ms: 15_000 } });
});
afterAll(() => house?.close());

const call = (player: TestPlayer, of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: String(++rounds),
  transaction: String(5_000 + rounds),
  amount: '5',
  ...of,
});

function openGame(apiKey: string, player: TestPlayer): Promise<Response> {
  return fetch(`${house.baseUrl}/game/open-game`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: JSON.stringify({
      user_agent: player.userAgent,
      game_provider: 'Copper',
      game_id: '11',
      redirect_url: 'https://casino.example.com',
      mobile: false,
      ip: '192.0.2.1',
    }),
  });
}

/** Plays a round to its end: a stake, a win that closes it, and the end of its workflow. */
async function play(player: TestPlayer, provider = house.provider): Promise<MoneyCall> {
  const stake = call(player);
  expect(await provider.credit(stake)).toMatchObject({ code: 0 });
  const win = { ...stake, transaction: `9${stake.transaction}`, amount: '7', close: true };
  expect(await provider.debit(win)).toMatchObject({ code: 0 });
  await house.ended(player.id, stake.round);
  return stake;
}

test("a provider's old and new key both play until the overlap ends; then the old one is 10", async () => {
  const player = await house.newPlayer();
  const { id, key } = house.connection;
  const renewed = createTestProvider(() => `${house.baseUrl}/providers/sandbox`, 'renewed');
  expect(await renewed.credit(call(player))).toMatchObject({ code: 10 });
  await rotateConnectionKey(house.office, key, { apiKey: 'renewed', overlapMs: HOUR / 2 });
  // A use is noted once a minute, and told with it.
  await house.pool.query(`UPDATE connection_keys SET last_used_at = now() - interval '2 minutes'`);
  await play(player);
  await play(player, renewed);
  await eventually(() => expect(logged).toContain('"version":1'));
  expect(logged).toContain("a provider's key that ends within the hour is still in use");
  expect(logged).not.toContain('"version":2');
  expect(await noteConnectionKeyUse(house.pool, id, 1)).toBe(false);

  await house.pool.query('UPDATE connection_keys SET expires_at = now() WHERE version = 1');
  expect(await house.provider.credit(call(player))).toMatchObject({ code: 10 });
  await play(player, renewed);
  // What follows is signed with the first key again.
  await rotateConnectionKey(house.office, key, { apiKey: 'secret', overlapMs: 0 });
});

test('an AGENT_SECRET is rotated while rounds are played, without one bad signature', async () => {
  const player = await house.newPlayer();
  await play(player);
  const first = house.wallet.calls.at(-1)?.secret ?? '';
  const next = await rotateAgentSecret(house.office, 'LAG1', { overlapMs: DAY, replace: false });
  house.wallet.alsoAccept(next.agentSecret);
  await play(player);
  expect(new Set(house.wallet.calls.map(({ secret }) => secret))).toEqual(new Set([first]));

  await activateAgentSecret(house.office, 'LAG1');
  let changed = false;
  await eventually(async () => {
    await play(player);
    changed = house.wallet.calls.at(-1)?.secret === next.agentSecret;
    expect(changed).toBe(true);
  });
  const until = house.wallet.calls.length;
  await play(player);
  const since = house.wallet.calls.slice(until).map(({ secret }) => secret);
  expect(new Set(since)).toEqual(new Set([next.agentSecret]));
  expect(house.wallet.badSignatures).toBe(0);
});

test('an API key is rotated while launches go on; its last hour is a warning in the log', async () => {
  const player = await house.newPlayer();
  expect((await openGame(house.apiKey, player)).status).toBe(200);
  const made = await rotateApiKey(house.office, 'LAG1', HOUR / 2);
  expect((await openGame(house.apiKey, player)).status).toBe(200);
  expect((await openGame(made.apiKey, player)).status).toBe(200);
  expect(logged).not.toContain('API key that ends');
  await house.pool.query(`UPDATE partner_keys SET last_used_at = now() - interval '2 minutes'`);
  expect((await openGame(house.apiKey, player)).status).toBe(200);
  expect(logged).toContain('an API key that ends within the hour is still in use');
  expect(logged).not.toContain(house.apiKey);

  await house.pool.query('UPDATE partner_keys SET expires_at = now() WHERE expires_at IS NOT NULL');
  const refused = await openGame(house.apiKey, player);
  expect([refused.status, await refused.json()]).toEqual([401, { error: 'Invalid API key' }]);
  expect((await openGame(made.apiKey, player)).status).toBe(200);
});

test.each(['a suspended partner', 'a blocked player'])(
  '%s: no launch and no stake, and everything owed is paid, ended and reported',
  async (who) => {
    const player = await house.newPlayer();
    const { apiKey } = await rotateApiKey(house.office, 'LAG1', 0);
    const stop = (stopped: boolean) =>
      who === 'a blocked player'
        ? setPlayerBlocked(house.office, player.id, stopped)
        : updatePartner(house.office, 'LAG1', { status: stopped ? 'suspended' : 'active' });
    const stake = call(player);
    expect(await house.provider.credit(stake)).toMatchObject({ code: 0 });
    await stop(true);
    try {
      const launch = await openGame(apiKey, player);
      expect([launch.status, await launch.json()]).toEqual([
        403,
        { error: 'Account not permitted' },
      ]);
      expect(await house.provider.credit(call(player))).toMatchObject({ code: 4 });
      const { token } = player;
      expect(await house.provider.authorization({ token, player: player.id })).toMatchObject({
        code: 1,
      });
      const win = { ...stake, transaction: `8${stake.transaction}`, amount: '40', close: true };
      expect(await house.provider.debit(win)).toMatchObject({ code: 0 });
      await house.ended(player.id, stake.round);
      for (const endpoint of ['/settle-bet', '/bet-end']) {
        expect(house.callsOf(player, endpoint)).toHaveLength(1);
      }
      expect(house.wallet.balance(player.userAgent)).toBe('1035');
    } finally {
      await stop(false);
    }
    expect(await house.provider.credit(call(player))).toMatchObject({ code: 0 });
  },
);
