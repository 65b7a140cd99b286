import type { CallSettings } from './settings';

/** What came back from a partner: an answer is HTTP 200 with a JSON object that has an integer `code`. */
export type Reply =
  | {
      readonly is: 'answer';
      readonly code: number;
      readonly message: string | undefined;
      readonly balance: string | undefined;
      readonly externalSessionId: string | undefined;
      readonly bytes: Buffer;
    }
  | { readonly is: 'none'; readonly why: string; readonly bytes: Buffer };

/** What the verdict depends on besides the reply. */
export interface CallHistory {
  readonly kind: 'credit' | 'debit';
  /** Attempts so far, this one included. */
  readonly attempts: number;
  /** Whether an earlier attempt may have been carried out unseen. */
  readonly doubtful: boolean;
  /** Code 1 answers in an unbroken run before this reply, and when the run began. */
  readonly internalErrors: number;
  readonly internalSinceMs: number | undefined;
}

export type Verdict =
  | { readonly is: 'accepted' }
  | { readonly is: 'refused' }
  | {
      readonly is: 'repeat';
      readonly delayMs: number;
      readonly doubtful: boolean;
      readonly internalErrors: number;
      readonly internalSinceMs: number | undefined;
    };

/** A win is owed: only these end it without payment, and each of them is shown in the book. */
const DEBIT_REFUSALS: ReadonlySet<number> = new Set([4, 5, 8, 10, 11, 14]);

/**
 * Decides what a reply means for a Credit or a Debit.
 *
 *   code 0            accepted
 *   Debit             one of its listed refusals ends it; anything else is repeated for ever
 *   Credit, code 1    "Internal Error" does not say whether the stake was taken: repeated `creditRepeats`
 *                     times, and as long as `doubtMs` when an earlier attempt had no answer; then refused
 *   Credit, others    refused
 *   no answer         repeated for ever, with the same transaction id
 */
export function verdictOn(
  call: CallHistory,
  reply: Reply,
  nowMs: number,
  settings: CallSettings,
): Verdict {
  if (reply.is === 'answer' && reply.code === 0) return { is: 'accepted' };
  const delayMs = delayBefore(call, settings) * settings.delayScale;
  if (reply.is === 'none') {
    return {
      is: 'repeat',
      delayMs,
      doubtful: true,
      internalErrors: 0,
      internalSinceMs: undefined,
    };
  }
  if (call.kind === 'debit' && DEBIT_REFUSALS.has(reply.code)) return { is: 'refused' };
  if (call.kind === 'credit' && reply.code !== 1) return { is: 'refused' };
  const internalErrors = call.internalErrors + 1;
  const internalSinceMs = call.internalSinceMs ?? nowMs;
  if (call.kind === 'credit' && internalErrors > settings.creditRepeats) {
    const doubtIsOver = !call.doubtful || nowMs - internalSinceMs >= settings.doubtMs;
    if (doubtIsOver) return { is: 'refused' };
  }
  return { is: 'repeat', delayMs, doubtful: call.doubtful, internalErrors, internalSinceMs };
}

function delayBefore(call: CallHistory, settings: CallSettings): number {
  const quick = call.kind === 'credit' ? settings.creditDelaysMs : [];
  const repeat = call.attempts - 1;
  return (
    quick[repeat] ??
    settings.backoffMs[Math.min(repeat - quick.length, settings.backoffMs.length - 1)] ??
    1_000
  );
}
