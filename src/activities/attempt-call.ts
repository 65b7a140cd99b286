import { beginAttempt, endAttempt, type AttemptKey } from '../db/attempts';
import type { Book, Entry } from '../db/book';
import type { RoundContext } from '../db/round-rows';
import type { RoundView } from '../contracts/round';
import type { AttemptStart, CallContent, CallPurpose, Driver } from '../domain/round/attempt';
import { parseObligationId } from '../domain/round/rows';
import { describeOutcome, type WalletOutcome } from '../domain/wallet-outcome';
import { assert } from '../lib/assert';
import type { Failpoints } from '../lib/failpoints';
import type { Logger } from '../lib/log';
import type { WalletCallResult, WalletClient } from '../protocols/seamless-wallet/client';
import type { Breakers } from './breakers';
import { callPayload } from './call-payload';
import type { Wallets } from './wallets';

/** What one attempt came to, for whoever drives the call. */
export type Attempted = {
  readonly view: RoundView;
  readonly context: RoundContext;
} & (
  | { readonly kind: 'not_mine' }
  | { readonly kind: 'definite'; readonly purpose: CallPurpose }
  | { readonly kind: 'later' | 'failed'; readonly retryInMs: number; readonly text: string }
);

interface Sending {
  readonly key: AttemptKey;
  readonly payload: string;
  /** Since before the decision that let the attempt begin. */
  readonly elapsedMs: () => number;
}

/** Rule 2: a process that was held up between its decision and its first byte sends nothing any more. */
const TOO_LATE: Pick<WalletCallResult, 'outcome' | 'received'> = {
  outcome: { kind: 'not_sent', reason: 'late', text: 'the answer deadline has passed' },
  received: {},
};

export type AttemptCall = (round: string, call: string, driver: Driver) => Promise<Attempted>;

/**
 * A wallet that says *duplicate* for done tells no balance with it, and the provider is told one for ever.
 * While the wallet does not tell it either when it is asked, the call is repeated: no number is made up.
 */
async function withBalance(
  wallet: WalletClient,
  userAgent: string,
  verb: CallContent['verb'],
  outcome: WalletOutcome,
): Promise<WalletOutcome> {
  const owesBalance = verb === 'take' || verb === 'give';
  if (outcome.kind !== 'done' || outcome.balance !== undefined || !owesBalance) return outcome;
  const { outcome: read } = await wallet.balance(userAgent);
  if (read.kind === 'done' && read.balance !== undefined) {
    return { ...outcome, balance: read.balance };
  }
  const text = `${outcome.text}, and no balance: ${read.text}`;
  return { kind: 'unknown', reason: 'no_balance', text };
}

/**
 * One attempt of one obligation, the same for all four verbs and for both hands that make them:
 *
 *     lock, decide, write the attempt, commit  ──▶  call the wallet  ──▶  lock, decide, write the result, commit
 *
 * A death before the first commit sends nothing. A death after it leaves an attempt without a result,
 * which counts as unknown and is repeated with the same bytes. No transaction is open during the call.
 */
export function createAttemptCall(deps: {
  book: Book;
  wallets: Wallets;
  breakers: Breakers;
  failpoint: Failpoints;
  log: Logger;
}): AttemptCall {
  const { book, wallets, breakers, failpoint, log } = deps;

  return async (round, call, driver) => {
    const key = parseObligationId(call);
    assert(key, `not an obligation: ${call}`);
    let attempt: AttemptKey | undefined;
    let payload = '';
    const startedAt = performance.now();
    const begun = await book.decideOn(
      round,
      { type: 'attempt_starts', call, driver },
      async (client, { result }, context, nowMs) => {
        if (result.kind !== 'send') return;
        attempt = { ...key, attempt: result.attempt, startedMs: nowMs };
        payload = await beginAttempt(client, attempt, callPayload(result.content, context));
        await failpoint('attempt_uncommitted', result.purpose);
      },
    );
    const { result, view, context } = begun;
    if (result.kind === 'definite') return { kind: 'not_mine', view, context };
    if (result.kind === 'later') {
      const text = 'another attempt of this call is under way, or the wallet is not asked now';
      return { kind: 'later', view, context, retryInMs: result.retryInMs, text };
    }
    assert(attempt, 'an attempt that is sent has a row');
    await failpoint('attempt_committed', result.purpose);
    const elapsedMs = () => performance.now() - startedAt;
    return await send(round, call, { key: attempt, payload, elapsedMs }, begun, result);
  };

  async function send(
    round: string,
    call: string,
    { key: attempt, payload, elapsedMs }: Sending,
    { context }: Entry<{ type: 'attempt_starts'; call: string; driver: Driver }>,
    start: Extract<AttemptStart, { kind: 'send' }>,
  ): Promise<Attempted> {
    const { verb } = start.content;
    const wallet = await wallets.of(context.partnerId);
    const leftMs = start.leavesWithinMs === null ? Infinity : start.leavesWithinMs - elapsedMs();
    const { attemptTimeoutMs: timeoutMs } = context.terms;
    const answering =
      leftMs <= 0
        ? Promise.resolve(TOO_LATE)
        : wallet.call(verb, payload, {
            isRepeat: start.isRepeat,
            timeoutMs,
            permitWaitMs: Math.min(timeoutMs / 2, leftMs),
          });
    await failpoint('call_sent', start.purpose);
    const { outcome: told, received } = await answering;
    await failpoint('reply_read', start.purpose);
    const outcome = await withBalance(wallet, context.userAgent, verb, told);
    const ended = await book.decideOn(
      round,
      { type: 'attempt_ended', call, attempt: start.attempt, outcome },
      (client) =>
        endAttempt(
          client,
          attempt,
          outcome,
          describeOutcome(outcome),
          received.bytes?.toString('utf8'),
        ),
    );
    for (const alarm of ended.alarms) log.warn({ partner: context.partnerPrefix, round }, alarm);
    await breakers.note(verb, outcome, ended.context);
    await failpoint('result_committed', start.purpose);
    const { view } = ended;
    const { definite, text, retryInMs } = ended.result;
    if (definite) return { kind: 'definite', view, context, purpose: start.purpose };
    return {
      kind: 'failed',
      view,
      context,
      retryInMs,
      text: `${context.partnerPrefix}'s wallet: ${text}`,
    };
  }
}
