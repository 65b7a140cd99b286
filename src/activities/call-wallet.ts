import { assert } from '../lib/assert';
import type { RoundActivities, RoundView } from '../contracts/round';
import { beginAttempt, endAttempt, type AttemptKey } from '../db/attempts';
import type { Book, Entry } from '../db/book';
import type { AttemptStart, CallContent } from '../domain/round/attempt';
import { parseObligationId } from '../domain/round/rows';
import { describeOutcome, type WalletOutcome } from '../domain/wallet-outcome';
import type { WalletClient } from '../protocols/seamless-wallet/client';
import { callPayload } from './call-payload';
import { notDefinite } from './failures';
import type { Wallets } from './wallets';

type CallWallet = RoundActivities['takeStake'];

/** A wallet that says *duplicate* for done tells no balance with it; the provider wants one. */
async function withBalance(
  wallet: WalletClient,
  userAgent: string,
  verb: CallContent['verb'],
  outcome: WalletOutcome,
): Promise<WalletOutcome> {
  const owesBalance = verb === 'take' || verb === 'give';
  if (outcome.kind !== 'done' || outcome.balance !== undefined || !owesBalance) return outcome;
  const { outcome: read } = await wallet.balance(userAgent);
  return read.kind === 'done' && read.balance !== undefined
    ? { ...outcome, balance: read.balance }
    : outcome;
}

/**
 * One attempt of one obligation, the same for all four verbs:
 *
 *     lock, decide, write the attempt, commit  ──▶  call the wallet  ──▶  lock, decide, write the result, commit
 *
 * A death before the first commit sends nothing. A death after it leaves an attempt without a result,
 * which counts as unknown and is repeated with the same bytes. No transaction is open during the call.
 *
 * @throws a retryable failure until the obligation is definite, with the book's own waiting time
 */
export function createCallWallet(deps: { book: Book; wallets: Wallets }): CallWallet {
  const { book, wallets } = deps;

  return async ({ round, call }): Promise<RoundView> => {
    const key = parseObligationId(call);
    assert(key, `not an obligation: ${call}`);
    let attempt: AttemptKey | undefined;
    let payload = '';
    const begun = await book.decideOn(
      round,
      { type: 'attempt_starts', call },
      async (client, { result }, context, nowMs) => {
        if (result.kind !== 'send') return;
        attempt = { ...key, attempt: result.attempt, startedMs: nowMs };
        payload = await beginAttempt(client, attempt, callPayload(result.content, context));
      },
    );
    const { result } = begun;
    if (result.kind === 'definite') return begun.view;
    if (result.kind === 'later') {
      throw notDefinite('another attempt of this call is under way', result.retryInMs);
    }
    assert(attempt, 'an attempt that is sent has a row');
    return await send(round, call, attempt, payload, begun, result);
  };

  async function send(
    round: string,
    call: string,
    attempt: AttemptKey,
    payload: string,
    { context }: Entry<{ type: 'attempt_starts'; call: string }>,
    start: Extract<AttemptStart, { kind: 'send' }>,
  ): Promise<RoundView> {
    const wallet = await wallets.of(context.partnerId);
    const { outcome: told, received } = await wallet.call(start.content.verb, payload, {
      isRepeat: start.isRepeat,
      timeoutMs: context.terms.attemptTimeoutMs,
    });
    const outcome = await withBalance(wallet, context.userAgent, start.content.verb, told);
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
    const { definite, text, retryInMs } = ended.result;
    if (definite) return ended.view;
    throw notDefinite(`${context.partnerPrefix}'s wallet: ${text}`, retryInMs);
  }
}
