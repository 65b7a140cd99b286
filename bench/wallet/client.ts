import { request } from 'undici';
import type { PlayerSums, WalletCall } from './book';

/** What the wallet has of one subject. */
export interface WalletBooks {
  readonly sums: ReadonlyMap<string, PlayerSums>;
  readonly finished: number;
  /** Calls that came again after they were carried out. */
  readonly repeats: number;
  readonly badSignatures: number;
}

/** The bench's own questions to its wallet about one subject. */
export interface WalletDesk {
  /** Where the subject calls the wallet. */
  readonly url: string;
  /** The secret its calls are signed with. */
  accept(secret: string): Promise<void>;
  /** Whether it answers 503 to everything from now on. */
  beOut(isOut: boolean): Promise<void>;
  /** The calls since it was last asked. */
  calls(): Promise<WalletCall[]>;
  books(): Promise<WalletBooks>;
  /** Waits until that many bets are finished; false when they are not after `timeoutMs`. */
  untilFinished(count: number, timeoutMs: number): Promise<boolean>;
}

export function createWalletDesk(port: number, subject: string): WalletDesk {
  const url = `http://127.0.0.1:${String(port)}/${subject}`;
  const ask = async (endpoint: string, body = ''): Promise<unknown> => {
    const reply = await request(`${url}/${endpoint}`, { method: 'POST', body });
    if (reply.statusCode !== 200) throw new Error(`the wallet: ${await reply.body.text()}`);
    return reply.body.json();
  };
  return {
    url,
    async accept(secret) {
      await ask('bench-secret', secret);
    },
    async beOut(isOut) {
      await ask('bench-out', String(isOut));
    },
    async calls() {
      const calls = (await ask('bench-calls')) as (WalletCall & { arrivedNs: string })[];
      return calls.map((call) => ({ ...call, arrivedNs: BigInt(call.arrivedNs) }));
    },
    async books() {
      const { sums, ...rest } = (await ask('bench-books')) as Omit<WalletBooks, 'sums'> & {
        sums: Record<string, { taken: string; given: string }>;
      };
      const entries = Object.entries(sums).map(
        ([name, { taken, given }]) =>
          [name, { taken: BigInt(taken), given: BigInt(given) }] as const,
      );
      return { ...rest, sums: new Map(entries) };
    },
    async untilFinished(count, timeoutMs) {
      const end = Date.now() + timeoutMs;
      for (;;) {
        const { finished } = (await ask('bench-finished', String(count))) as { finished: number };
        if (finished >= count) return true;
        if (Date.now() > end) return false;
      }
    },
  };
}
