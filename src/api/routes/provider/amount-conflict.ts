import { openStrayCase } from '../../../db/cases';
import type { KnownOperation } from '../../../db/operations';
import { maskedBody } from './masked-body';
import type { ProviderDeps } from './provider-deps';

/**
 * Rule 5 for a repeat whose amount the currency cannot hold: no decision can compare it, and it is
 * another amount all the same. The same one case an operation has for every other content.
 */
export async function openAmountConflict(
  deps: ProviderDeps,
  known: KnownOperation,
  request: { readonly amountText: string; readonly token: string; readonly hash: string },
  bodyText: string,
): Promise<void> {
  await openStrayCase(deps.book.pool, {
    kind: 'conflict',
    subject: String(known.operationId),
    roundId: known.roundId,
    amount: null,
    currency: known.currency,
    evidence: {
      reason: 'the same transaction with an amount that does not fit the currency',
      request_amount: request.amountText,
      request: maskedBody(bodyText, request),
    },
  });
}
