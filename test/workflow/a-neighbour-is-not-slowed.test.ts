import { createPartner, partnerByPrefix } from '../../src/db/partners';
import { findOrCreatePlayer } from '../../src/db/players';
import { productsFor } from '../../src/db/catalogue';
import { createSession } from '../../src/db/sessions';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import { startTestWallet, type TestWallet } from '../support/test-wallet';

jest.setTimeout(300_000);

/** Calls of the dead partner under way at once (issue: 40). */
const DEAD_CALLS = 40;
const SPINS = 60;
/** Times the neighbour is looked at beside them. */
const LOOKS = 3;

let house: TestRoundhouse;
let deadWallet: TestWallet;
beforeAll(async () => {
  house = await startRoundhouse({
    partner: { wallet_attempt_timeout_ms: 2_000 },
    connection: { answer_deadline_ms: 4_500 },
  });
});
afterAll(async () => {
  await deadWallet?.close();
  await house?.close();
});

async function deadPartner(): Promise<TestPlayer[]> {
  let secret = '';
  deadWallet = await startTestWallet(() => secret);
  const made = await createPartner(house.office, {
    prefix: 'DEAD',
    currency: 'EUR',
    walletUrl: deadWallet.url,
    // Every call hangs longer than the test, so that all of them are in flight all the time.
    settings: { wallet_attempt_timeout_ms: 120_000, max_in_flight: DEAD_CALLS },
  });
  secret = made.agentSecret;
  const partner = await partnerByPrefix(house.pool, 'DEAD');
  if (!partner) throw new Error('no partner');
  const [product] = await productsFor(house.pool, partner);
  if (!product) throw new Error('no product');
  return Promise.all(
    Array.from({ length: DEAD_CALLS }, async (_, index) => {
      const { player } = await findOrCreatePlayer(house.pool, partner, `d${index}`);
      const { token } = await createSession(house.pool, {
        playerId: player.playerId,
        partnerId: partner.id,
        connectionId: house.connection.id,
        productId: product.id,
        gameId: '11',
        currency: 'EUR',
        isDemo: false,
        isMobile: false,
        nowMs: Date.now(),
      });
      return { id: player.playerId, userAgent: `DEAD.d${index}`, token };
    }),
  );
}

let transaction = 0;
async function spins(player: TestPlayer): Promise<number[]> {
  const times: number[] = [];
  for (let spin = 0; spin < SPINS; spin++) {
    transaction += 1;
    const begin = performance.now();
    const call = { token: player.token, player: player.id, round: String(transaction) };
    const told = await house.provider.credit({
      ...call,
      transaction: String(transaction),
      amount: '1',
      close: true,
    });
    times.push(performance.now() - begin);
    expect(told.code).toBe(0);
  }
  return times;
}
const quantile = (times: number[], share: number) =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ??
  NaN;

test('forty calls in flight to a dead partner leave the neighbour its latency', async () => {
  const neighbour = await house.newPlayer();
  const players = await deadPartner();
  await spins(neighbour);
  const calm = await spins(neighbour);

  deadWallet.always('/bet', 'hang');
  const dead = players.map(({ token, id }, index) =>
    house.provider.credit({
      token,
      player: id,
      round: '1',
      transaction: String(index + 1),
      amount: '1',
    }),
  );
  await eventually(() => {
    expect(deadWallet.calls).toHaveLength(DEAD_CALLS);
    return Promise.resolve();
  }, 30_000);
  const disturbed: number[][] = [];
  for (let look = 0; look < LOOKS; look++) disturbed.push(await spins(neighbour));
  // Each of them was still in flight when the last spin was answered: one call, and no second.
  expect(deadWallet.calls).toHaveLength(DEAD_CALLS);
  expect((await Promise.all(dead)).map(({ code }) => code)).toEqual(players.map(() => 1));

  // Ratios within one run, of medians, and the best of the looks: the machine is shared, and what a neighbour suffers
  // from forty calls that hang all the time it suffers at each look. All are printed, for docs/operations/chaos.
  const ratios = (share: number) =>
    disturbed.map((times) => quantile(times, share) / quantile(calm, share));
  const told = (share: number) => ratios(share).map((ratio) => ratio.toFixed(2));
  process.stderr.write(
    `neighbour of a dead partner: p50 ${told(0.5).join(', ')}, p99 ${told(0.99).join(', ')} of calm\n`,
  );
  expect(Math.min(...ratios(0.5))).toBeLessThan(1.5);
});
