import type { SealActivities } from '../contracts/seal';
import { newAuditLogEntries } from '../db/audit-log';
import type { Book } from '../db/book';
import { lastSeal, sealChangedHeads } from '../db/seals';
import type { Logger } from '../lib/log';

/** Seals a run writes: what one activity does well inside its time. The next run goes on. */
const SEALS_PER_RUN_MAX = 20;

/**
 * Seals the journal of every round that changed. The log names each seal: a copy of the log outside the
 * database is a witness that no one who can write the book can change (`audit --seal`). For the same reason
 * each new entry of the audit log is told there, with its hash.
 */
export function createSealJournal(deps: {
  book: Book;
  log: Logger;
}): SealActivities['sealJournal'] {
  const { book, log } = deps;
  let lastTold: string | null = null;

  async function tellChanges(): Promise<void> {
    for (const { number, hash, ...change } of await newAuditLogEntries(book.pool, lastTold)) {
      log.info({ change: number, digest: hash, ...change }, 'a change is in the audit log');
      lastTold = number;
    }
  }

  return async () => {
    await tellChanges();
    let heads = 0;
    for (let turn = 0; turn < SEALS_PER_RUN_MAX; turn++) {
      const { seal, more } = await sealChangedHeads(book.pool);
      if (seal) {
        heads += seal.heads;
        log.info(
          { seal: seal.number, digest: seal.hash, heads: seal.heads },
          'the journal is sealed',
        );
      }
      if (!more) break;
    }
    const last = await lastSeal(book.pool);
    return { heads, last: last && { number: last.number, hash: last.hash } };
  };
}
