import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** What one request did to the wallet's book. `none`: nothing, and nothing was refused either. */
export type WalletEffect = 'moved' | 'repeat' | 'refused' | 'none';

/** One request as the fake wallet wrote it down before it answered. Amounts are minor units, as text. */
export interface WalletLine {
  /** When the whole request had been read, ms since the epoch. */
  readonly t: number;
  readonly partner: string;
  /** `bet`, `settle-bet`, `bet-end`, `history` or `balance`. */
  readonly endpoint: string;
  /** `_id` of a history event; empty for `balance`. */
  readonly bet_id: string;
  readonly user_agent: string;
  /** What the request wanted to take or give; null where it moves nothing. */
  readonly amount: string | null;
  /** SHA-256 of the body's own bytes without its `hmac` field. */
  readonly body_sha: string;
  readonly body: string;
  readonly signature_ok: boolean;
  readonly effect: WalletEffect;
  /** The account after the request, or for a repeat as it was told the first time. */
  readonly balance: string | null;
  readonly mode: string;
  /** The HTTP status it is going to say; null when it will say none. */
  readonly status: number | null;
}

export interface WalletJournal {
  /** The lines of earlier lives. */
  readonly earlier: readonly WalletLine[];
  /** Resolves when the line is on the disk. Lines keep the order of the calls. */
  append(line: WalletLine): Promise<void>;
  close(): Promise<void>;
}

/**
 * An append-only file that outlives a `kill -9` at any moment. A line that was torn by it was never
 * answered: it is cut off.
 */
export async function openWalletJournal(file: string): Promise<WalletJournal> {
  const earlier = existsSync(file) ? readWalletJournal(file) : [];
  cutTornLine(file);
  const handle: FileHandle = await open(file, 'a');
  let pending: { text: string; done: () => void; failed: (error: unknown) => void }[] = [];
  let flushing: Promise<void> | undefined;

  // One sync covers every line that came while the one before was under way.
  async function flush(): Promise<void> {
    while (pending.length > 0) {
      const batch = pending;
      pending = [];
      try {
        await handle.appendFile(batch.map(({ text }) => text).join(''));
        await handle.datasync();
        batch.forEach(({ done }) => done());
      } catch (error) {
        batch.forEach(({ failed }) => failed(error));
      }
    }
    flushing = undefined;
  }

  return {
    earlier,
    append: (line) =>
      new Promise((done, failed) => {
        pending.push({ text: `${JSON.stringify(line)}\n`, done, failed });
        flushing ??= flush();
      }),
    async close() {
      await flushing;
      await handle.close();
    },
  };
}

/** Reads a journal. A last line without its end is no line: nobody was answered for it. */
export function readWalletJournal(file: string): WalletLine[] {
  const text = readFileSync(file, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as WalletLine);
}

function cutTornLine(file: string): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end === bytes.length) return;
  truncateSync(file, end);
  const handle = openSync(file, 'r+');
  fsyncSync(handle);
  closeSync(handle);
}
