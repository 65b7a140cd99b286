import { PARTNER_COLUMNS, partnerOfRow, type Partner, type PartnerRow } from './partners';
import type { GateKey, KnownOperation } from './operations';
import type { Player } from './players';
import type { RoundRow } from '../domain/round/rows';
import type { Db } from './pool';
import {
  SESSION_COLUMNS,
  sessionOfRow,
  tokenDigest,
  type Session,
  type SessionRow,
} from './sessions';

/** What the book knows of a provider's money request: everything that is checked before it is decided. */
export interface MoneyRequestFacts {
  /** The idempotency gate: this operation has been seen before. */
  readonly known: KnownOperation | undefined;
  /** The round it names, when there is one. */
  readonly round:
    | { readonly id: string; readonly status: RoundRow['status']; readonly gameId: string }
    | undefined;
  /** The number of the operation that may come of it, drawn now. Numbers are never used twice; gaps are normal. */
  readonly operationId: number;
  /** The player it names, whoever's it is, with their partner. */
  readonly named: { readonly player: Player; readonly partner: Partner } | undefined;
  /** What its token opened, whoever's it is; also one that is over. */
  readonly session: Session | undefined;
  /** The game it names, as the connection's catalogue has it. */
  readonly game:
    | { readonly isActive: boolean; readonly title: string; readonly providerName: string }
    | undefined;
  /** The player's partner has a breaker that is open or half open (rule 14). */
  readonly breakerStands: boolean;
  /** The database's clock. */
  readonly nowMs: number;
}

interface FactsRow extends PartnerRow, SessionRow {
  readonly known_operation: number | null;
  readonly round_id: string | null;
  readonly round_partner: number;
  readonly round_currency: string;
  readonly round_exponent: number;
  readonly round_status: RoundRow['status'];
  readonly round_game: string;
  readonly operation_id: number;
  readonly player_id: string | null;
  readonly player_reference: string;
  readonly player_blocked: boolean;
  readonly player_created_at: Date;
  readonly found_session: string | null;
  readonly game_is_active: boolean | null;
  readonly game_title: string;
  readonly game_provider: string;
  readonly breaker_stands: boolean;
  readonly now_ms: string;
}

const FACTS = `
  SELECT k.operation_id AS known_operation, r.id AS round_id, r.partner_id AS round_partner,
         r.currency AS round_currency, rcu.exponent AS round_exponent,
         r.status AS round_status, r.game_id AS round_game,
         nextval(pg_get_serial_sequence('operations', 'id'))::int AS operation_id,
         pl.player_id, pl.reference AS player_reference, pl.blocked AS player_blocked,
         pl.created_at AS player_created_at, ${PARTNER_COLUMNS}, ${SESSION_COLUMNS},
         s.id AS found_session, g.is_active AS game_is_active, g.title AS game_title,
         pr.provider_name AS game_provider,
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
         EXISTS (SELECT 1 FROM partner_breakers br WHERE br.partner_id = p.id) AS breaker_stands
    FROM (SELECT 1) AS one
    LEFT JOIN operation_keys k ON k.connection_id = $1 AND k.kind = $2 AND k.player_id = $3
         AND k.round_ref = $4 AND k.transaction_ref = $5
    LEFT JOIN rounds r ON r.connection_id = $1 AND r.player_id = $3 AND r.round_ref = $4
    LEFT JOIN currencies rcu ON rcu.code = r.currency
    LEFT JOIN players pl ON pl.player_id = $3
    LEFT JOIN partners p ON p.id = pl.partner_id
    LEFT JOIN currencies cur ON cur.code = p.currency
    LEFT JOIN sessions s ON s.token_hash = $6
    LEFT JOIN games g ON g.connection_id = $1 AND g.game_id = $7
    LEFT JOIN products pr ON pr.id = g.product_id`;

/**
 * Reads all of it in one statement: each spin asks twice. Nothing of it is remembered from one request to the
 * next (docs/decisions/0013).
 */
export async function moneyRequestFacts(
  db: Db,
  key: GateKey,
  token: string,
  gameId: string,
): Promise<MoneyRequestFacts> {
  // Every player of ours has nine digits; a longer number would not fit the column, and is nobody.
  const playerId = /^\d{9}$/.test(key.playerId) ? key.playerId : null;
  const { rows } = await db.query<FactsRow>({
    name: 'money_request_facts',
    text: FACTS,
    values: [
      key.connectionId,
      key.kind,
      playerId,
      key.roundRef,
      key.transactionRef,
      tokenDigest(token),
      gameId,
    ],
  });
  const row = rows[0] as FactsRow;
  return {
    known: knownOf(row),
    round:
      row.round_id === null
        ? undefined
        : { id: row.round_id, status: row.round_status, gameId: row.round_game },
    operationId: row.operation_id,
    named:
      row.player_id === null ? undefined : { player: playerOf(row), partner: partnerOfRow(row) },
    session: row.found_session === null ? undefined : sessionOfRow(row),
    game:
      row.game_is_active === null
        ? undefined
        : {
            isActive: row.game_is_active,
            title: row.game_title,
            providerName: row.game_provider,
          },
    breakerStands: row.breaker_stands,
    nowMs: Number(row.now_ms),
  };
}

function knownOf(row: FactsRow): KnownOperation | undefined {
  if (row.known_operation === null || row.round_id === null) return undefined;
  return {
    operationId: row.known_operation,
    roundId: row.round_id,
    partnerId: row.round_partner,
    currency: row.round_currency,
    exponent: row.round_exponent,
  };
}

function playerOf(row: FactsRow): Player {
  return {
    playerId: String(row.player_id),
    partnerId: row.partner_id,
    reference: row.player_reference,
    blocked: row.player_blocked,
    createdAt: row.player_created_at,
  };
}
