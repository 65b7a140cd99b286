import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../../lib/clock';

/** Long enough for a player's complaint to be looked at, short enough for a link that leaks. */
export const ROUND_LINK_MS = 24 * 60 * 60 * 1_000;

/**
 * 32 bytes in base64url, the one way to write them: Node's decoder skips what is no letter of it, takes the
 * other alphabet too, and drops the last letter's two spare bits, so that one signature had many spellings.
 */
const SIGNATURE = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

export type LinkVerdict = 'valid' | 'expired' | 'forged';

/** Links of ours that carry their own permission. */
export interface Links {
  /** Where the result of a bet's round can be looked at, for the next 24 hours. */
  roundUrl(betId: string): string;
  /**
   * @param expires and signature as they stand in the link
   * @returns `expired` only for a link that was ours
   */
  verifyRound(betId: string, expires: string, signature: string): LinkVerdict;
}

export interface LinksDeps {
  readonly publicBaseUrl: string;
  /** The installation's link_signing_key: every process of one installation accepts the links of all. */
  readonly key: Buffer;
  readonly clock: Clock;
}

export function createLinks({ publicBaseUrl, key, clock }: LinksDeps): Links {
  // The first line keeps signatures of one purpose from passing for another; no part can hold a line break.
  const signatureOf = (betId: string, expires: string) =>
    createHmac('sha256', key).update(`round-link\n${betId}\n${expires}`).digest();

  return {
    roundUrl(betId) {
      const expires = String(Math.floor((clock.nowMs() + ROUND_LINK_MS) / 1_000));
      const signature = signatureOf(betId, expires).toString('base64url');
      return `${publicBaseUrl}/rounds/${betId}?expires=${expires}&signature=${signature}`;
    },
    verifyRound(betId, expires, signature) {
      if (!/^[0-9a-f]{24}$/.test(betId) || !/^\d{1,12}$/.test(expires)) return 'forged';
      if (!SIGNATURE.test(signature)) return 'forged';
      const given = Buffer.from(signature, 'base64url');
      const wanted = signatureOf(betId, expires);
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'forged';
      return clock.nowMs() < Number(expires) * 1_000 ? 'valid' : 'expired';
    },
  };
}
