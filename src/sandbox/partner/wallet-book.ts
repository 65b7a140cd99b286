import type { Pool } from 'pg';
import type { GateVerdict } from './call-gate';
import type { FaultMode } from './fault-switchboard';

/** Which rows are wanted; what is absent does not narrow. */
export interface BookFilter {
  readonly userAgent?: string;
  readonly betId?: string;
  /** Callbacks only. */
  readonly endpoint?: string;
  /** Only calls that met a fault, and the others of the same bets: how a fault ended. */
  readonly faulty?: boolean;
  /** Rows older than this number. */
  readonly before?: bigint;
  /** Rows written by transactions in this range, the end excluded (live-feed.ts). */
  readonly written?: { readonly from: bigint; readonly to: bigint };
  readonly limit: number;
}

export interface LoggedCallback {
  readonly number: bigint;
  readonly endpoint: string;
  readonly receivedAt: Date;
  readonly body: string;
  readonly signatureOk: boolean;
  readonly userAgent: string | null;
  readonly betId: string | null;
  readonly fault: FaultMode | null;
  readonly gate: GateVerdict | null;
  readonly replyStatus: number | null;
  readonly replyBody: string | null;
  readonly tookMs: number | null;
}

export interface BookedMovement {
  readonly number: bigint;
  readonly kind: 'opening' | 'topup' | 'adjustment' | 'bet' | 'settle-bet';
  readonly betId: string | null;
  readonly movedAt: Date;
  readonly userAgent: string;
  /** The other line of the two: it has the same amount with the other sign. */
  readonly against: 'house' | 'bank';
  /** The player's line, in minor units: positive was given, negative was taken. */
  readonly amountMinor: bigint;
  readonly balanceAfterMinor: bigint;
}

export interface WalletBook {
  /** Newest first. */
  callbacks(filter: BookFilter): Promise<LoggedCallback[]>;
  /** Newest first. */
  movements(filter: BookFilter): Promise<BookedMovement[]>;
}

/** Bets whose faults are followed on the switchboard; older ones are in the book. */
const FAULTY_BETS_FOLLOWED = 20;

/** What the book page and the switchboard read; nothing here writes. */
export function createWalletBook(pool: Pool): WalletBook {
  return {
    async callbacks(filter) {
      const where = conditions(filter, {
        number: 'callback_number',
        userAgent: 'user_agent',
        betId: 'bet_id',
        writtenBy: 'written_by',
      });
      if (filter.endpoint !== undefined) {
        where.texts.push(`endpoint = $${String(where.values.push(filter.endpoint))}`);
      }
      if (filter.faulty === true) where.texts.push(FAULTY);
      const { rows } = await pool.query<CallbackRow>(
        `SELECT * FROM callback_log WHERE ${where.texts.join(' AND ')}
          ORDER BY callback_number DESC LIMIT ${String(filter.limit)}`,
        where.values,
      );
      return rows.map(callbackOf);
    },
    async movements(filter) {
      const where = conditions(filter, {
        number: 'm.movement_id',
        userAgent: 'a.user_agent',
        betId: 'm.bet_id',
        writtenBy: 'm.written_by',
      });
      const { rows } = await pool.query<MovementRow>(
        `SELECT m.movement_id, m.kind, m.bet_id, m.moved_at, a.user_agent, o.kind AS against,
                p.amount_minor, p.balance_after_minor
           FROM movement m
           JOIN posting p USING (movement_id) JOIN account a ON a.account_id = p.account_id
           JOIN posting q USING (movement_id) JOIN account o ON o.account_id = q.account_id
          WHERE a.kind = 'player' AND o.kind <> 'player' AND ${where.texts.join(' AND ')}
          ORDER BY m.movement_id DESC LIMIT ${String(filter.limit)}`,
        where.values,
      );
      return rows.map(movementOf);
    },
  };
}

const FAULTY = `(fault IS NOT NULL OR bet_id IN (
    SELECT bet_id FROM callback_log WHERE fault IS NOT NULL AND bet_id IS NOT NULL
     ORDER BY callback_number DESC LIMIT ${String(FAULTY_BETS_FOLLOWED)}))`;

type Columns = Record<'number' | 'userAgent' | 'betId' | 'writtenBy', string>;

function conditions(filter: BookFilter, columns: Columns): { texts: string[]; values: string[] } {
  const texts = ['true'];
  const values: string[] = [];
  const add = (text: string, value: string | bigint | undefined) => {
    if (value === undefined) return;
    values.push(String(value));
    texts.push(`${text} $${String(values.length)}`);
  };
  add(`${columns.userAgent} =`, filter.userAgent);
  add(`${columns.betId} =`, filter.betId);
  add(`${columns.number} <`, filter.before);
  add(`${columns.writtenBy} >=`, filter.written?.from);
  add(`${columns.writtenBy} <`, filter.written?.to);
  return { texts, values };
}

interface CallbackRow {
  callback_number: string;
  endpoint: string;
  received_at: Date;
  body: string;
  signature_ok: boolean;
  user_agent: string | null;
  bet_id: string | null;
  fault: FaultMode | null;
  gate: GateVerdict | null;
  reply_status: number | null;
  reply_body: string | null;
  took_ms: number | null;
}

function callbackOf(row: CallbackRow): LoggedCallback {
  return {
    number: BigInt(row.callback_number),
    endpoint: row.endpoint,
    receivedAt: row.received_at,
    body: row.body,
    signatureOk: row.signature_ok,
    userAgent: row.user_agent,
    betId: row.bet_id,
    fault: row.fault,
    gate: row.gate,
    replyStatus: row.reply_status,
    replyBody: row.reply_body,
    tookMs: row.took_ms,
  };
}

interface MovementRow {
  movement_id: string;
  kind: BookedMovement['kind'];
  bet_id: string | null;
  moved_at: Date;
  user_agent: string;
  against: BookedMovement['against'];
  amount_minor: string;
  balance_after_minor: string;
}

function movementOf(row: MovementRow): BookedMovement {
  return {
    number: BigInt(row.movement_id),
    kind: row.kind,
    betId: row.bet_id,
    movedAt: row.moved_at,
    userAgent: row.user_agent,
    against: row.against,
    amountMinor: BigInt(row.amount_minor),
    balanceAfterMinor: BigInt(row.balance_after_minor),
  };
}
