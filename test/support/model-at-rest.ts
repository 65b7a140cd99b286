import { auditSnapshot } from '../../src/db/audit';
import { eventually } from './eventually';
import { expectedCents, type ModelOperation, type MoneyModel } from './money-model';
import type { TestPlayer, TestRoundhouse } from './roundhouse';

/** What a player's money began with; the test wallet gives that to everybody. */
export const START_CENTS = 100_000n;

interface BetRow {
  readonly id: string;
  readonly kind: 'stake' | 'payout';
  readonly transaction: string;
  readonly stake: string;
  readonly outcome: string;
  readonly decision: string;
  readonly payout: string;
}

async function betsOf(house: TestRoundhouse, player: TestPlayer): Promise<BetRow[]> {
  const { rows } = await house.pool.query<BetRow>(
    `SELECT b.id, o.kind, o.transaction_ref AS transaction, b.stake, b.outcome, b.decision, b.payout
       FROM bets b JOIN operations o ON o.id = b.operation_id JOIN rounds r ON r.id = b.round_id
      WHERE r.player_id = $1`,
    [player.id],
  );
  return rows;
}

/** The wallet has taken a stake before anybody is told 0. */
export async function expectTaken(
  house: TestRoundhouse,
  player: TestPlayer,
  stake: ModelOperation,
): Promise<void> {
  const bets = await betsOf(house, player);
  const bet = bets.find(
    ({ kind, transaction }) => kind === 'stake' && transaction === stake.transaction,
  );
  expect(bet).toMatchObject({ outcome: 'done', decision: 'confirmed' });
  expect(house.wallet.effects('/bet', bet?.id)).toBe(1);
}

/** Waits until nothing of a player's rounds is owed, undecided or waited for. No sweep helps. */
export async function quiet(house: TestRoundhouse, player: TestPlayer): Promise<void> {
  await eventually(async () => {
    const { rows } = await house.pool.query(
      `SELECT r.round_ref, r.status, r.closes_previous,
              (SELECT json_agg(o) FROM obligations o WHERE o.round_id = r.id AND o.status = 'open') AS owed,
              (SELECT json_agg(b) FROM bets b WHERE b.round_id = r.id AND b.decision = 'open') AS undecided,
              (SELECT json_agg(p) FROM operations p WHERE p.round_id = r.id
                 AND p.payout_state IN ('waiting', 'owed')) AS unpaid
         FROM rounds r WHERE r.player_id = $1`,
      [player.id],
    );
    const busy = (rows as Record<string, unknown>[]).filter(
      (row) => row.owed ?? row.undecided ?? row.unpaid ?? row.closes_previous === 'due',
    );
    expect(busy.map((row) => JSON.stringify(row))).toEqual([]);
  }, 60_000);
}

const centsOf = (amount: unknown) => BigInt(Math.round(Number(amount) * 100));

/** At rest: the provider's book, ours, the wallet's and the records tell the same money (rule 13). */
export async function expectAgreement(
  house: TestRoundhouse,
  player: TestPlayer,
  model: MoneyModel,
): Promise<void> {
  const { wallet } = house;
  const expected = expectedCents(model, START_CENTS);
  expect(centsOf(wallet.balance(player.userAgent))).toBe(expected);

  // Ours: exactly the accepted operations, each answered 0.
  const { rows: answers } = await house.pool.query<{ name: string }>(
    `SELECT o.kind || ' ' || o.transaction_ref AS name FROM operations o JOIN rounds r ON r.id = o.round_id
      WHERE r.player_id = $1 AND o.answer_result = 'accepted' ORDER BY o.id`,
    [player.id],
  );
  const accepted = model.operations.filter(({ told }) => told === 'accepted');
  expect(answers.map(({ name }) => name).sort()).toEqual(
    accepted.map(({ kind, transaction }) => `${kind} ${transaction}`).sort(),
  );

  // The wallet's: each bet taken, given and ended as its registers say, and never under a second id.
  const bets = await betsOf(house, player);
  for (const bet of bets) {
    const isDone = bet.outcome === 'done';
    const gives = bet.decision === 'failed' ? bet.stake !== '0' : bet.payout !== '0';
    const seen = ['/bet', '/settle-bet', '/bet-end'].map((path) => wallet.effects(path, bet.id));
    expect({ bet, seen }).toEqual({ bet, seen: isDone ? [1, gives ? 1 : 0, 1] : [0, 0, 0] });
  }
  const ids = new Set(bets.map(({ id }) => id));
  const texts = new Map<string, string>();
  for (const { endpoint, bytes, body } of wallet.calls) {
    if (body.user_agent !== player.userAgent || body.bet_id === undefined) continue;
    expect(ids).toContain(body.bet_id);
    const call = `${endpoint} ${String(body.bet_id)}`;
    expect(bytes).toBe(texts.get(call) ?? bytes);
    texts.set(call, bytes);
  }

  // The records: one bet each, and the last of each tells what its bet came to.
  const records = new Map(
    house.callsOf(player, '/history').map(({ body }) => [String(body._id), body]),
  );
  expect([...records.keys()].sort()).toEqual(
    bets
      .filter(({ outcome }) => outcome === 'done')
      .map(({ id }) => id)
      .sort(),
  );
  const told = [...records.values()].reduce((sum, body) => sum + centsOf(body.winlose), 0n);
  expect(told).toBe(expected - START_CENTS);

  const { rows: conflicts } = await house.pool.query(
    `SELECT 1 FROM cases c JOIN rounds r ON r.id = c.round_id
      WHERE r.player_id = $1 AND c.kind = 'conflict'`,
    [player.id],
  );
  expect(conflicts).toHaveLength(model.conflicts.size);
  expect((await auditSnapshot(house.pool)).contradictions).toEqual([]);
}
