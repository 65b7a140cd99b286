import type { FastifyInstance } from 'fastify';
import { countUnanswered, listOperations, totalsOf } from './audit';
import { INTEGER_ID } from './game-service';
import { isShape, param, type RouteDeps } from './routes';

const LIMIT_MAX = 1_000;
const STATUSES: readonly string[] = ['unanswered', 'accepted', 'refused'];

/**
 * Tools for tests, audits and the headless driver. No part of the provider document, and open to this
 * machine only: whoever may write here decides who is paid.
 */
export function addSandboxRoutes(app: FastifyInstance, { pool, book }: RouteDeps): void {
  app.register((scope, _options, done) => {
    scope.addHook('onRequest', async (request, reply) => {
      if (!isLoopback(request.ip)) await reply.code(403).send({ error: 'only from this machine' });
    });

    scope.put<{ Params: { partner_id: string } }>(
      '/sandbox/partners/:partner_id',
      async (request, reply) => {
        const apiKey = param(request.body, 'api_key');
        const url = param(request.body, 'partner_api_url');
        const { partner_id: partnerId } = request.params;
        if (!INTEGER_ID.test(partnerId)) return reply.code(400).send({ error: 'partner_id' });
        if (!apiKey) return reply.code(400).send({ error: 'api_key' });
        if (!url || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
          return reply.code(400).send({ error: 'partner_api_url' });
        }
        const partnerApiUrl = url.replace(/\/+$/, '');
        const name = param(request.body, 'name') ?? `Partner ${partnerId}`;
        await book.savePartner({ partnerId, partnerApiUrl, apiKey }, name);
        return { partner_id: Number(partnerId), partner_api_url: partnerApiUrl };
      },
    );

    scope.put<{ Params: { session: string } }>(
      '/sandbox/sessions/:session',
      async (request, reply) => {
        const seed = param(request.body, 'seed');
        const asked = (request.body as { shapes?: unknown } | null)?.shapes;
        if (asked !== undefined && !(Array.isArray(asked) && asked.every(isShape))) {
          return reply.code(400).send({ error: 'shapes' });
        }
        const found = await book.steerSession(request.params.session, seed, asked);
        return found ? { ok: true } : reply.code(404).send({ error: 'no such session' });
      },
    );

    scope.get('/sandbox/book', async (request, reply) => {
      const partnerId = param(request.query, 'partner_id') ?? '';
      if (!INTEGER_ID.test(partnerId)) return reply.code(400).send({ error: 'partner_id' });
      const status = param(request.query, 'status');
      if (status !== undefined && !STATUSES.includes(status)) {
        return reply.code(400).send({ error: 'status' });
      }
      const after = param(request.query, 'after');
      if (after !== undefined && !/^\d{1,18}$/.test(after)) {
        return reply.code(400).send({ error: 'after' });
      }
      const roundId = param(request.query, 'round_id');
      if (roundId !== undefined && !/^\d{1,9}$/.test(roundId)) {
        return reply.code(400).send({ error: 'round_id' });
      }
      const limit = Number(param(request.query, 'limit') ?? LIMIT_MAX);
      if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
        return reply.code(400).send({ error: `limit: 1 to ${String(LIMIT_MAX)}` });
      }
      const playerId = param(request.query, 'player_id');
      const page = await listOperations(pool, {
        partnerId,
        playerId,
        roundId,
        status,
        after,
        limit,
      });
      return {
        operations: page.operations,
        next_after: page.nextAfter,
        totals: await totalsOf(pool, { partnerId, playerId }),
      };
    });

    scope.get('/sandbox/unanswered', async (request, reply) => {
      const partnerId = param(request.query, 'partner_id');
      if (partnerId !== undefined && !INTEGER_ID.test(partnerId)) {
        return reply.code(400).send({ error: 'partner_id' });
      }
      return countUnanswered(pool, partnerId);
    });
    done();
  });
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || /^(::ffff:)?127\./.test(ip);
}
