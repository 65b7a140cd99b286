import { appendFileSync } from 'node:fs';
import type { ProviderReply } from './provider-call';

/**
 * What the provider takes an operation for. `unknown`: it was never answered definitely. The provider
 * believes nothing but what it was told.
 */
export type ProviderBelief = 'unknown' | 'accepted' | 'refused';

export interface ProviderOperation {
  /** `<kind>/<player>/<round>/<transaction>` */
  readonly key: string;
  readonly kind: 'stake' | 'payout';
  readonly partner: string;
  readonly playerId: string;
  readonly game: string;
  readonly round: string;
  readonly transaction: string;
  /** Minor units, as text: this goes through JSON. */
  readonly amount: string;
  readonly isClose: boolean;
  readonly belief: ProviderBelief;
  /** Of the last answer; null when there was none. */
  readonly code: number | null;
  readonly balance: string | null;
  readonly externalSessionId: string | null;
  readonly calls: number;
  readonly unanswered: number;
}

export interface ProviderBook {
  /** Whether this provider repeats what was not answered; one that does not may end in doubt. */
  readonly repeats: boolean;
  readonly operations: readonly ProviderOperation[];
  /** What no provider may ever be told, in sentences. */
  readonly violations: readonly string[];
  /** Asks again for some definite operations: what is not answered as before, in sentences. */
  reask?(count: number): Promise<readonly string[]>;
}

/** An operation as the provider's own records have it while it is played. */
export interface Entry {
  readonly key: string;
  readonly lane: number;
  readonly kind: 'stake' | 'payout';
  readonly partner: string;
  readonly playerId: string;
  readonly game: string;
  readonly round: string;
  readonly transaction: string;
  readonly amount: bigint;
  readonly isClose: boolean;
  /** The bytes of every call for it. */
  readonly body: string;
  belief: ProviderBelief;
  code: number | null;
  balance: string | null;
  externalSessionId: string | null;
  calls: number;
  unanswered: number;
  /** Code 1 answers since anything else came. */
  failures: number;
  /** It was given up after code 1 alone. */
  gaveUp: boolean;
  /** A call of it may have been carried out although the last answer says no. */
  doubtful: boolean;
  /** The first answer that holds for ever: code 0, or a stake's 2, 4 or 11. */
  sticky: { readonly code: number; readonly text: string; readonly at: number } | null;
  /** After the sticky answer came a code 1 that speaks of an outage; the next must be the sticky one. */
  unstuck: boolean;
}

/** What Roundhouse says when it cannot look into its book: it decides nothing and is asked again. */
const OUTAGE = 'Internal Error';
const STICKY_REFUSALS: ReadonlySet<number> = new Set([2, 4, 11]);

export interface Records {
  readonly entries: readonly Entry[];
  readonly violations: string[];
  open(entry: Entry): void;
  /** Notes that a call leaves; the number says when, in this process's own order. */
  invoked(entry: Entry): number;
  /** Judges an answer against everything said before, and changes the belief. */
  answered(entry: Entry, invokedAt: number, reply: ProviderReply): void;
  giveUp(entry: Entry): void;
}

/**
 * The provider's own book. It judges each answer by what a provider may rely on (SPEC §4 rule 5): a code 0
 * is the same bytes for ever, and so is a refusal of a stake that names the player.
 */
export function createRecords(bookFile: string): Records {
  const entries: Entry[] = [];
  const violations: string[] = [];
  // Calls of one operation overlap: what was asked before the first 0 came may still be told otherwise.
  let clock = 0;

  function write(entry: Entry, type: 'invoke' | 'ok' | 'fail' | 'info', code: number | null): void {
    const line = {
      t: Date.now(),
      proc: entry.lane,
      type,
      op: entry.kind,
      key: entry.key,
      amount: entry.amount.toString(),
      code,
      balance: type === 'ok' ? entry.balance : null,
      external_session_id: type === 'ok' ? entry.externalSessionId : null,
    };
    appendFileSync(bookFile, `${JSON.stringify(line)}\n`);
  }

  function violated(entry: Entry, what: string): void {
    violations.push(`${entry.key}: ${what}`);
  }

  function judgeSticky(
    entry: Entry,
    invokedAt: number,
    reply: Extract<ProviderReply, { kind: 'answer' }>,
  ): void {
    const { sticky } = entry;
    const holdsForEver =
      reply.code === 0 || (entry.kind === 'stake' && STICKY_REFUSALS.has(reply.code));
    if (!sticky) {
      if (holdsForEver) entry.sticky = { code: reply.code, text: reply.text, at: clock };
      return;
    }
    if (reply.code === sticky.code) {
      if (reply.text === sticky.text) entry.unstuck = false;
      else violated(entry, `told ${sticky.text}, then ${reply.text}`);
      return;
    }
    const overlapped = invokedAt < sticky.at;
    if (reply.code === 1 && overlapped) return;
    if (reply.code === 1 && reply.message === OUTAGE) {
      entry.unstuck = true;
      return;
    }
    violated(entry, `told ${sticky.text}, then ${reply.text}`);
  }

  return {
    entries,
    violations,
    open: (entry) => void entries.push(entry),
    invoked(entry) {
      entry.calls += 1;
      write(entry, 'invoke', null);
      return ++clock;
    },
    answered(entry, invokedAt, reply) {
      clock += 1;
      if (reply.kind === 'none') {
        entry.unanswered += 1;
        entry.doubtful = true;
        return write(entry, 'info', null);
      }
      judgeSticky(entry, invokedAt, reply);
      const { code } = reply;
      // An accepted operation stays accepted, whatever is said later: that is judged above.
      if (entry.belief === 'accepted') return write(entry, code === 0 ? 'ok' : 'info', code);
      entry.code = code;
      if (code === 0) {
        entry.belief = 'accepted';
        entry.balance = reply.balance;
        entry.externalSessionId = reply.externalSessionId;
        return write(entry, 'ok', code);
      }
      if (code === 1) {
        entry.failures += 1;
        // Said without a word of the book: the book may know more than this answer.
        entry.doubtful ||= reply.message === OUTAGE;
        return write(entry, 'info', code);
      }
      entry.belief = 'refused';
      write(entry, 'fail', code);
    },
    giveUp(entry) {
      entry.belief = 'refused';
      entry.gaveUp = true;
      write(entry, 'fail', entry.code);
    },
  };
}

export function bookOf(records: Records, repeats: boolean): ProviderBook {
  return {
    repeats,
    violations: [
      ...records.violations,
      ...records.entries
        .filter((entry) => entry.unstuck)
        .map(({ key, sticky }) => `${key}: told ${sticky?.text ?? ''}, and code 1 ever since`),
    ],
    operations: records.entries.map((entry) => ({
      key: entry.key,
      kind: entry.kind,
      partner: entry.partner,
      playerId: entry.playerId,
      game: entry.game,
      round: entry.round,
      transaction: entry.transaction,
      amount: entry.amount.toString(),
      isClose: entry.isClose,
      belief: entry.belief,
      code: entry.code,
      balance: entry.balance,
      externalSessionId: entry.externalSessionId,
      calls: entry.calls,
      unanswered: entry.unanswered,
    })),
  };
}
