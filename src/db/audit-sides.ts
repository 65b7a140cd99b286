import { formatAmount } from '../domain/money';
import type { Found } from './contradiction';
import type { Db } from './pool';

/** One partner's money on one day, from four sides of our book. */
export interface DayTotals {
  readonly partner: string;
  readonly currency: string;
  readonly day: string;
  /** What our code-0 answers told the provider. */
  readonly provider: Sides;
  /** What our registers say. */
  readonly book: Sides;
  /** What the wallet confirmed, from the bytes it was sent. */
  readonly wallet: Sides;
  /** What the delivered records say; null where the partner wants none. */
  readonly history: Sides | null;
  /** Operations of that day which are not settled yet: they explain a difference. */
  readonly open: number;
}

export interface Sides {
  readonly staked: string;
  readonly paid: string;
}

interface DayRow {
  prefix: string;
  currency: string;
  exponent: number;
  day: string;
  history: boolean;
  open: string;
  sides: Readonly<Record<'provider' | 'book' | 'wallet' | 'history', Sides>>;
}

/** Operations named at most; the day's totals tell how much there is in all. */
const DIFFERENCES_MAX = 100;

// Every operation with its amount as each side has it, in minor units. A compensated stake counts on no
// side: it was taken and given back (rule 4). Open is what may still differ, because something is under way.
const SIDES = `
  WITH reports AS (
    SELECT DISTINCT ON (bet_id) bet_id, payload::jsonb AS record FROM obligations
     WHERE verb = 'report' AND status = 'done' ORDER BY bet_id, number DESC
  ), taken AS (
    SELECT bet_id, payload::jsonb AS call FROM obligations WHERE verb = 'take' AND status = 'done'
  ), given AS (
    SELECT bet_id, payload::jsonb AS call FROM obligations WHERE verb = 'give' AND status = 'done'
  ), sides AS (
    SELECT op.id, op.kind, p.prefix, op.currency, cu.exponent, op.business_date::text AS day,
      coalesce((p.settings->>'history')::boolean, true) AS wants_history,
      CASE WHEN op.answer_result = 'accepted' THEN op.amount ELSE 0 END AS provider,
      CASE WHEN counts THEN op.amount ELSE 0 END AS book,
      CASE WHEN counts THEN power(10::numeric, cu.exponent) * coalesce(CASE op.kind
        WHEN 'stake' THEN taken.call->>'balance' ELSE given.call->>'balance' END, '0')::numeric
        ELSE 0 END AS wallet,
      CASE WHEN counts THEN power(10::numeric, cu.exponent) * coalesce(CASE op.kind
        WHEN 'stake' THEN record->>'used_balance' ELSE record->>'receive_balance' END, '0')::numeric
        ELSE 0 END AS history,
      coalesce(b.decision = 'open', false) OR coalesce(op.payout_state IN ('owed', 'waiting'), false)
        OR (op.payout_state = 'paid' AND op.answer_result IS NULL)
        OR EXISTS (SELECT 1 FROM obligations o WHERE o.bet_id = b.id AND o.status = 'open') AS is_open
      FROM operations op
      JOIN rounds r ON r.id = op.round_id
      JOIN partners p ON p.id = r.partner_id
      JOIN currencies cu ON cu.code = op.currency
      LEFT JOIN bets b ON b.id = op.bet_id
      LEFT JOIN taken ON taken.bet_id = b.id
      LEFT JOIN given ON given.bet_id = b.id
      LEFT JOIN reports ON reports.bet_id = b.id
     CROSS JOIN LATERAL (SELECT coalesce(CASE op.kind WHEN 'stake' THEN b.decision = 'confirmed'
       ELSE op.payout_state IN ('owed', 'paid') END, false) AS counts) c
  )`;

const DIFFERENCES = `${SIDES}
  SELECT id, kind, prefix, currency, exponent, day, provider, book, wallet,
         CASE WHEN wants_history THEN history END AS history
    FROM sides
   WHERE NOT is_open
     AND (provider <> book OR wallet <> book OR (wants_history AND history <> book))
   ORDER BY id LIMIT ${DIFFERENCES_MAX}`;

const bothOf = (side: string) => `json_build_object(
    'staked', coalesce(sum(${side}) FILTER (WHERE kind = 'stake'), 0)::text,
    'paid', coalesce(sum(${side}) FILTER (WHERE kind = 'payout'), 0)::text)`;
const DAYS = `${SIDES}
  SELECT prefix, currency, exponent, day, wants_history AS history,
         count(*) FILTER (WHERE is_open) AS open,
         json_build_object('provider', ${bothOf('provider')}, 'book', ${bothOf('book')},
           'wallet', ${bothOf('wallet')}, 'history', ${bothOf('history')}) AS sides
    FROM sides GROUP BY prefix, wants_history, currency, exponent, day ORDER BY prefix, day, currency`;

interface DifferenceRow {
  id: number;
  kind: string;
  prefix: string;
  currency: string;
  exponent: number;
  day: string;
  provider: string;
  book: string;
  wallet: string;
  history: string | null;
}

/**
 * Rule 13: what the provider was told, our registers, the wallet's confirmed calls and the delivered
 * records, operation by operation. Whatever is settled must agree, however much else of its day is open.
 *
 * @returns the same as totals per partner, currency and day
 */
export async function auditSides(db: Db, found: Found): Promise<DayTotals[]> {
  const { rows: differences } = await db.query<DifferenceRow>(DIFFERENCES);
  for (const row of differences) {
    const { id, kind, prefix, currency, day, exponent, provider, book, wallet, history } = row;
    const told = Object.entries({ provider, book, wallet, history })
      .filter(([, amount]) => amount !== null)
      .map(([side, amount]) => `${side} ${amountText(amount ?? '', exponent)}`);
    found({
      rule: 'the four books agree on what is settled',
      where: `operation ${id}`,
      detail: `${kind} of ${prefix} in ${currency} on ${day}: ${told.join(', ')}`,
    });
  }
  const { rows } = await db.query<DayRow>(DAYS);
  return rows.map(({ prefix, currency, day, history, open, sides, exponent }) => {
    const side = ({ staked, paid }: Sides): Sides => ({
      staked: amountText(staked, exponent),
      paid: amountText(paid, exponent),
    });
    return {
      partner: prefix,
      currency,
      day,
      provider: side(sides.provider),
      book: side(sides.book),
      wallet: side(sides.wallet),
      history: history ? side(sides.history) : null,
      open: Number(open),
    };
  });
}

/** Minor units as decimal text. What a partner was sent may, wrongly, have more digits than the currency. */
function amountText(minor: string, exponent: number): string {
  const [whole = '0', rest = ''] = minor.split('.');
  return /^0*$/.test(rest) ? formatAmount(BigInt(whole), exponent) : `${minor} minor units`;
}
