import { createHands } from '../activities/hands';
import { startApi } from '../api/start-api';
import { runService, type Service } from '../lib/run-service';
import { startWorker } from '../worker/start-worker';

/**
 * API and worker in one process (docs/decisions/0015): what the API asks of a round reaches its hand without Temporal
 * where it can, and the hand's answers reach the API without the book.
 */
async function startServer(): Promise<Service> {
  const hands = createHands();
  const worker = await startWorker(hands);
  const api = await startApi({ hands, connection: worker.connection });
  return {
    drainMs: api.drainMs,
    async close() {
      // Requests under way are answered by what the worker still does for them.
      await api.close();
      await worker.close();
    },
  };
}

runService('server', startServer);
