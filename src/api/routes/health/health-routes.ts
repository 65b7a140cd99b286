import type { FastifyPluginAsync } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Pool } from '../../../db/pool';
import { within } from '../../../lib/clock';
import { RETRY_AFTER } from '../partner/fields';

/** A readiness probe must answer well inside the prober's own limit. */
const PROBE_MS_MAX = 2_000;

const LIVE = {
  operationId: 'healthLive',
  tags: ['Health'],
  summary: 'The process runs',
  security: [],
  response: { 200: z.object({ status: z.literal('live') }).describe('It runs.') },
};

const READY = {
  operationId: 'healthReady',
  tags: ['Health'],
  summary: 'The process can take traffic',
  security: [],
  response: {
    200: z.object({ status: z.literal('ready') }).describe('Its database and Temporal answer.'),
    503: z
      .object({
        status: z.literal('not ready'),
        faults: z
          .array(z.enum(['database', 'temporal', 'stopping']))
          .describe('What does not answer, or that the process is about to stop.'),
      })
      .meta({ description: 'Not now; Retry-After says when to ask again.', headers: RETRY_AFTER }),
  },
};

/**
 * `/health/live`: the process runs. `/health/ready`: its database and Temporal answer, and it is not about
 * to stop.
 */
export function healthRoutes(deps: {
  pool: Pool;
  temporalReady: () => Promise<void>;
}): FastifyPluginAsync {
  return async (scope) => {
    scope.setSerializerCompiler(serializerCompiler);
    scope.get('/health/live', { schema: LIVE }, async () => ({ status: 'live' }));
    scope.get('/health/ready', { schema: READY }, async (_request, reply) => {
      if (scope.drain.begun) {
        return reply
          .code(503)
          .header('retry-after', '1')
          .send({ status: 'not ready', faults: ['stopping'] });
      }
      const checks = {
        database: deps.pool.query('SELECT 1').then(() => undefined),
        temporal: deps.temporalReady(),
      };
      const faults: string[] = [];
      for (const [name, check] of Object.entries(checks)) {
        await within(PROBE_MS_MAX, check).catch(() => faults.push(name));
      }
      if (faults.length === 0) return { status: 'ready' };
      return reply.code(503).header('retry-after', '1').send({ status: 'not ready', faults });
    });
  };
}
