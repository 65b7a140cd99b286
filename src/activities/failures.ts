import { ApplicationFailure } from '@temporalio/common';

/**
 * The one place where failures become Temporal's. A call that is not definite is repeated for ever, at
 * the book's own pace; what an operator reads at the pending activity is this message.
 */
export function notDefinite(text: string, retryInMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'NotDefinite',
    message: `${text}; next attempt in ${inWords(retryInMs)}`,
    nextRetryDelay: Math.max(retryInMs, 1),
  });
}

function inWords(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  return `${Math.round(ms / 60_000)} min`;
}
