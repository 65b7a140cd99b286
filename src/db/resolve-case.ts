import type { NewRound } from '../contracts/round';
import type { PayoutRequest } from '../domain/round/payout';
import {
  resolutionWithoutRound,
  type CaseEnd,
  type Resolution,
  type ResolutionVerdict,
} from '../domain/round/resolve';
import type { Beside, Book } from './book';
import { recordChange } from './audit-log';
import { caseRow, type CaseRow } from './cases';
import { reserveOperationId } from './operations';
import type { Db, Pool } from './pool';
import { findOrCreateRound } from './rounds';
import { transaction } from './transaction';

export interface ResolveOrder {
  readonly id: string;
  /** `seen` is the sweep's own: the provider showed that it knows of its answer. */
  readonly as: Resolution | 'seen';
  readonly note: string | null;
  /** The person, as the machine knows them. */
  readonly by: string;
  /** False: everything is tried and nothing is written. */
  readonly apply: boolean;
}

export interface ResolveResult {
  /** `would`: a dry run of what `resolved` does. `already`: the case was resolved so before. */
  readonly outcome: 'resolved' | 'would' | 'already' | 'refused';
  readonly text: string;
}

/** Ends a decision's transaction without a trace, and says how it went. */
class NothingWritten extends Error {
  override name = 'NothingWritten';
  constructor(readonly result: ResolveResult) {
    super(result.text);
  }
}

/**
 * Carries out what was decided about a case: one decision on its round, and the case's row with it in one
 * transaction. A case that is resolved is left alone: the same resolution again says so, another is refused.
 *
 * @throws RefusedError naming `id` when the book has no such case
 */
export async function resolveCase(book: Book, order: ResolveOrder): Promise<ResolveResult> {
  const row = await caseRow(book.pool, order.id);
  if (row.status === 'resolved') return already(row, order.as);
  const round = row.round_id ?? (await roundToPayIn(book.pool, row, order.as));
  if (round === undefined) return resolveStray(book.pool, row, order);
  const { id: caseId, kind, subject, operation_id: operationId, bet_id: betId, amount } = row;
  const payout = order.as === 'pay' ? await refusedPayout(book.pool, row, amount) : null;
  const { as } = order;
  const event = {
    type: 'resolve',
    resolution: { caseId, kind, subject, operationId, betId, as, payout },
  } as const;
  const mark: Beside<typeof event> = async (client, { result }) => {
    // Before the verdict: of two who resolve at once, the second finds the case resolved.
    if (!(await markResolved(client, order, payout))) throw new NothingWritten(LOST);
    if (result.kind === 'refused') throw new NothingWritten({ ...result, outcome: 'refused' });
    if (!order.apply) throw new NothingWritten({ ...result, outcome: 'would' });
    await recordResolution(client, order, row);
  };
  try {
    const { result }: { result: ResolutionVerdict } =
      typeof round === 'string'
        ? await book.decideOn(round, event, mark)
        : await transaction(book.pool, async (client) => {
            const roundId = await findOrCreateRound(client, round);
            return book.decideIn(client, roundId, event, mark);
          });
    return { outcome: 'resolved', text: result.text };
  } catch (error) {
    if (!(error instanceof NothingWritten)) throw error;
    if (error.result !== LOST) return error.result;
    return already(await caseRow(book.pool, order.id), order.as);
  }
}

const LOST: ResolveResult = { outcome: 'already', text: 'somebody else resolved it' };

/** The payout of a case that was refused without being recorded, as far as the case holds it. */
async function refusedPayout(
  db: Db,
  row: CaseRow,
  amount: string | null,
): Promise<PayoutRequest | null> {
  const transactionRef = row.evidence.transaction ?? strayKey(row)?.transactionRef;
  const gameId = row.evidence.game;
  if (row.operation_id !== null || amount === null || !transactionRef || !gameId) return null;
  return {
    operationId: await reserveOperationId(db),
    transactionRef,
    amount: BigInt(amount),
    gameId,
    betAmount: null,
    isClose: false,
  };
}

/** Connection, player, round and transaction of a request that reached no round. */
function strayKey(row: CaseRow) {
  const [connection, playerId, roundRef, transactionRef] = row.subject.split('/');
  if (row.round_id !== null || !connection || !playerId || !roundRef || !transactionRef) {
    return undefined;
  }
  return { connection, playerId, roundRef, transactionRef };
}

/** A payout that came without any round is paid in a round of its own: the one its provider named. */
async function roundToPayIn(
  db: Db,
  row: CaseRow,
  as: ResolveOrder['as'],
): Promise<NewRound | undefined> {
  const key = strayKey(row);
  const gameId = row.evidence.game;
  if (as !== 'pay' || row.kind !== 'orphan_payout' || !key || !gameId || !row.currency) {
    return undefined;
  }
  const { rows } = await db.query<{ connection_id: number; partner_id: number }>(
    `SELECT c.id AS connection_id, pl.partner_id FROM connections c, players pl
      WHERE c.key = $1 AND pl.player_id = $2::bigint`,
    [key.connection, key.playerId],
  );
  const owner = rows[0];
  return (
    owner && {
      connectionId: owner.connection_id,
      partnerId: owner.partner_id,
      playerId: key.playerId,
      roundRef: key.roundRef,
      sessionId: null,
      gameId,
      currency: row.currency,
    }
  );
}

async function resolveStray(pool: Pool, row: CaseRow, order: ResolveOrder): Promise<ResolveResult> {
  const { as } = order;
  const { kind, text } =
    as === 'seen'
      ? { kind: 'refused' as const, text: 'the case has no round' }
      : resolutionWithoutRound({ kind: row.kind, as });
  if (kind === 'refused') return { outcome: 'refused', text };
  if (!order.apply) return { outcome: 'would', text };
  const resolved = await transaction(pool, async (client) => {
    const done = await markResolved(client, order, null);
    if (done) await recordResolution(client, order, row);
    return done;
  });
  return resolved ? { outcome: 'resolved', text } : already(await caseRow(pool, order.id), as);
}

// What the sweep finds out by itself is in the journal. The note is not copied: it may name a person, and
// the case's row can be erased, the log cannot.
async function recordResolution(client: Db, order: ResolveOrder, row: CaseRow): Promise<void> {
  if (order.as === 'seen') return;
  await recordChange(
    client,
    { actor: order.by },
    {
      action: 'case.resolve',
      subject: order.id,
      before: { kind: row.kind, status: row.status },
      after: { status: 'resolved', resolution: order.as },
    },
  );
}

async function markResolved(
  db: Db,
  order: ResolveOrder,
  payout: PayoutRequest | null,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE cases SET status = 'resolved', resolution = $2, note = $3, resolved_by = $4,
        resolved_at = clock_timestamp(), operation_id = coalesce(operation_id, $5),
        bet_id = coalesce(bet_id, (SELECT bet_id FROM operations WHERE id = $5)),
        round_id = coalesce(round_id, (SELECT round_id FROM operations WHERE id = $5))
      WHERE id = $1::bigint AND status = 'open'`,
    [order.id, order.as, order.note, order.by, payout?.operationId ?? null],
  );
  return rowCount === 1;
}

const BY_ITSELF: readonly (CaseEnd | null)[] = ['settled', 'seen'];

function already(row: CaseRow, as: CaseEnd): ResolveResult {
  const at = row.resolved_at?.toISOString() ?? 'a time not kept';
  const by = BY_ITSELF.includes(row.resolution)
    ? 'by itself'
    : `by ${row.resolved_by ?? 'nobody known'}`;
  const text = `it is resolved already: ${row.resolution ?? 'resolved'} ${by} at ${at}`;
  return { outcome: row.resolution === as ? 'already' : 'refused', text };
}
