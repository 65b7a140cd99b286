import type { RoundContext } from '../db/round-rows';
import { cutToMinor, formatAmount } from '../domain/money';
import type { CallContent } from '../domain/round/attempt';
import { assertNever } from '../lib/assert';
import {
  endPayload,
  givePayload,
  reportPayload,
  takePayload,
} from '../protocols/seamless-wallet/payloads';
import { canonical } from '../protocols/seamless-wallet/signature';

/** Fifteen digits: the most that both sides print alike. */
const BALANCE_MAX = 10n ** 15n - 1n;

/**
 * The payload of a call in the partner's dialect, as canonical text without its signature. Pure: the
 * book keeps the first one made, and every later attempt repeats it byte for byte.
 */
export function callPayload(content: CallContent, context: RoundContext): string {
  const { exponent } = context.terms;
  const { userAgent } = context;
  const text = (minor: bigint) => formatAmount(minor, exponent);
  switch (content.verb) {
    case 'take':
      return canonical(
        takePayload({ userAgent, betId: content.betId, stake: text(content.amount) }),
      );
    case 'give':
      return canonical(
        givePayload({
          userAgent,
          betId: content.betId,
          stake: text(content.stake),
          payout: text(content.amount),
        }),
      );
    case 'end':
      return canonical(
        endPayload({
          userAgent,
          betId: content.betId,
          stake: text(content.stake),
          payout: text(content.win),
        }),
      );
    case 'report': {
      const stakeReply = balanceOf(content.stakeBalance, exponent);
      const lastReply = balanceOf(content.lastBalance, exponent);
      // Rule 11: the balance before is the stake's reply and the stake; where the stake had no reply of
      // its own, it is counted back from the last one.
      const before =
        content.stakeBalance === null
          ? lastReply - content.received + content.stake
          : stakeReply + content.stake;
      return canonical(
        reportPayload({
          betId: content.betId,
          type: content.number === 1 ? 'create' : 'update',
          userAgent,
          product: context.providerName,
          game: context.gameTitle,
          gameId: context.gameId,
          beforeBalance: text(clamped(before)),
          afterBalance: text(lastReply),
          stake: text(content.stake),
          payout: text(content.received),
          winlose: text(content.received - content.stake),
          createdAt: new Date(content.createdMs).toISOString(),
          updatedAt: new Date(content.updatedMs).toISOString(),
        }),
      );
    }
    default:
      return assertNever(content);
  }
}

/**
 * A balance as a record can carry it. One with more digits than both sides print alike is told as the
 * largest that can be: a record that could never be signed would be owed for ever.
 */
function balanceOf(text: string | null, exponent: number): bigint {
  return text === null ? 0n : clamped(cutToMinor(text, exponent) ?? 0n);
}

function clamped(minor: bigint): bigint {
  if (minor > BALANCE_MAX) return BALANCE_MAX;
  return minor < -BALANCE_MAX ? -BALANCE_MAX : minor;
}
