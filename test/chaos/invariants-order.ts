import {
  ENDPOINTS,
  groupBy,
  type Index,
  type OurAttempt,
  type OurBet,
} from './invariants-evidence';
import { lastEvent } from './invariants-money';
import { minorOf } from './wallet-book';
import type { WalletLine } from './wallet-journal';

/**
 * I4: for each bet, as the wallet saw it: the stake before its payout, the end after the payout and nothing
 * after the end, `create` before `update`, and no record before the stake.
 */
export function order(index: Index): string[] {
  const found: string[] = [];
  const place = new Map(index.evidence.wallet.map((line, number) => [line, number]));
  const at = (line: WalletLine | undefined) => (line && place.get(line)) ?? Infinity;
  const betIds = new Set(
    index.evidence.wallet.map((line) => line.bet_id).filter((id) => id !== ''),
  );
  for (const betId of betIds) {
    const first = (endpoint: string) => at(index.linesOf(betId, endpoint)[0]);
    const taken = at(index.moved(betId, 'bet')[0]);
    const given = at(index.moved(betId, 'settle-bet')[0]);
    const ended = at(index.moved(betId, 'bet-end')[0]);
    const isDirect = index.bets.get(betId)?.form === 'direct';
    if (!isDirect && first('settle-bet') < taken)
      found.push(`bet ${betId}: settle-bet came before the stake was taken`);
    if (!isDirect && first('bet-end') < taken)
      found.push(`bet ${betId}: bet-end came before the stake was taken`);
    if (!isDirect && first('history') < taken)
      found.push(`bet ${betId}: a record came before the stake was taken`);
    if (given !== Infinity && first('bet-end') < given)
      found.push(`bet ${betId}: bet-end came before its settle-bet was carried out`);
    for (const line of index.linesOf(betId)) {
      if (
        line.effect === 'moved' &&
        ['bet', 'settle-bet'].includes(line.endpoint) &&
        at(line) > ended
      ) {
        found.push(`bet ${betId}: ${line.endpoint} moved ${String(line.amount)} after its bet-end`);
      }
    }
    const events = index.linesOf(betId, 'history');
    const created = at(events.find((line) => typeOf(line) === 'create' && line.effect === 'moved'));
    const updated = at(events.find((line) => typeOf(line) === 'update'));
    if (updated < created) found.push(`bet ${betId}: update came before create`);
  }
  return found;
}

/** I7: every repeat has the same bytes, those that our book keeps, and every signature is right. */
export function sameBytes(index: Index): string[] {
  const { wallet, ours } = index.evidence;
  const found = wallet
    .filter(({ signature_ok }) => !signature_ok)
    .map(({ partner, endpoint, bet_id }) => `${partner}/${endpoint} ${bet_id}: wrong signature`);
  const groups = groupBy(
    wallet.filter(({ bet_id, signature_ok }) => bet_id !== '' && signature_ok),
    (line) => `${line.partner}/${line.endpoint} ${eventName(line)}`,
  );
  const shas = new Map<string, Set<string>>();
  for (const [name, lines] of groups) {
    const bytes = new Set(lines.map(({ body_sha }) => body_sha));
    if (bytes.size > 1) found.push(`${name}: ${String(bytes.size)} different bodies`);
    for (const line of lines) {
      const key = `${line.endpoint} ${line.bet_id}`;
      shas.set(key, (shas.get(key) ?? new Set()).add(line.body_sha));
    }
  }
  const kept = new Map<string, Set<string>>();
  for (const { betId, verb, payloadSha } of ours.obligations) {
    if (payloadSha === null) continue;
    const key = `${ENDPOINTS[verb] ?? verb} ${betId}`;
    kept.set(key, (kept.get(key) ?? new Set()).add(payloadSha));
  }
  for (const [key, seen] of shas) {
    for (const sha of seen) {
      if (!kept.get(key)?.has(sha))
        found.push(`${key}: the wallet got bytes that our book does not have`);
    }
  }
  return found;
}

/**
 * I8: each bet that counts has one `create`, updates after it, no event that was begun again after its 200
 * was recorded, and a last record that tells the truth.
 */
export function history(index: Index): string[] {
  const found: string[] = [];
  const { ours, limits } = index.evidence;
  for (const bet of ours.bets) {
    if (!(ours.wants[bet.partner]?.history ?? true)) continue;
    const events = index.moved(bet.id, 'history');
    const creates = events.filter((line) => typeOf(line) === 'create').length;
    const isTaken = index.moved(bet.id, 'bet').length > 0;
    const isTold =
      bet.outcome === 'done' &&
      (bet.decision === 'confirmed' ? bet.form === 'stake' || bet.paid : bet.paid);
    if (!isTold) {
      if (events.length > 0)
        found.push(`bet ${bet.id}: has a record, and is ${bet.outcome}, ${bet.decision}`);
      continue;
    }
    if (creates !== 1) found.push(`bet ${bet.id}: ${String(creates)} different create events`);
    if (isTaken && creates === 1) found.push(...truthFaults(index, bet));
  }
  for (const attempts of groupBy(
    ours.attempts.filter(({ verb }) => verb === 'report'),
    ({ betId, number }) => `${betId}/${String(number)}`,
  ).values()) {
    const done = attempts.find(({ result }) => result === 'done');
    const recordedMs = done?.endedMs ?? Infinity;
    const again = attempts.find(
      ({ startedMs }) => startedMs > recordedMs + limits.clockToleranceMs,
    );
    if (done && again) {
      found.push(
        `bet ${done.betId}: record ${String(done.number)} was sent again after its 200 was recorded`,
      );
    }
  }
  return found;
}

function truthFaults(index: Index, bet: OurBet): string[] {
  const event = lastEvent(index, bet.id) ?? {};
  const taken = index.moved(bet.id, 'bet')[0];
  const given = index.moved(bet.id, 'settle-bet')[0];
  const stakeReply = BigInt(taken?.balance ?? 0);
  const received = BigInt(given?.amount ?? 0);
  const truth = {
    used_balance: bet.stake,
    receive_balance: received,
    winlose: received - bet.stake,
    before_balance: stakeReply + bet.stake,
    after_balance: given ? BigInt(given.balance ?? 0) : stakeReply,
  };
  return Object.entries(truth)
    .filter(([field, value]) => minorOf(event[field]) !== value)
    .map(
      ([field, value]) =>
        `bet ${bet.id}: the last record says ${field} ${String(event[field])}, and it is ${value} cents`,
    );
}

/**
 * I10: every request that the wallet saw has an attempt in our book that was written before it. One attempt
 * is one request at most.
 */
export function trace(index: Index): string[] {
  const found: string[] = [];
  const { wallet, limits } = index.evidence;
  const verbs = new Map(Object.entries(ENDPOINTS).map(([verb, endpoint]) => [endpoint, verb]));
  const calls = groupBy(
    wallet.filter(({ bet_id }) => bet_id !== ''),
    (line) => `${line.endpoint} ${line.bet_id} ${typeOf(line)}`,
  );
  for (const [name, lines] of calls) {
    const [line] = lines;
    if (!line) continue;
    const isUpdate = typeOf(line) === 'update';
    const attempts = index
      .attemptsOf(line.bet_id, verbs.get(line.endpoint) ?? '')
      .filter(({ number }) => line.endpoint !== 'history' || number > 1 === isUpdate);
    if (lines.length > attempts.length) {
      found.push(
        `${name}: ${String(lines.length)} requests, and ${String(attempts.length)} attempts`,
      );
      continue;
    }
    const late = firstUnwritten(lines, attempts, limits.clockToleranceMs);
    if (late)
      found.push(
        `${name}: a request at ${new Date(late.t).toISOString()} was on its way before its attempt was written`,
      );
  }
  return found;
}

function firstUnwritten(
  lines: readonly WalletLine[],
  attempts: readonly OurAttempt[],
  toleranceMs: number,
): WalletLine | undefined {
  const begun = attempts.map(({ startedMs }) => startedMs).sort((a, b) => a - b);
  const seen = [...lines].sort((a, b) => a.t - b.t);
  return seen.find((line, number) => (begun[number] ?? Infinity) > line.t + toleranceMs);
}

function typeOf(line: WalletLine): string {
  if (line.endpoint !== 'history') return '';
  return String((JSON.parse(line.body) as { type?: unknown }).type);
}

/** A history event is named by its bet, type and time; any other call by its bet alone. */
function eventName(line: WalletLine): string {
  if (line.endpoint !== 'history') return line.bet_id;
  const { type, updatedAt } = JSON.parse(line.body) as { type?: unknown; updatedAt?: unknown };
  return `${line.bet_id} ${String(type)} ${String(updatedAt)}`;
}
