import type { Pool } from 'pg';
import type { Clock } from '../../lib/clock';
import { passGate, refusal, storeReply, type Decision, type GatedCall } from './call-gate';
import { inTransaction, type Transaction } from './open-book';
import { recordHistory } from './history-feed';
import { lockPlayer, openPlayer, post, type PlayerAccount } from './ledger';
import type { Money } from './money-text';
import { reportViolation } from './violation';
import type { BetEndRequest, BetRequest, SettleRequest, WalletRequest } from './wallet-request';

export interface Wallet {
  /**
   * Decides one verified callback in one transaction.
   *
   * @param options.declineFunds the switchboard's `decline`: a /bet not seen before is refused for funds
   * @param options.beforeCommit runs in the same transaction with the answer
   */
  decide(
    request: WalletRequest,
    options?: {
      readonly declineFunds?: boolean;
      readonly beforeCommit?: (tx: Transaction, decision: Decision) => Promise<void>;
    },
  ): Promise<Decision>;
}

export interface WalletDeps {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly money: Money;
  /** Players whose handle begins with `<prefix>.` are ours and are opened at their first call. */
  readonly prefix: string;
}

/**
 * The reference wallet of the partner document ("Seamless wallet").
 *
 *   call ── gate (endpoint, bet_id) ── known, same content ──▶ the stored answer
 *                 │                    known, other content ─▶ 409, nothing moves
 *                 └─ new ─▶ player ─▶ blocked ─▶ funds ─▶ book ─▶ answer stored ─▶ commit
 *
 * The gate is a unique key, and it comes before everything else: a repeat finds the first answer even when the
 * player was topped up, blocked or emptied in between. That is what `dedup_before_funds` promises.
 */
export function createWallet(deps: WalletDeps): Wallet {
  return {
    async decide(request, options = {}) {
      let decision: Decision | undefined;
      try {
        return await inTransaction(deps.pool, async (tx) => {
          decision = await decideInside(tx, deps, request, options.declineFunds ?? false);
          if (!decision.keep) throw new Undo();
          await options.beforeCommit?.(tx, decision);
          return decision;
        });
      } catch (error) {
        if (error instanceof Undo && decision) return decision;
        throw error;
      }
    },
  };
}

/** Carries no news: it only makes the transaction roll back. */
class Undo extends Error {}

async function decideInside(
  tx: Transaction,
  deps: WalletDeps,
  request: WalletRequest,
  declineFunds: boolean,
): Promise<Decision> {
  switch (request.endpoint) {
    case 'balance':
      return readBalance(tx, deps, request.userAgent);
    case 'bet':
      return takeBet(tx, deps, request, declineFunds);
    case 'settle-bet':
      return settleBet(tx, deps, request);
    case 'bet-end':
      return endBet(tx, deps, request);
    case 'history': {
      const gate = await recordHistory(tx, request, deps.money, new Date(deps.clock.nowMs()));
      return { status: 200, body: '{"status":true}', keep: true, gate };
    }
  }
}

async function readBalance(
  tx: Transaction,
  deps: WalletDeps,
  userAgent: string,
): Promise<Decision> {
  const player = await playerOf(tx, deps, userAgent);
  if (!player) return refusal(404, 'PLAYER_NOT_FOUND');
  const balance = deps.money.text(player.balanceMinor);
  const turnOver = deps.money.text(player.turnOverMinor);
  const body = `{"balance":${balance},"tmp":0,"fish_remaining":0,"turn_over":${turnOver},"game_type":"slot"}`;
  return { status: 200, body, keep: true };
}

async function takeBet(
  tx: Transaction,
  deps: WalletDeps,
  request: BetRequest,
  declineFunds: boolean,
): Promise<Decision> {
  const { betId, userAgent, stakeMinor } = request;
  const call: GatedCall = { endpoint: 'bet', betId, content: [userAgent, stakeMinor] };
  const at = new Date(deps.clock.nowMs());
  const stored = await passGate(tx, call, at);
  if (stored) return stored;
  const player = await playerOf(tx, deps, userAgent);
  const refused = refusalOfBet(player, stakeMinor, declineFunds, deps.money);
  // A refusal is stored like a success: after a top-up the repeat of a refused bet is still refused.
  if (refused) return storeReply(tx, call, refused);
  if (!player) throw new Error('a missing player is refused');
  const balanceMinor = await post(tx, player, {
    kind: 'bet',
    against: 'house',
    amountMinor: -stakeMinor,
    betId,
    at,
  });
  await tx.query(
    'INSERT INTO bet (bet_id, account_id, stake_minor, taken_at) VALUES ($1, $2, $3, $4)',
    [betId, player.accountId, stakeMinor.toString(), at],
  );
  return storeReply(tx, call, success(balanceMinor, deps.money));
}

function refusalOfBet(
  player: PlayerAccount | undefined,
  stakeMinor: bigint,
  declineFunds: boolean,
  money: Money,
): Decision | undefined {
  if (!player) return refusal(404, 'PLAYER_NOT_FOUND');
  // A zero stake takes nothing: it is how a second win of a round arrives, and a block never keeps a win back.
  if (player.blocked && stakeMinor > 0n) return refusal(403, 'PLAYER_BLOCKED');
  if (declineFunds || player.balanceMinor < stakeMinor) {
    const body = `{"error":"INSUFFICIENT_FUNDS","balance":${money.text(player.balanceMinor)}}`;
    return { status: 402, body, keep: true };
  }
  return undefined;
}

async function settleBet(
  tx: Transaction,
  deps: WalletDeps,
  request: SettleRequest,
): Promise<Decision> {
  const { betId, userAgent, stakeMinor, winMinor } = request;
  const call: GatedCall = {
    endpoint: 'settle-bet',
    betId,
    content: [userAgent, stakeMinor, winMinor],
  };
  const at = new Date(deps.clock.nowMs());
  const stored = await passGate(tx, call, at);
  if (stored) return stored;
  const bet = await lockBet(tx, betId);
  const refused = refusalForBet(bet, userAgent);
  if (refused) return refused;
  const player = await lockPlayer(tx, userAgent);
  if (!bet || !player) throw new Error('a bet has a player');
  const balanceMinor = await post(tx, player, {
    kind: 'settle-bet',
    against: 'house',
    amountMinor: winMinor,
    betId,
    at,
  });
  await tx.query('UPDATE bet SET settled_minor = $2 WHERE bet_id = $1', [
    betId,
    winMinor.toString(),
  ]);
  if (bet.stakeMinor !== stakeMinor) {
    await reportViolation(tx, 'settle-bet', betId, 'bet is not what was staked', at);
  }
  if (bet.ended) await reportViolation(tx, 'settle-bet', betId, 'settle-bet after bet-end', at);
  return storeReply(tx, call, success(balanceMinor, deps.money));
}

async function endBet(
  tx: Transaction,
  deps: WalletDeps,
  request: BetEndRequest,
): Promise<Decision> {
  const { betId, userAgent, stakeMinor, winMinor } = request;
  const call: GatedCall = {
    endpoint: 'bet-end',
    betId,
    content: [userAgent, stakeMinor, winMinor],
  };
  const at = new Date(deps.clock.nowMs());
  const stored = await passGate(tx, call, at);
  if (stored) return stored;
  const bet = await lockBet(tx, betId);
  const refused = refusalForBet(bet, userAgent);
  if (refused) return refused;
  if (!bet) throw new Error('a missing bet is refused');
  await tx.query('UPDATE bet SET ended = true, win_minor = $2 WHERE bet_id = $1', [
    betId,
    winMinor.toString(),
  ]);
  if (bet.stakeMinor !== stakeMinor) {
    await reportViolation(tx, 'bet-end', betId, 'balance is not what was staked', at);
  }
  if ((bet.settledMinor ?? 0n) !== winMinor) {
    await reportViolation(tx, 'bet-end', betId, 'win_balance is not what was settled', at);
  }
  const { rows } = await tx.query<{ balance_minor: string }>(
    'SELECT balance_minor FROM account WHERE user_agent = $1',
    [userAgent],
  );
  const balanceMinor = BigInt(rows[0]?.balance_minor ?? '0');
  return storeReply(tx, call, success(balanceMinor, deps.money));
}

interface Bet {
  readonly userAgent: string;
  readonly stakeMinor: bigint;
  readonly settledMinor: bigint | undefined;
  readonly ended: boolean;
}

async function lockBet(tx: Transaction, betId: string): Promise<Bet | undefined> {
  const { rows } = await tx.query<{
    user_agent: string;
    stake_minor: string;
    settled_minor: string | null;
    ended: boolean;
  }>(
    `SELECT a.user_agent, b.stake_minor, b.settled_minor, b.ended
       FROM bet b JOIN account a USING (account_id) WHERE b.bet_id = $1 FOR UPDATE OF b`,
    [betId],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    userAgent: row.user_agent,
    stakeMinor: BigInt(row.stake_minor),
    settledMinor: row.settled_minor === null ? undefined : BigInt(row.settled_minor),
    ended: row.ended,
  };
}

// Refusals of what is owed are never stored: the bet may still arrive, and the win with it.
function refusalForBet(bet: Bet | undefined, userAgent: string): Decision | undefined {
  if (!bet) return { ...refusal(404, 'bet not found'), keep: false };
  if (bet.userAgent !== userAgent) {
    return { ...refusal(409, 'bet of another player'), keep: false };
  }
  return undefined;
}

async function playerOf(
  tx: Transaction,
  deps: WalletDeps,
  userAgent: string,
): Promise<PlayerAccount | undefined> {
  const ours = userAgent.startsWith(`${deps.prefix}.`) && userAgent.length > deps.prefix.length + 1;
  if (!ours) return undefined;
  return openPlayer(tx, userAgent, deps.money.openingMinor, new Date(deps.clock.nowMs()));
}

function success(balanceMinor: bigint, money: Money): Decision {
  const body = `{"balance":${money.text(balanceMinor)},"tmp":0,"fish_remaining":0}`;
  return { status: 200, body, keep: true };
}
