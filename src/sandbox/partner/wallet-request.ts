import type { LosslessJson } from '../../lib/json';
import { createFieldReader, USER_AGENT, type FieldReader } from './field-reader';

/** The five callbacks of the partner document, by the last part of their path. */
export const WALLET_ENDPOINTS = ['balance', 'bet', 'settle-bet', 'bet-end', 'history'] as const;
export type WalletEndpoint = (typeof WALLET_ENDPOINTS)[number];

export interface BetRequest {
  readonly endpoint: 'bet';
  readonly userAgent: string;
  readonly betId: string;
  readonly stakeMinor: bigint;
}
export interface SettleRequest {
  readonly endpoint: 'settle-bet';
  readonly userAgent: string;
  readonly betId: string;
  readonly stakeMinor: bigint;
  readonly winMinor: bigint;
}
export interface BetEndRequest {
  readonly endpoint: 'bet-end';
  readonly userAgent: string;
  readonly betId: string;
  readonly stakeMinor: bigint;
  readonly winMinor: bigint;
}
export interface HistoryRequest {
  readonly endpoint: 'history';
  readonly betId: string;
  readonly type: 'create' | 'update';
  readonly userAgent: string;
  readonly provider: string;
  readonly game: string;
  readonly gameId: string;
  readonly beforeMinor: bigint;
  readonly afterMinor: bigint;
  readonly usedMinor: bigint;
  readonly receiveMinor: bigint;
  readonly winloseMinor: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
export type WalletRequest =
  | { readonly endpoint: 'balance'; readonly userAgent: string }
  | BetRequest
  | SettleRequest
  | BetEndRequest
  | HistoryRequest;

export const BET_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Reads a verified body. Amounts are taken from their source text and never pass through a double.
 *
 * @param exponent decimals of the casino's currency
 * @throws ShapeError naming the first field that is missing or not usable
 */
export function readWalletRequest(
  endpoint: WalletEndpoint,
  body: LosslessJson,
  exponent: number,
): WalletRequest {
  const fields = createFieldReader(body, exponent);
  const userAgent = fields.text('user_agent', USER_AGENT);
  switch (endpoint) {
    case 'balance':
      return { endpoint, userAgent };
    case 'bet':
      return {
        endpoint,
        userAgent,
        betId: fields.text('bet_id', BET_ID),
        stakeMinor: fields.amount('balance'),
      };
    case 'settle-bet':
      return {
        endpoint,
        userAgent,
        betId: fields.text('bet_id', BET_ID),
        // Required: a captured /bet body would otherwise pass here as a win of its stake.
        stakeMinor: fields.amount('bet'),
        winMinor: fields.amount('balance'),
      };
    case 'bet-end':
      return {
        endpoint,
        userAgent,
        betId: fields.text('bet_id', BET_ID),
        stakeMinor: fields.amount('balance'),
        winMinor: fields.amount('win_balance'),
      };
    case 'history':
      return readHistory(fields, userAgent);
  }
}

function readHistory(fields: FieldReader, userAgent: string): HistoryRequest {
  const type = fields.oneOf('type', ['create', 'update'] as const);
  return {
    endpoint: 'history',
    betId: fields.text('_id', BET_ID),
    type,
    userAgent,
    provider: fields.text('provider'),
    game: fields.text('game'),
    gameId: fields.text('game_id'),
    beforeMinor: fields.signedAmount('before_balance'),
    afterMinor: fields.signedAmount('after_balance'),
    usedMinor: fields.amount('used_balance'),
    receiveMinor: fields.amount('receive_balance'),
    winloseMinor: fields.signedAmount('winlose'),
    createdAt: fields.instant('createdAt'),
    updatedAt: fields.instant('updatedAt'),
  };
}
