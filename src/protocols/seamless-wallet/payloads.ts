import { wireNumber, type WirePayload } from './signature';
import { transliterate } from './transliterate';

/**
 * Where each call goes below the partner's wallet URL (partner document, "Seamless wallet"). `take`
 * and `give` are the stake and the payout; the wire's own words live in this folder only.
 */
export const WALLET_PATHS = {
  read: '/balance',
  take: '/bet',
  give: '/settle-bet',
  end: '/bet-end',
  report: '/history',
} as const;

export type WalletCall = keyof typeof WALLET_PATHS;

/** POST {wallet}/balance. */
export function readPayload(input: { readonly userAgent: string }): WirePayload {
  return { user_agent: input.userAgent };
}

export interface TakeInput {
  readonly userAgent: string;
  readonly betId: string;
  /** The stake as decimal text; `0` for a carrier. */
  readonly stake: string;
}

/** POST {wallet}/bet. On the wire `balance` is the amount to take, not a balance (trap T2). */
export function takePayload(input: TakeInput): WirePayload {
  return {
    user_agent: input.userAgent,
    balance: wireNumber(input.stake),
    bet_id: input.betId,
  };
}

export interface GiveInput extends TakeInput {
  /** What the player gets, as decimal text. */
  readonly payout: string;
}

/** POST {wallet}/settle-bet. `bet` is the stake, `balance` the amount to give (trap T2). */
export function givePayload(input: GiveInput): WirePayload {
  return {
    user_agent: input.userAgent,
    bet: wireNumber(input.stake),
    balance: wireNumber(input.payout),
    bet_id: input.betId,
  };
}

/** POST {wallet}/bet-end. `balance` is the stake, `win_balance` what was paid for this bet. */
export function endPayload(input: GiveInput): WirePayload {
  return {
    user_agent: input.userAgent,
    balance: wireNumber(input.stake),
    win_balance: wireNumber(input.payout),
    bet_id: input.betId,
  };
}

export interface ReportInput {
  readonly betId: string;
  readonly type: 'create' | 'update';
  readonly userAgent: string;
  /** The product's and the game's names as people know them; transliterated here. */
  readonly product: string;
  readonly game: string;
  readonly gameId: string;
  /** Decimal texts of the account currency; balances already cut to what the currency can show. */
  readonly beforeBalance: string;
  readonly afterBalance: string;
  readonly stake: string;
  readonly payout: string;
  /** payout - stake; the caller computes it on minor units. */
  readonly winlose: string;
  /** ISO-8601 in UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** POST {wallet}/history. `_id` is the bet_id, so that the partner can join both feeds (SPEC §2). */
export function reportPayload(input: ReportInput): WirePayload {
  return {
    _id: input.betId,
    type: input.type,
    provider: transliterate(input.product),
    game: transliterate(input.game),
    game_id: input.gameId,
    user_agent: input.userAgent,
    before_balance: wireNumber(input.beforeBalance),
    after_balance: wireNumber(input.afterBalance),
    used_balance: wireNumber(input.stake),
    receive_balance: wireNumber(input.payout),
    winlose: wireNumber(input.winlose),
    createdAt: input.createdAt,
    updatedAt: input.updatedAt,
  };
}
