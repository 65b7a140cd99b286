import { ENDPOINTS, groupBy, LEAVES_OPEN, type Index, type OurBet } from './invariants-evidence';
import type { ProviderOperation } from './provider-book';
import { decimalOf, minorOf, OPENING_MINOR } from './wallet-book';
import type { WalletLine } from './wallet-journal';

/** The case of a stake that counts although nobody saw its answer leave. */
const UNSEEN: ReadonlySet<string> = new Set(['answer_not_seen']);

const MONEY_ENDPOINTS: ReadonlySet<string> = new Set(['bet', 'settle-bet', 'bet-end']);

/** I1: at most one effect per (endpoint, bet_id). */
export function zeroDouble({ evidence }: Index): string[] {
  const moved = evidence.wallet.filter(
    ({ effect, endpoint }) => effect === 'moved' && MONEY_ENDPOINTS.has(endpoint),
  );
  const groups = groupBy(moved, (line) => `${line.partner}/${line.endpoint} ${line.bet_id}`);
  return [...groups]
    .filter(([, lines]) => lines.length > 1)
    .map(([name, lines]) => `${name} moved ${String(lines.length)} times`);
}

/**
 * I2: what the provider was told 0 for has its one effect, what it takes for refused has none that was not
 * given back, and the wallet saw no effect that no operation explains.
 */
export function zeroLost(index: Index): string[] {
  const found: string[] = [];
  for (const operation of index.evidence.provider.operations) {
    found.push(
      ...(operation.kind === 'stake'
        ? stakeFaults(index, operation)
        : payoutFaults(index, operation)),
    );
  }
  for (const bet of index.bets.values()) found.push(...compensationFaults(index, bet));
  for (const line of index.evidence.wallet) {
    const fault = line.effect === 'moved' ? unexplained(index, line) : undefined;
    if (fault !== undefined) found.push(fault);
  }
  return found;
}

function stakeFaults(index: Index, operation: ProviderOperation): string[] {
  const { key, amount } = operation;
  const ours = index.operations.get(key);
  const betId = index.evidence.betIdOf({ ...operation, kind: 'stake' });
  const bet = index.bets.get(betId);
  const taken = index.moved(betId, 'bet');
  if (ours && ours.betId !== betId)
    return [`${key}: bet ${String(ours.betId)} is not the ${betId} of its key`];
  switch (operation.belief) {
    case 'accepted': {
      if (!ours || !bet) return [`${key}: told 0, and not in our book`];
      const faults: string[] = [];
      if (ours.answerResult !== 'accepted' || bet.decision !== 'confirmed') {
        faults.push(
          `${key}: told 0, and our book says ${String(ours.answerResult)}, ${bet.decision}`,
        );
      }
      if (taken.length !== 1)
        faults.push(
          `${key}: told 0, and the wallet took it ${String(taken.length)} times (bet ${betId})`,
        );
      else if (taken[0]?.amount !== amount) {
        faults.push(
          `${key}: told 0 for ${amount}, and the wallet took ${String(taken[0]?.amount)}`,
        );
      } else if (operation.balance !== decimalOf(BigInt(taken[0]?.balance ?? 0))) {
        faults.push(
          `${key}: told balance ${String(operation.balance)}, and the wallet had said ${String(taken[0]?.balance)} cents`,
        );
      }
      return faults;
    }
    case 'refused':
      if (bet?.decision === 'confirmed' && !isNamed(index, bet, UNSEEN)) {
        return [`${key}: told ${String(operation.code)}, and our book confirmed bet ${betId}`];
      }
      if (taken.length > 0 && !bet) return [`${key}: refused, taken, and not in our book`];
      return [];
    case 'unknown':
      return index.evidence.provider.repeats ? [`${key}: never answered definitely`] : [];
  }
}

function payoutFaults(index: Index, operation: ProviderOperation): string[] {
  const { key, amount, belief } = operation;
  const ours = index.operations.get(key);
  const given = ours?.betId ? index.moved(ours.betId, 'settle-bet') : [];
  switch (belief) {
    case 'accepted': {
      if (!ours) return [`${key}: told 0, and not in our book`];
      if (ours.answerResult !== 'accepted')
        return [`${key}: told 0, and our book says ${String(ours.answerResult)}`];
      if (ours.amount.toString() !== amount)
        return [`${key}: told 0 for ${amount}, and our book has ${String(ours.amount)}`];
      if (amount === '0') return [];
      const bet = ours.betId === null ? undefined : index.bets.get(ours.betId);
      if (!bet) return [`${key}: told 0 for ${amount}, and no bet pays it`];
      if (
        bet.payoutOperationId !== ours.id ||
        bet.roundRef !== operation.round ||
        bet.playerId !== operation.playerId
      ) {
        return [`${key}: bet ${bet.id} belongs to something else`];
      }
      if (given.length !== 1 || given[0]?.amount !== amount) {
        return [
          `${key}: told 0 for ${amount}, and the wallet gave ${listed(given)} (bet ${bet.id})`,
        ];
      }
      return [];
    }
    case 'refused':
      return ours && ours.payoutState !== null && ['owed', 'paid'].includes(ours.payoutState)
        ? [`${key}: told ${String(operation.code)}, and our book has it ${ours.payoutState}`]
        : [];
    case 'unknown':
      return index.evidence.provider.repeats ? [`${key}: never answered definitely`] : [];
  }
}

/** A stake that failed has no net effect: never taken, or taken, given back once, and ended. */
function compensationFaults(index: Index, bet: OurBet): string[] {
  if (bet.form !== 'stake' || bet.decision !== 'failed') return [];
  const taken = index.moved(bet.id, 'bet');
  const given = index.moved(bet.id, 'settle-bet');
  const name = `failed stake of round ${bet.roundRef} of ${bet.playerId} (bet ${bet.id})`;
  if (taken.length === 0)
    return given.length === 0 ? [] : [`${name}: never taken, and ${listed(given)} given`];
  if (isNamed(index, bet, LEAVES_OPEN)) return [];
  const faults: string[] = [];
  if (bet.stake > 0n && (given.length !== 1 || given[0]?.amount !== bet.stake.toString())) {
    faults.push(`${name}: ${bet.stake} taken, and ${listed(given)} given back`);
  }
  const wantsEnd = index.evidence.ours.wants[bet.partner]?.betEnd ?? true;
  if (wantsEnd && index.moved(bet.id, 'bet-end').length === 0) {
    faults.push(`${name}: taken, failed, and never ended`);
  }
  return faults;
}

function unexplained(index: Index, line: WalletLine): string | undefined {
  if (line.endpoint !== 'bet' && line.endpoint !== 'settle-bet') return undefined;
  const name = `${line.partner}/${line.endpoint} ${line.bet_id}`;
  const bet = index.bets.get(line.bet_id);
  if (!bet) return `${name} moved ${String(line.amount)}, and our book has no such bet`;
  const expected =
    line.endpoint === 'bet'
      ? bet.stake
      : bet.decision === 'failed'
        ? bet.stake
        : bet.payoutOperationId === null
          ? undefined
          : index.operationsById.get(bet.payoutOperationId)?.amount;
  if (expected === undefined) return `${name} gave ${String(line.amount)}, which nobody was owed`;
  return line.amount === expected.toString()
    ? undefined
    : `${name} moved ${String(line.amount)} in place of ${expected}`;
}

interface Sides {
  staked: bigint;
  paid: bigint;
}

/**
 * I3: provider's book = our book = the wallet's journal = the records, to the cent, for each round; and the
 * wallet's own balances follow from its movements.
 */
export function conservation(index: Index): string[] {
  const { evidence } = index;
  const books = {
    provider: new Map<string, Sides>(),
    ours: new Map<string, Sides>(),
    wallet: new Map<string, Sides>(),
    history: new Map<string, Sides>(),
  };
  const add = (
    book: keyof typeof books,
    of: { partner: string; playerId: string; roundRef: string },
    staked: bigint,
    paid: bigint,
  ) => {
    const key = `${of.partner} EUR ${of.playerId} ${of.roundRef}`;
    const sides = books[book].get(key) ?? { staked: 0n, paid: 0n };
    books[book].set(key, { staked: sides.staked + staked, paid: sides.paid + paid });
  };
  for (const operation of evidence.provider.operations) {
    const ours = index.operations.get(operation.key);
    // What a provider never asked about again, it has to take from us: nobody told it anything.
    const counts =
      operation.belief === 'accepted' ||
      (operation.belief === 'unknown' && !evidence.provider.repeats && counted(index, ours?.id));
    if (!counts) continue;
    const amount = BigInt(operation.amount);
    const of = { ...operation, roundRef: operation.round };
    if (operation.kind === 'stake') add('provider', of, amount, 0n);
    else add('provider', of, 0n, amount);
  }
  for (const operation of evidence.ours.operations) {
    if (!counted(index, operation.id)) continue;
    if (operation.kind === 'stake') add('ours', operation, operation.amount, 0n);
    else add('ours', operation, 0n, operation.amount);
  }
  for (const bet of evidence.ours.bets) {
    const taken = sum(index.moved(bet.id, 'bet'));
    const given = sum(index.moved(bet.id, 'settle-bet'));
    // A stake that was given back whole counts on neither side.
    const back = bet.decision === 'failed' ? bet.stake : 0n;
    const whole = taken === back && given === back;
    if (bet.decision !== 'failed' || !whole) add('wallet', bet, taken, given);
    const event = lastEvent(index, bet.id);
    if (!event) continue;
    const used = minorOf(event.used_balance) ?? -1n;
    const received = minorOf(event.receive_balance) ?? -1n;
    if (bet.decision !== 'failed' || used !== received) add('history', bet, used, received);
  }
  return [
    ...differences(index, books),
    ...balanceFaults(evidence.wallet),
    ...evidence.ours.contradictions,
  ];
}

function differences(
  index: Index,
  books: Readonly<Record<'provider' | 'ours' | 'wallet' | 'history', Map<string, Sides>>>,
): string[] {
  const found: string[] = [];
  const none: Sides = { staked: 0n, paid: 0n };
  const rounds = new Set(Object.values(books).flatMap((book) => [...book.keys()]));
  for (const round of rounds) {
    const told = Object.entries(books)
      .filter(
        ([name]) =>
          name !== 'history' ||
          (index.evidence.ours.wants[round.split(' ')[0] ?? '']?.history ?? true),
      )
      .map(([name, book]) => {
        const { staked, paid } = book.get(round) ?? none;
        return { name, text: `${staked} staked, ${paid} paid` };
      });
    if (new Set(told.map(({ text }) => text)).size > 1) {
      found.push(`${round}: ${told.map(({ name, text }) => `${name} ${text}`).join('; ')}`);
    }
  }
  return found;
}

/** Whether our book counts an operation: a confirmed stake, a payout that is owed or paid. */
function counted(index: Index, id: number | undefined): boolean {
  const operation = id === undefined ? undefined : index.operationsById.get(id);
  if (!operation) return false;
  if (operation.kind === 'payout')
    return ['owed', 'paid', 'nothing'].includes(operation.payoutState ?? '');
  return operation.betId !== null && index.bets.get(operation.betId)?.decision === 'confirmed';
}

/** Each account's balance after a movement is the one before it and the movement. */
function balanceFaults(wallet: readonly WalletLine[]): string[] {
  const found: string[] = [];
  const balances = new Map<string, bigint>();
  for (const line of wallet) {
    if (line.effect !== 'moved' || line.amount === null) continue;
    const account = `${line.partner} ${line.user_agent}`;
    const before = balances.get(account) ?? OPENING_MINOR;
    const change = line.endpoint === 'bet' ? -BigInt(line.amount) : BigInt(line.amount);
    const after = BigInt(line.balance ?? 0);
    if (after !== before + change) {
      found.push(`${account}: ${before} and ${change} made ${after} (bet ${line.bet_id})`);
    }
    balances.set(account, after);
  }
  return found;
}

/** The last record of a bet that the wallet took for new. */
export function lastEvent(index: Index, betId: string): Record<string, unknown> | undefined {
  const line = index.moved(betId, ENDPOINTS.report ?? '').at(-1);
  return line && (JSON.parse(line.body) as Record<string, unknown>);
}

/** Whether an open case of one of these kinds speaks of the bet: then a person decides about it. */
export function isNamed({ evidence }: Index, bet: OurBet, kinds: ReadonlySet<string>): boolean {
  return evidence.ours.openCases.some(
    (one) => kinds.has(one.kind) && (one.betId === bet.id || one.operationId === bet.operationId),
  );
}

function sum(lines: readonly WalletLine[]): bigint {
  return lines.reduce((total, { amount }) => total + BigInt(amount ?? 0), 0n);
}

function listed(lines: readonly WalletLine[]): string {
  return lines.length === 0 ? 'nothing' : lines.map(({ amount }) => String(amount)).join(' and ');
}
