import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../../lib/clock';

/** Long enough for a player's complaint to be looked at, short enough for a link that leaks. */
export const ROUND_LINK_MS = 24 * 60 * 60 * 1_000;
/** An operator's link shows more, and whoever may have one can print the next within a second. */
export const OPERATOR_LINK_MS = 60 * 60 * 1_000;

export type LinkVerdict = 'valid' | 'expired' | 'forged';

/**
 * Links of ours that carry their own permission (docs/decisions/0009): of two kinds, each with a path, a subject and
 * a signature that the other kind has no use for.
 */
export interface Links {
  /** Where the result of a bet's round can be looked at by its player, for the next 24 hours. */
  roundUrl(betId: string): string;
  /**
   * @param expires and signature as they stand in the link
   * @returns `expired` only for a link that was ours
   */
  verifyRound(betId: string, expires: string, signature: string): LinkVerdict;
  /** Where an operator looks at a round, ids and codes included, for the next hour. */
  operatorUrl(roundId: string): string;
  /** The same as `verifyRound`, for an operator's link. */
  verifyOperator(roundId: string, expires: string, signature: string): LinkVerdict;
}

export interface LinksDeps {
  readonly publicBaseUrl: string;
  /** The installation's link_signing_key: every process of one installation accepts the links of all. */
  readonly key: Buffer;
  readonly clock: Clock;
}

interface LinkKind {
  /** The first signed line: it keeps signatures of one kind from passing for another. */
  readonly purpose: string;
  readonly path: string;
  /** What a subject looks like; none can hold a line break. */
  readonly subject: RegExp;
  readonly validMs: number;
}

const PLAYERS: LinkKind = {
  purpose: 'round-link',
  path: '/rounds/',
  subject: /^[0-9a-f]{24}$/,
  validMs: ROUND_LINK_MS,
};
const OPERATORS: LinkKind = {
  purpose: 'operator-link',
  path: '/operator/rounds/',
  subject: /^\d{1,18}$/,
  validMs: OPERATOR_LINK_MS,
};

export function createLinks({ publicBaseUrl, key, clock }: LinksDeps): Links {
  const signatureOf = ({ purpose }: LinkKind, subject: string, expires: string) =>
    createHmac('sha256', key).update(`${purpose}\n${subject}\n${expires}`).digest('base64url');

  function urlOf(kind: LinkKind, subject: string): string {
    const expires = String(Math.floor((clock.nowMs() + kind.validMs) / 1_000));
    const signature = signatureOf(kind, subject, expires);
    return `${publicBaseUrl}${kind.path}${subject}?expires=${expires}&signature=${signature}`;
  }

  function verify(
    kind: LinkKind,
    subject: string,
    expires: string,
    signature: string,
  ): LinkVerdict {
    if (!kind.subject.test(subject) || !/^\d{1,12}$/.test(expires)) return 'forged';
    // As text: decoding would pass over junk, and read several last letters alike.
    const given = Buffer.from(signature);
    const wanted = Buffer.from(signatureOf(kind, subject, expires));
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'forged';
    return clock.nowMs() < Number(expires) * 1_000 ? 'valid' : 'expired';
  }

  return {
    roundUrl: (betId) => urlOf(PLAYERS, betId),
    verifyRound: (betId, expires, signature) => verify(PLAYERS, betId, expires, signature),
    operatorUrl: (roundId) => urlOf(OPERATORS, roundId),
    verifyOperator: (roundId, expires, signature) => verify(OPERATORS, roundId, expires, signature),
  };
}
