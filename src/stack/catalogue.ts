import { connectionByKey } from '../db/connections';
import type { Db } from '../db/pool';
import { sleep } from '../lib/clock';

/** The worker asks for the catalogue as soon as it runs; a stack without games is still worth having. */
const PATIENCE_MS = 45_000;

/** Waits until the connection's games were taken over once; says so, and goes on, when that takes too long. */
export async function waitForCatalogue(
  db: Db,
  connectionKey: string,
  report: (line: string) => void,
): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const connection = await connectionByKey(db, connectionKey);
    if (connection !== undefined && connection.catalogueSyncedAt !== null) return;
    if (Date.now() > end) {
      const reason = connection?.catalogueError ?? 'no answer yet';
      report(
        `The catalogue of games is not there yet (${reason}); ` +
          `it is tried again by itself, or by: ./bin/roundhouse connection sync ${connectionKey}`,
      );
      return;
    }
    await sleep(200);
  }
}
