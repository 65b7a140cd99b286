import { run } from '../../src/cli/run';
import { showRound } from '../../src/db/show-round';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';

let house: TestRoundhouse;
let player: TestPlayer;
beforeAll(async () => {
  house = await startRoundhouse({ connection: { answer_deadline_ms: 15_000 } });
  player = await house.newPlayer();
});
afterAll(() => house?.close());

const call = (transaction: string, amount: string, close = false) => ({
  token: player.token,
  player: player.id,
  round: '1',
  transaction,
  amount,
  close,
});

test('of every attempt the book tells what was sent, when, what came back, its class and the next one', async () => {
  house.wallet.script('/bet', { status: 503, body: 'come back later' }, 'reset');
  expect((await house.provider.credit(call('1', '5'))).code).toBe(0);
  expect((await house.provider.debit(call('2', '9', true))).code).toBe(0);
  await house.ended(player.id, '1');
  const shown = await showRound(house.pool, `sandbox/${player.id}/1`);

  const take = shown?.attempts.filter((one) => one.verb === 'take') ?? [];
  expect(take).toMatchObject([
    { attempt: 1, class: 'unknown', http_status: 503, received: 'come back later' },
    { attempt: 2, class: 'unknown', http_status: null, received: null },
    { attempt: 3, class: 'done', http_status: 200, next_attempt_at: null },
  ]);
  expect(take[0]?.came_back).toContain('503');
  expect(take[2]?.received).toContain('"balance":');
  for (const [index, one] of take.entries()) {
    const following = take[index + 1];
    expect(one.took_ms).toBeGreaterThanOrEqual(0);
    if (!following) continue;
    // The repeat that was promised at the end of an attempt is the one that came.
    const ended = Date.parse(one.started_at) + (one.took_ms ?? 0);
    expect(Date.parse(one.next_attempt_at ?? '')).toBeGreaterThan(ended - 100);
    expect(Date.parse(following.started_at)).toBeGreaterThanOrEqual(
      Date.parse(one.next_attempt_at ?? '') - 100,
    );
  }

  // What was sent stands in the book without its signature, the same for each attempt.
  const sent = shown?.calls.find((one) => one.verb === 'take')?.sent ?? '';
  const seen = house.callsOf(player, '/bet');
  expect(seen.length).toBeGreaterThanOrEqual(2);
  for (const { bytes } of seen) {
    expect(bytes.replace(/,"hmac":"[0-9a-f]{64}"\}$/, '}')).toBe(sent);
  }
  expect(JSON.stringify(shown)).not.toContain('hmac');

  // Both registers of the stake, and totals that are the journal's.
  expect(shown?.bets).toMatchObject([{ outcome: 'done', decision: 'confirmed', paid: true }]);
  expect(shown?.totals).toEqual({ staked: '5', paid: '9', owed: '0', given_back: '0' });
});

test('"round show" reads well, and shows the bytes when they are asked for', async () => {
  const show = async (...flags: string[]) => {
    let out = '';
    const code = await run(['round', 'show', `sandbox/${player.id}/1`, ...flags], {
      stdout: (text) => void (out += text),
      stderr: () => undefined,
      environment: { DATABASE_URL: String(house.pool.options.connectionString) },
    });
    expect(code).toBe(0);
    return out;
  };
  const text = await show();
  for (const section of ['ROUND', 'TOTALS', 'OPERATIONS', 'BETS', 'CALLS', 'ATTEMPTS']) {
    expect(text).toMatch(new RegExp(`^${section}$`, 'm'));
  }
  expect(text).toMatch(/take +1 +1 +\S+Z +\d+ +unknown +503 /);
  expect(text).not.toContain('come back later"');
  const bytes = await show('--bytes');
  expect(bytes).toMatch(/\/take\/1 +1 +come back later$/m);
  expect(bytes).toMatch(/\/take\/1 +\{.*"bet_id":/);
});
