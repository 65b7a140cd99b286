import type { WalletOutcome, WalletVerb } from '../../domain/wallet-outcome';
import { assert } from '../../lib/assert';
import type { EgressGuard } from '../../lib/egress';
import { createHttpClient, type Exchange } from '../../lib/http-client';
import type { Logger } from '../../lib/log';
import { canonical, signCanonical } from './signature';
import { readPayload, WALLET_PATHS } from './payloads';
import { createPermits } from './permits';
import { classifyReply, type ClassifiedVerb, type ReplyProfile } from './reply-classifier';

/** SPEC §5: a reply is at most 64 KiB. */
const REPLY_CAP_BYTES = 65_536;

export interface WalletClientOptions {
  /** The partner's wallet URL; the five paths are put behind it. */
  readonly walletUrl: string;
  /** Read at each attempt, so that a rotated secret signs the very next one. */
  readonly agentSecret: () => string;
  /** One deadline for a whole attempt: waiting for a socket, connect, TLS, head and body. */
  readonly attemptTimeoutMs: number;
  /** Calls in flight to this partner from this process; also its number of sockets (SPEC §4 rule 14). */
  readonly maxInFlight: number;
  readonly replyCapBytes?: number;
  readonly egress: EgressGuard;
  /** Authorities to trust instead of the system's, as PEM: a test brings one of its own. */
  readonly trustedAuthorities?: readonly string[];
  readonly profile: ReplyProfile;
  readonly log: Logger;
}

export interface WalletCallOptions {
  /** Default: the partner's attempt timeout. */
  readonly timeoutMs?: number;
  /** Whether an earlier attempt may have reached the wallet. */
  readonly isRepeat: boolean;
  /** How long to wait for one of `maxInFlight`; 0 does not wait. Default: half the timeout. */
  readonly permitWaitMs?: number;
}

export interface WalletCallResult {
  readonly outcome: WalletOutcome;
  /** The body as signed for this attempt; nothing of it left when the outcome is `not_sent`. */
  readonly sent: { readonly bytes: Buffer };
  /** What arrived, up to the cap, also of a reply that broke off. */
  readonly received: { readonly status?: number; readonly bytes?: Buffer };
  readonly durationMs: number;
}

export interface WalletClient {
  /** POST /balance; moves nothing. `done` carries the balance. */
  balance(userAgent: string, timeoutMs?: number): Promise<WalletCallResult>;
  /**
   * One attempt of a call that moves or reports money. Never rejects, never repeats by itself.
   *
   * @param canonicalText the canonical payload without `hmac`, as kept in the book: a repeat has the
   *   same bytes, and only `hmac` differs when the secret was rotated in between (SPEC §3)
   */
  call(
    verb: WalletVerb,
    canonicalText: string,
    options: WalletCallOptions,
  ): Promise<WalletCallResult>;
  /** Whether a call made now would leave at once. */
  hasFreePermit(): boolean;
  /** Waits for calls in flight (each has its deadline), then ends the sockets. Calls after it are not sent. */
  close(): Promise<void>;
}

/** The client of one partner's wallet: one keep-alive pool and one limit of its own (SPEC §4 rule 14). */
export function createWalletClient(options: WalletClientOptions): WalletClient {
  const { attemptTimeoutMs, maxInFlight, profile, log } = options;
  const base = options.walletUrl.replace(/\/+$/, '');
  const permits = createPermits(maxInFlight);
  const http = createHttpClient({
    egress: options.egress,
    connections: maxInFlight,
    replyCapBytes: options.replyCapBytes ?? REPLY_CAP_BYTES,
    connectTimeoutMs: attemptTimeoutMs,
    ...(options.trustedAuthorities && { trustedAuthorities: options.trustedAuthorities }),
  });

  async function attempt(
    verb: ClassifiedVerb,
    canonicalText: string,
    { timeoutMs = attemptTimeoutMs, isRepeat, permitWaitMs }: WalletCallOptions,
  ): Promise<WalletCallResult> {
    assert(timeoutMs > 0, 'an attempt needs a positive deadline');
    const startedAt = performance.now();
    const body = signCanonical(canonicalText, options.agentSecret());
    const finish = (outcome: WalletOutcome, received: WalletCallResult['received']) => {
      const durationMs = Math.round(performance.now() - startedAt);
      log.debug({ verb, outcome: outcome.kind, text: outcome.text, durationMs }, 'wallet call');
      return { outcome, sent: { bytes: Buffer.from(body) }, received, durationMs };
    };
    const waitMs = permitWaitMs ?? Math.floor(timeoutMs / 2);
    if (!(await permits.take(Math.min(waitMs, timeoutMs - 1)))) {
      const text = `all ${maxInFlight} connections to this wallet are in use`;
      return finish({ kind: 'not_sent', reason: 'busy', text }, {});
    }
    try {
      const result = await http.exchange({
        method: 'POST',
        url: new URL(base + WALLET_PATHS[verb]),
        headers: { 'content-type': 'application/json' },
        body,
        timeoutMs: Math.max(1, Math.round(timeoutMs - (performance.now() - startedAt))),
      });
      return finish(outcomeOf(verb, result, profile, isRepeat), receivedOf(result));
    } finally {
      permits.giveBack();
    }
  }

  return {
    balance: (userAgent, timeoutMs = attemptTimeoutMs) =>
      attempt('read', canonical(readPayload({ userAgent })), { timeoutMs, isRepeat: false }),
    call: attempt,
    hasFreePermit: () => permits.free() > 0,
    close: async () => {
      await permits.close();
      await http.close();
    },
  };
}

function outcomeOf(
  verb: ClassifiedVerb,
  result: Exchange,
  profile: ReplyProfile,
  isRepeat: boolean,
): WalletOutcome {
  switch (result.kind) {
    case 'answered': {
      const reply = { status: result.status, body: result.body.toString('utf8') };
      return classifyReply(verb, reply, profile, { isRepeat });
    }
    case 'not_sent':
      return result;
    case 'broken': {
      const { reason, text, status } = result;
      // A record is acknowledged by the status alone; what was to follow it does not matter.
      if (verb === 'report' && status === 200) {
        return { kind: 'done', text: 'HTTP 200', httpStatus: 200 };
      }
      return { kind: 'unknown', reason, text, ...(status !== undefined && { httpStatus: status }) };
    }
  }
}

function receivedOf(result: Exchange): WalletCallResult['received'] {
  if (result.kind === 'not_sent' || result.status === undefined) return {};
  return { status: result.status, ...(result.body && { bytes: result.body }) };
}
