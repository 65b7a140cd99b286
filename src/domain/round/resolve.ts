import { formatFixed } from '../money';
import { assertNever } from '../../lib/assert';
import { type CaseKind, type Draft, operationOf } from './draft';
import { hasOnlyFailedStakes, release } from './payout';
import type { OperationRow } from './rows';

/** What a person may make of a case. Which of them a case takes depends on its kind. */
export const RESOLUTIONS = ['pay', 'void', 'dismiss'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** A case of this round, and what a person decided about it. */
export interface CaseResolution {
  readonly caseId: string;
  readonly kind: CaseKind;
  /** The operation the case is about; null for a request that was never recorded. */
  readonly operationId: number | null;
  readonly as: Resolution;
}

export type ResolutionVerdict =
  | { readonly kind: 'resolved'; readonly text: string }
  /** Nothing was changed; the text says why, for the person. */
  | { readonly kind: 'refused'; readonly text: string };

/**
 * Carries out what a person decided about a case (SPEC §4 rule 15 for held payouts). Who it was and why
 * stays with the case: the journal holds no personal data.
 */
export function resolveCase(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const verdict =
    resolution.kind === 'held_payout'
      ? resolveHeldPayout(draft, resolution)
      : resolutionWithoutRound(resolution);
  if (verdict.kind === 'resolved') {
    draft.facts.push({
      kind: 'case_resolved',
      case: resolution.caseId,
      case_kind: resolution.kind,
      as: resolution.as,
    });
  }
  return verdict;
}

/**
 * What can be made of a case without touching its round: every kind but a held payout can only be
 * dismissed, because what it is about either goes on by itself or was refused for good.
 */
export function resolutionWithoutRound(resolution: {
  readonly kind: CaseKind;
  readonly as: Resolution;
}): ResolutionVerdict {
  const { kind, as } = resolution;
  if (kind === 'held_payout') return refused('the case has no round to pay in');
  if (as !== 'dismiss') {
    return refused(
      `a case ${kind} cannot be resolved as ${as}; only dismiss, with a note, is known`,
    );
  }
  return { kind: 'resolved', text: 'a person has looked; no money is moved by it' };
}

function resolveHeldPayout(draft: Draft, resolution: CaseResolution): ResolutionVerdict {
  const { operationId, as } = resolution;
  const operation = operationId === null ? undefined : operationOf(draft, operationId);
  if (!operation) return refused('the book has no such payout');
  if (operation.payoutState !== 'held') {
    return refused(`payout ${operation.id} is not held any more: it is ${operation.payoutState}`);
  }
  switch (as) {
    case 'pay':
      return pay(draft, operation);
    case 'void':
      // Nobody waits for a held payout: its request was answered at once.
      operation.waiting = false;
      operation.payoutState = 'void';
      draft.facts.push({ kind: 'payout_void', operation: operation.id });
      return {
        kind: 'resolved',
        text: `${named(draft, operation)} is refused for ever, and so is every repeat of it`,
      };
    case 'dismiss':
      return refused(`a held payout is resolved as pay or as void, not as ${as}`);
    default:
      return assertNever(as);
  }
}

/**
 * Releases a held payout as if it had come in now. It is not answered by that: the provider was told
 * that it failed, and is told otherwise when it repeats the transaction.
 */
function pay(draft: Draft, operation: OperationRow): ResolutionVerdict {
  if (hasOnlyFailedStakes(draft)) {
    return refused('no stake of the round was taken, so nothing can be won in it; void it');
  }
  operation.waiting = false;
  operation.payoutState = 'waiting';
  draft.facts.push({ kind: 'payout_released', operation: operation.id });
  release(draft, operation);
  const what = named(draft, operation);
  const { betId } = operation;
  return {
    kind: 'resolved',
    text:
      betId === null
        ? `${what} is owed as soon as a stake of its round is confirmed; a repeat is accepted then`
        : `${what} is owed on bet ${betId}; the next repeat is accepted`,
  };
}

function named(draft: Draft, operation: OperationRow): string {
  const { exponent, currency } = draft.terms;
  return `payout ${operation.id} of ${formatFixed(operation.amount, exponent)} ${currency}`;
}

function refused(text: string): ResolutionVerdict {
  return { kind: 'refused', text };
}
