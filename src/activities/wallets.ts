import { agentSecretOf } from '../db/partner-secrets';
import { partnerById } from '../db/partners';
import type { Pool } from '../db/pool';
import type { Vault } from '../db/vault';
import { assert } from '../lib/assert';
import type { EgressGuard } from '../lib/egress';
import type { Logger } from '../lib/log';
import { createWalletClient, type WalletClient } from '../protocols/seamless-wallet/client';
import { createReplyProfile } from '../protocols/seamless-wallet/reply-classifier';

/** A change made through the CLI is in force within 5 s (SPEC §6). */
const FRESH_MS = 2_000;

export interface Wallets {
  /** The wallet of a partner as it is configured now: one client, one pool of connections a partner. */
  of(partnerId: number): Promise<WalletClient>;
  close(): Promise<void>;
}

interface Held {
  client: WalletClient;
  fingerprint: string;
  secret: string;
  checkedAtMs: number;
}

/** Keeps one wallet client a partner, and replaces it when the partner's settings change. */
export function createWallets(deps: {
  pool: Pool;
  vault: Vault;
  egress: EgressGuard;
  log: Logger;
}): Wallets {
  const held = new Map<number, Held>();
  const underWay = new Map<number, Promise<Held>>();

  async function refresh(partnerId: number): Promise<Held> {
    const partner = await partnerById(deps.pool, partnerId);
    const secret = await agentSecretOf(deps.pool, deps.vault, partnerId);
    assert(partner && secret !== undefined, `partner ${partnerId} has no secret`);
    const { settings } = partner;
    const fingerprint = JSON.stringify([partner.walletUrl, settings]);
    const before = held.get(partnerId);
    if (before?.fingerprint === fingerprint) {
      before.secret = secret;
      before.checkedAtMs = Date.now();
      return before;
    }
    const now: Held = { fingerprint, secret, checkedAtMs: Date.now() } as Held;
    now.client = createWalletClient({
      walletUrl: partner.walletUrl,
      agentSecret: () => now.secret,
      attemptTimeoutMs: settings.wallet_attempt_timeout_ms,
      maxInFlight: settings.max_in_flight,
      egress: deps.egress,
      profile: createReplyProfile({
        replyTexts: settings.reply_texts,
        duplicateMeansDone: settings.duplicate_means_done,
      }),
      log: deps.log,
    });
    held.set(partnerId, now);
    // Calls under way finish on the old client.
    void before?.client.close();
    return now;
  }

  return {
    async of(partnerId) {
      const known = held.get(partnerId);
      if (known && Date.now() - known.checkedAtMs < FRESH_MS) return known.client;
      const work = underWay.get(partnerId) ?? refresh(partnerId);
      underWay.set(partnerId, work);
      try {
        return (await work).client;
      } finally {
        underWay.delete(partnerId);
      }
    },
    async close() {
      await Promise.all([...held.values()].map(({ client }) => client.close()));
    },
  };
}
