import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'undici';
import { decimalOf, minorOf } from '../../test/chaos/wallet-book';
import type { MoneyRequest } from './front';

/** A bet of a peer: one stake a round, and at most one payout, which is the peers' whole rulebook. */
export interface Bet {
  readonly betId: string;
  readonly userAgent: string;
  /** Decimal text. */
  readonly stake: string;
}

export class Declined extends Error {}

/** The wallet's five calls, signed as the partner document says. Each makes one attempt. */
export interface WalletCalls {
  /** @throws Declined when the player has no funds; any other error means unknown: repeat */
  take(bet: Bet): Promise<string>;
  give(bet: Bet, payout: string): Promise<string>;
  end(bet: Bet, payout: string): Promise<void>;
  report(bet: Bet, type: 'create' | 'update', payout: string, balance: string): Promise<void>;
}

/** Roundhouse's own limits: one attempt of a call, and calls under way at once. */
const ATTEMPT_MS = 2_000;
const IN_FLIGHT_MAX = 32;

export function betOf({ playerId, userAgent, round, betAmount }: MoneyRequest): Bet {
  const betId = createHash('sha256').update(`${playerId}/${round}`).digest('hex').slice(0, 24);
  return { betId, userAgent, stake: betAmount };
}

export function createWalletCalls(options: { walletUrl: string; secret: string }): WalletCalls {
  const { walletUrl, secret } = options;
  const dispatcher = new Agent({ connections: IN_FLIGHT_MAX, pipelining: 1 });

  async function post(path: string, payload: Record<string, string | number>): Promise<string> {
    const sorted = Object.fromEntries(Object.entries(payload).sort(([a], [b]) => (a < b ? -1 : 1)));
    const text = JSON.stringify(sorted);
    const hmac = createHmac('sha256', secret).update(text).digest('hex');
    const reply = await request(`${walletUrl}/${path}`, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/json' },
      body: `${text.slice(0, -1)},"hmac":"${hmac}"}`,
      headersTimeout: ATTEMPT_MS,
      bodyTimeout: ATTEMPT_MS,
    });
    const answer = await reply.body.text();
    if (reply.statusCode === 402) throw new Declined(answer);
    if (reply.statusCode !== 200) throw new Error(`/${path}: HTTP ${String(reply.statusCode)}`);
    return answer;
  }

  const balanceIn = (text: string): string => {
    const balance = /"balance":(\d+(?:\.\d+)?)/.exec(text)?.[1];
    if (balance === undefined) throw new Error(`no balance: ${text}`);
    return balance;
  };

  return {
    take: async ({ userAgent, betId, stake }) =>
      balanceIn(
        await post('bet', { user_agent: userAgent, balance: Number(stake), bet_id: betId }),
      ),
    give: async ({ userAgent, betId, stake }, payout) =>
      balanceIn(
        await post('settle-bet', {
          user_agent: userAgent,
          bet: Number(stake),
          balance: Number(payout),
          bet_id: betId,
        }),
      ),
    async end({ userAgent, betId, stake }, payout) {
      await post('bet-end', {
        user_agent: userAgent,
        balance: Number(stake),
        win_balance: Number(payout),
        bet_id: betId,
      });
    },
    async report({ userAgent, betId, stake }, type, payout, balance) {
      const [after, staked, won] = [balance, stake, payout].map(
        (text) => minorOf(Number(text)) ?? 0n,
      ) as [bigint, bigint, bigint];
      const now = new Date().toISOString();
      await post('history', {
        _id: betId,
        type,
        provider: 'Copper',
        game: 'Copper Mine',
        game_id: '11',
        user_agent: userAgent,
        before_balance: Number(decimalOf(after - won + staked)),
        after_balance: Number(balance),
        used_balance: Number(stake),
        receive_balance: Number(payout),
        winlose: Number(decimalOf(won - staked)),
        createdAt: now,
        updatedAt: now,
      });
    },
  };
}
