import { breakerSign, createBreakerWindow, type BreakerWindow } from '../domain/breaker';
import type { WalletOutcome } from '../domain/wallet-outcome';
import type { WalletVerb } from '../domain/wallet-outcome';
import { noteBadCall, noteGoodCall } from '../db/breakers';
import type { Pool } from '../db/pool';
import type { RoundContext } from '../db/round-rows';
import type { Logger } from '../lib/log';

/** Watches what wallets answer, and opens and closes the partners' breakers in the book (rule 14). */
export interface Breakers {
  /** Notes how a call ended. Never throws: a breaker that opens late is an inconvenience, no loss. */
  note(verb: WalletVerb, outcome: WalletOutcome, context: RoundContext): Promise<void>;
}

export function createBreakers(deps: { pool: Pool; log: Logger }): Breakers {
  const { pool, log } = deps;
  const windows = new Map<number, BreakerWindow>();

  function windowOf(partnerId: number): BreakerWindow {
    const known = windows.get(partnerId);
    if (known) return known;
    const window = createBreakerWindow();
    windows.set(partnerId, window);
    return window;
  }

  async function judge(outcome: WalletOutcome, context: RoundContext): Promise<void> {
    const { partnerId, partnerPrefix: partner, breakerTerms } = context;
    const sign = breakerSign(outcome);
    if (sign === 'nothing') return;
    const window = windowOf(partnerId);
    const windowIsBad = window.add(sign === 'bad', performance.now(), breakerTerms);
    if (sign === 'bad' && (windowIsBad || context.breaker !== 'closed')) {
      if (await noteBadCall(pool, partnerId, breakerTerms, windowIsBad)) {
        window.clear();
        log.warn(
          { partner },
          'the wallet does not answer: its breaker is open, new stakes are refused',
        );
      }
    } else if (sign === 'good' && context.breaker !== 'closed') {
      if (await noteGoodCall(pool, partnerId)) {
        window.clear();
        log.info({ partner }, 'the wallet answers again: its breaker is closed');
      }
    }
  }

  return {
    async note(verb, outcome, context) {
      // Stakes are stopped for what would happen to a stake: endpoints that move no money do not count.
      if (verb !== 'take' && verb !== 'give') return;
      await judge(outcome, context).catch((error: unknown) =>
        log.warn({ err: error }, 'a call was not noted for the breaker'),
      );
    },
  };
}
