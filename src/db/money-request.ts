import { PARTNER_COLUMNS, partnerOfRow, type Partner, type PartnerRow } from './partners';
import type { GateKey, KnownOperation } from './operations';
import type { Player } from './players';
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
  readonly roundId: string | undefined;
  /** For a new operation of that round: its number, drawn now. Numbers are never used twice; gaps are normal. */
  readonly operationId: number | undefined;
  /** The player it names, whoever's it is, with their partner. */
  readonly named: { readonly player: Player; readonly partner: Partner } | undefined;
  /** What its token opened, whoever's it is; also one that is over. */
  readonly session: Session | undefined;
  readonly gameIsActive: boolean;
  /** The player's partner has a breaker that is open or half open (rule 14). */
  readonly breakerStands: boolean;
}

interface FactsRow extends PartnerRow, SessionRow {
  readonly known_operation: number | null;
  readonly round_id: string | null;
  readonly round_partner: number;
  readonly round_currency: string;
  readonly round_exponent: number;
  readonly operation_id: number | null;
  readonly player_id: string | null;
  readonly player_reference: string;
  readonly player_blocked: boolean;
  readonly player_created_at: Date;
  readonly found_session: string | null;
  readonly game_is_active: boolean | null;
  readonly breaker_stands: boolean;
}

const FACTS = `
  SELECT k.operation_id AS known_operation, r.id AS round_id, r.partner_id AS round_partner,
         r.currency AS round_currency, rcu.exponent AS round_exponent,
         CASE WHEN k.operation_id IS NULL AND r.id IS NOT NULL
              THEN nextval(pg_get_serial_sequence('operations', 'id'))::int END AS operation_id,
         pl.player_id, pl.reference AS player_reference, pl.blocked AS player_blocked,
         pl.created_at AS player_created_at, ${PARTNER_COLUMNS}, ${SESSION_COLUMNS},
         s.id AS found_session, g.is_active AS game_is_active,
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
    LEFT JOIN games g ON g.connection_id = $1 AND g.game_id = $7`;

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
    roundId: row.round_id ?? undefined,
    operationId: row.operation_id ?? undefined,
    named:
      row.player_id === null ? undefined : { player: playerOf(row), partner: partnerOfRow(row) },
    session: row.found_session === null ? undefined : sessionOfRow(row),
    gameIsActive: row.game_is_active === true,
    breakerStands: row.breaker_stands,
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
