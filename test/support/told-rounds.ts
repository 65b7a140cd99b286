import type { TestPages } from './test-pages';

type Row = Record<string, unknown>;

/** A round as rows of the book: what a page tells, without playing it. Times are of one morning. */
export interface ToldRound {
  readonly round?: Row;
  /** By number; stakes and payouts in minor units. */
  readonly operations?: readonly Row[];
  readonly bets?: readonly Row[];
  readonly calls?: readonly Row[];
  readonly cases?: readonly Row[];
}

const MORNING = '2026-11-21T08:00:0';
let rounds = 9_007_199_254_740_993n;
let operations = 500;

/** The next operation number. */
const nextOperation = () => ++operations;
/** The bet that a stake of this number made. */
const betOf = (operation: number) => operation.toString(16).padStart(24, '0');

/** A stake that was taken, of 42.60. */
function takenStake() {
  const id = nextOperation();
  const bet_id = betOf(id);
  return {
    betId: bet_id,
    operation: { id, kind: 'stake', amount: 4260, bet_id, answer_balance: '957.40' } as Row,
    bet: { id: bet_id, operation_id: id, stake: 4260, paid: false, last_balance: '957.4' } as Row,
    take: { bet_id, verb: 'take' } as Row,
  };
}

/** A stake that came to nothing: the provider was refused. */
function refusedStake(outcome: 'none' | 'done' | 'declined') {
  const stake = takenStake();
  const refused = { answer_result: 'failed', answer_balance: null };
  return {
    ...stake,
    operation: { ...stake.operation, ...refused },
    bet: { ...stake.bet, outcome, decision: 'failed' },
  };
}

type Told = ToldRound & { readonly betId: string };

/** Rounds in every state that a player may ask about. */
export const TOLD_ROUNDS = {
  lost(): Told {
    const { betId, operation, bet, take } = takenStake();
    return { betId, operations: [{ ...operation, is_close: true }], bets: [bet], calls: [take] };
  },
  won(): Told {
    const { betId, operation, bet, take } = takenStake();
    const win = nextOperation();
    return {
      betId,
      round: { closing_at: `${MORNING}1Z` },
      operations: [
        operation,
        {
          ...{ id: win, kind: 'payout', amount: 10_000, bet_id: betId, payout_state: 'paid' },
          ...{ answer_balance: '1057.4', is_close: true, answer_written_at: `${MORNING}1.2Z` },
        },
      ],
      bets: [{ ...bet, payout: 10_000, payout_operation_id: win, paid: true }],
      calls: [take, { bet_id: betId, verb: 'give' }, { bet_id: betId, verb: 'end' }],
    };
  },
  /** A stake, a win that was paid, and a second win that is still owed, on a carrier. */
  owed(): Told & { carrier: string } {
    const { betId, operation, bet, take } = takenStake();
    const [win, second] = [nextOperation(), nextOperation()];
    const carrier = betOf(second);
    const paid = { id: win, kind: 'payout', amount: 2_000, bet_id: betId, payout_state: 'paid' };
    return {
      betId,
      carrier,
      round: { status: 'closing', closed_by: 'next_stake', closing_at: `${MORNING}7Z` },
      operations: [
        operation,
        { ...paid, answer_balance: '977.4', created_at: `${MORNING}5Z` },
        {
          ...{ id: second, kind: 'payout', amount: 500, bet_id: carrier, payout_state: 'owed' },
          created_at: `${MORNING}6Z`,
        },
      ],
      bets: [
        { ...bet, payout: 2_000, payout_operation_id: win, paid: true },
        {
          ...{ id: carrier, form: 'carrier', operation_id: second, stake: 0, payout: 500 },
          ...{ payout_operation_id: second, paid: false },
        },
      ],
      calls: [
        take,
        { bet_id: betId, verb: 'give' },
        {
          ...{ bet_id: carrier, verb: 'give', status: 'open', attempts: 7 },
          last_failure: 'timeout: no answer in 2000 ms',
        },
        { bet_id: betId, verb: 'report', status: 'open' },
      ],
    };
  },
  declined(): Told {
    const { betId, operation, bet, take } = refusedStake('declined');
    return { betId, operations: [operation], bets: [bet], calls: [take] };
  },
  /** Taken too late, so it does not count: given back, or not yet. */
  compensated(isBack = true): Told {
    const { betId, operation, bet, take } = refusedStake('done');
    const give = isBack
      ? { bet_id: betId, verb: 'give', done_at: `${MORNING}8Z` }
      : { bet_id: betId, verb: 'give', status: 'open' };
    return {
      betId,
      round: { status: isBack ? 'closed' : 'closing', closed_by: 'idle' },
      operations: [operation],
      bets: [{ ...bet, payout: 4260, paid: isBack, last_balance: '1000' }],
      calls: [take, give],
    };
  },
  /** The wallet has not told; the provider was refused, or still waits. */
  unknown(decision: 'open' | 'failed' = 'failed'): Told {
    const { betId, operation, bet, take } = refusedStake('none');
    return {
      betId,
      round: { status: 'closing', closed_by: 'idle' },
      operations: [operation],
      bets: [{ ...bet, decision }],
      calls: [{ ...take, status: 'open', attempts: 3, uncertain: 3 }],
    };
  },
  /** A win above a cap. */
  held(): Told {
    const { betId, operation, bet, take } = takenStake();
    const [win, amount] = [nextOperation(), 1_250_000];
    return {
      betId,
      round: { status: 'open', closed_by: null },
      operations: [
        operation,
        {
          ...{ id: win, kind: 'payout', amount, bet_id: null, payout_state: 'held' },
          answer_result: null,
        },
      ],
      bets: [bet],
      calls: [take],
      cases: [
        {
          ...{ kind: 'held_payout', subject: String(win), operation_id: win, amount },
          ...{ currency: 'EUR', evidence: '{}', opened_at: `${MORNING}1Z` },
        },
      ],
    };
  },
  /** A stake that never became a bet. */
  empty(): ToldRound {
    return { round: { status: 'open', closed_by: null } };
  },
};

/** Writes a round into the book; answers its number there. */
export async function insertRound(
  { pool, connection, player, partner }: TestPages,
  told: ToldRound,
): Promise<string> {
  async function insert(table: string, row: Row): Promise<string> {
    const names = Object.keys(row);
    const { rows } = await pool.query<{ id: string }>(
      `INSERT INTO ${table} (${names.join(', ')})
       VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')}) RETURNING *`,
      Object.values(row),
    );
    return rows[0]?.id ?? '';
  }

  const round_id = await insert('rounds', {
    connection_id: connection.id,
    player_id: player.playerId,
    round_ref: String(rounds++),
    partner_id: partner.id,
    game_id: '11',
    currency: 'EUR',
    status: 'closed',
    closed_by: 'provider',
    last_activity_at: 'now',
    created_at: `${MORNING}0.123Z`,
    ...told.round,
  });
  for (const [index, row] of (told.operations ?? []).entries()) {
    await insert('operations', {
      round_id,
      business_date: '2026-11-21',
      currency: 'EUR',
      game_id: '11',
      is_close: false,
      requests: 1,
      deadline_at: `${MORNING}9Z`,
      waiting: false,
      answer_result: 'accepted',
      transaction_ref: String(index + 1),
      created_at: `${MORNING}${index}Z`,
      ...row,
    });
  }
  for (const row of told.bets ?? []) {
    await insert('bets', {
      ...{ round_id, form: 'stake', payout: 0, outcome: 'done', decision: 'confirmed' },
      ...{ created_at: 'now', updated_at: 'now', ...row },
    });
  }
  for (const row of told.calls ?? []) {
    await insert('obligations', {
      ...{ round_id, number: 1, attempts: 1, uncertain: 0, status: 'done' },
      ...{ next_attempt_at: 'now', ...row },
    });
  }
  for (const row of told.cases ?? []) await insert('cases', { round_id, ...row });
  return round_id;
}
