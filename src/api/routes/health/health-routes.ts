import type { FastifyPluginAsync } from 'fastify';
import type { Pool } from '../../../db/pool';

/** A readiness probe must answer well inside the prober's own limit. */
const PROBE_MS_MAX = 2_000;

/**
 * `/health/live`: the process runs. `/health/ready`: its database and Temporal answer, and it is not about
 * to stop.
 */
export function healthRoutes(deps: {
  pool: Pool;
  temporalReady: () => Promise<void>;
}): FastifyPluginAsync {
  return async (scope) => {
    scope.get('/health/live', async () => ({ status: 'live' }));
    scope.get('/health/ready', async (_request, reply) => {
      if (scope.drain.begun) {
        return reply.code(503).send({ status: 'not ready', faults: ['stopping'] });
      }
      const checks = {
        database: deps.pool.query('SELECT 1').then(() => undefined),
        temporal: deps.temporalReady(),
      };
      const faults: string[] = [];
      for (const [name, check] of Object.entries(checks)) {
        await within(check).catch(() => faults.push(name));
      }
      if (faults.length === 0) return { status: 'ready' };
      return reply.code(503).header('retry-after', '1').send({ status: 'not ready', faults });
    });
  };
}

async function within(check: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PROBE_MS_MAX);
  });
  try {
    await Promise.race([check, late]);
  } finally {
    clearTimeout(timer);
  }
}
