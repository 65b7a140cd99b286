import type { AttemptKey } from '../db/attempts';
import type { Book, Entry, OpenBook } from '../db/book';
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

/** An attempt whose row is in the book, or will be when the transaction it was begun in commits. */
export interface Begun {
  readonly call: string;
  readonly start: Extract<AttemptStart, { kind: 'send' }>;
  readonly context: RoundContext;
  readonly key: AttemptKey;
  readonly payload: string;
  /** Since before the clock was read by which the attempt may begin. */
  readonly elapsedMs: () => number;
}

export interface Answered {
  readonly begun: Begun;
  readonly outcome: WalletOutcome;
  readonly received: WalletCallResult['received'];
}

type Starts = Entry<{ type: 'attempt_starts'; call: string; driver: Driver }>;
export type Ends = Entry<{
  type: 'attempt_ended';
  call: string;
  attempt: number;
  outcome: WalletOutcome;
}>;

/**
 * The steps of an attempt, the same for all four verbs and for every hand that makes them:
 *
 *     begin: lock, decide, write the attempt ──commit──▶ send ──▶ end: lock, decide, write the result ──commit──▶ told
 *
 * A death before the first commit sends nothing. A death after it leaves an attempt without a result,
 * which counts as unknown and is repeated with the same bytes. No transaction is open during the call.
 */
export interface AttemptSteps {
  /** `begun` is missing when the call is definite, another hand's, or not to be made now. */
  begin(
    open: OpenBook,
    round: string,
    call: string,
    driver: Driver,
  ): Promise<{ readonly entry: Starts; readonly begun?: Begun }>;
  /** Only after the commit of `begin`. Never rejects for what the wallet does. */
  send(begun: Begun): Promise<Answered>;
  end(open: OpenBook, round: string, answered: Answered): Promise<Ends>;
  /** After the commit of `end`: what others have to hear of it. */
  told(round: string, answered: Answered, entry: Ends): Promise<void>;
}

/** Rule 2: a process that was held up between its decision and its first byte sends nothing any more. */
const TOO_LATE: Pick<WalletCallResult, 'outcome' | 'received'> = {
  outcome: { kind: 'not_sent', reason: 'late', text: 'the answer deadline has passed' },
  received: {},
};

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

export function createAttemptSteps(deps: {
  wallets: Wallets;
  breakers: Breakers;
  failpoint: Failpoints;
  log: Logger;
}): AttemptSteps {
  const { wallets, breakers, failpoint, log } = deps;
  return {
    async begin(open, round, call, driver) {
      const parsed = parseObligationId(call);
      assert(parsed, `not an obligation: ${call}`);
      const entry = await open.decide(round, { type: 'attempt_starts', call, driver });
      const { result: start, context, nowMs, elapsedMs } = entry;
      if (start.kind !== 'send') return { entry };
      const key = { ...parsed, attempt: start.attempt, startedMs: nowMs };
      const payload = await open.beginAttempt(round, key, callPayload(start.content, context));
      await failpoint('attempt_uncommitted', start.purpose);
      return { entry, begun: { call, start, context, key, payload, elapsedMs } };
    },

    async send(begun) {
      const { start, context, payload } = begun;
      await failpoint('attempt_committed', start.purpose);
      const { verb } = start.content;
      const wallet = await wallets.of(context.partnerId);
      const leftMs =
        start.leavesWithinMs === null ? Infinity : start.leavesWithinMs - begun.elapsedMs();
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
      return { begun, outcome, received };
    },

    async end(open, round, { begun, outcome, received }) {
      const { call, start, key } = begun;
      const entry = await open.decide(round, {
        type: 'attempt_ended',
        call,
        attempt: start.attempt,
        outcome,
      });
      open.endAttempt(round, key, {
        outcome,
        described: describeOutcome(outcome),
        received: received.bytes?.toString('utf8'),
      });
      return entry;
    },

    async told(round, { begun, outcome }, { alarms, context }) {
      for (const alarm of alarms) log.warn({ partner: context.partnerPrefix, round }, alarm);
      await breakers.note(begun.start.content.verb, outcome, context);
      await failpoint('result_committed', begun.start.purpose);
    },
  };
}

export type AttemptCall = (round: string, call: string, driver: Driver) => Promise<Attempted>;

/** Writes what an attempt came to, and answers the round as it is when that hand has done what it does about it. */
export type FinishAttempt = (round: string, answered: Answered) => Promise<Ends>;

/** Leaves what follows to the round's own workflow. */
export function createFinishAttempt(deps: { book: Book; steps: AttemptSteps }): FinishAttempt {
  const { book, steps } = deps;
  return async (round, answered) => {
    const ended = await book.together((open) => steps.end(open, round, answered));
    await steps.told(round, answered, ended);
    return ended;
  };
}

/** One attempt of one obligation, from its beginning to its end. */
export function createAttemptCall(deps: {
  book: Book;
  steps: AttemptSteps;
  finish: FinishAttempt;
}): AttemptCall {
  const { book, steps, finish } = deps;
  return async (round, call, driver) => {
    const { entry, begun } = await book.together((open) => steps.begin(open, round, call, driver));
    if (!begun) {
      const { result, view, context } = entry;
      if (result.kind !== 'later') return { kind: 'not_mine', view, context };
      const text = 'another attempt of this call is under way, or the wallet is not asked now';
      return { kind: 'later', view, context, retryInMs: result.retryInMs, text };
    }
    const answered = await steps.send(begun);
    const { view, context, result } = await finish(round, answered);
    const { definite, text, retryInMs } = result;
    if (definite) return { kind: 'definite', view, context, purpose: begun.start.purpose };
    return {
      kind: 'failed',
      view,
      context,
      retryInMs,
      text: `${context.partnerPrefix}'s wallet: ${text}`,
    };
  };
}
