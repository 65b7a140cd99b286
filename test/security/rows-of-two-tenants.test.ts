import { startTwoTenants, type TwoTenants } from '../support/two-tenants';

/** Row S19, the second wall: what the book refuses whatever a statement says (docs/decisions/0011). */

let world: TwoTenants;

beforeAll(async () => {
  world = await startTwoTenants();
});
afterAll(() => world?.close());

test.each([
  [
    "a session of another partner's player",
    `UPDATE sessions SET partner_id = (SELECT id FROM partners WHERE prefix = 'BET2') WHERE player_id = $1`,
    'sessions_player_fkey',
  ],
  [
    "a round of another partner's player",
    `UPDATE rounds SET partner_id = (SELECT id FROM partners WHERE prefix = 'BET2') WHERE player_id = $1`,
    'rounds_player_fkey',
  ],
  [
    "a round in another player's session",
    `UPDATE rounds SET session_id = (SELECT max(id) FROM sessions WHERE player_id <> $1) WHERE player_id = $1`,
    'rounds_session_fkey',
  ],
  [
    'a round in a session of another connection',
    `UPDATE rounds SET connection_id = (SELECT id FROM connections WHERE key = 'amber') WHERE player_id = $1`,
    'rounds_session_fkey',
  ],
  [
    "a payout of another's round on a bet",
    `UPDATE bets SET payout_operation_id =
        (SELECT o.id FROM operations o JOIN rounds r ON r.id = round_id WHERE player_id <> $1 AND kind = 'stake' LIMIT 1)
      WHERE round_id = (SELECT max(id) FROM rounds WHERE player_id = $1)`,
    'bets_payout_operation_fkey',
  ],
  [
    "a bet moved into another's round",
    `UPDATE bets SET round_id = (SELECT max(id) FROM rounds WHERE player_id <> $1)
      WHERE round_id = (SELECT max(id) FROM rounds WHERE player_id = $1)`,
    // Its calls hold it first; without any, its operation would.
    'obligations_bet_fkey',
  ],
  [
    "a call that is owed, moved to another's round",
    `UPDATE obligations SET round_id = (SELECT max(id) FROM rounds WHERE player_id <> $1)
      WHERE round_id = (SELECT max(id) FROM rounds WHERE player_id = $1)`,
    'obligations_bet_fkey',
  ],
])('the book refuses %s', async (_, statement, constraint) => {
  const { house, a } = world;
  const { rowCount } = await house.pool.query('SELECT 1 FROM rounds WHERE player_id = $1', [
    a.playerId,
  ]);
  expect(rowCount).toBe(2);
  await expect(house.pool.query(statement, [a.playerId])).rejects.toMatchObject({ constraint });
});
