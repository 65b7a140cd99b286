import type { FastifyInstance, FastifyReply } from 'fastify';
import { countUnanswered, listOperations, totalsOf } from './audit';
import { INTEGER_ID } from './game-service';
import { isShape, param, type RouteDeps } from './routes';

const LIMIT_MAX = 1_000;
const STATUSES: readonly string[] = ['unanswered', 'accepted', 'refused'];

/**
 * Tools for tests, audits and the headless driver. No part of the provider document, and open to this
 * machine only: whoever may write here decides who is paid.
 */
export function addSandboxRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.register((scope, _options, done) => {
    scope.addHook('onRequest', async (request, reply) => {
      if (!isLoopback(request.ip)) await reply.code(403).send({ error: 'only from this machine' });
    });
    scope.put<{ Params: { partner_id: string } }>(
      '/sandbox/partners/:partner_id',
      (request, reply) => putPartner(deps, request.params.partner_id, request.body, reply),
    );
    scope.put<{ Params: { session: string } }>('/sandbox/sessions/:session', (request, reply) =>
      putSession(deps, request.params.session, request.body, reply),
    );
    scope.get('/sandbox/book', (request, reply) => getBook(deps, request.query, reply));
    scope.get('/sandbox/unanswered', async (request, reply) => {
      const partnerId = param(request.query, 'partner_id');
      if (partnerId !== undefined && !INTEGER_ID.test(partnerId)) {
        return refuse(reply, 'partner_id');
      }
      return countUnanswered(deps.pool, partnerId);
    });
    done();
  });
}

/** 400 with the field's name. */
function refuse(reply: FastifyReply, field: string): FastifyReply {
  return reply.code(400).send({ error: `${field}: is missing or not usable` });
}

async function putPartner(
  { book }: RouteDeps,
  partnerId: string,
  body: unknown,
  reply: FastifyReply,
): Promise<unknown> {
  const apiKey = param(body, 'api_key');
  const url = param(body, 'partner_api_url');
  if (!INTEGER_ID.test(partnerId)) return refuse(reply, 'partner_id');
  if (!apiKey) return refuse(reply, 'api_key');
  if (!url || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
    return refuse(reply, 'partner_api_url');
  }
  const partnerApiUrl = url.replace(/\/+$/, '');
  const name = param(body, 'name') ?? `Partner ${partnerId}`;
  await book.savePartner({ partnerId, partnerApiUrl, apiKey }, name);
  return { partner_id: Number(partnerId), partner_api_url: partnerApiUrl };
}

/** Sets what the session's next rounds are drawn from: `seed`, and `shapes` to go through in turn. */
async function putSession(
  { book }: RouteDeps,
  sessionId: string,
  body: unknown,
  reply: FastifyReply,
): Promise<unknown> {
  const shapes = (body as { shapes?: unknown } | null)?.shapes;
  if (shapes !== undefined && !(Array.isArray(shapes) && shapes.every(isShape))) {
    return refuse(reply, 'shapes');
  }
  const found = await book.steerSession(sessionId, param(body, 'seed'), shapes);
  return found ? { ok: true } : reply.code(404).send({ error: 'no such session' });
}

async function getBook({ pool }: RouteDeps, query: unknown, reply: FastifyReply): Promise<unknown> {
  const partnerId = param(query, 'partner_id') ?? '';
  if (!INTEGER_ID.test(partnerId)) return refuse(reply, 'partner_id');
  const status = param(query, 'status');
  if (status !== undefined && !STATUSES.includes(status)) return refuse(reply, 'status');
  const after = param(query, 'after');
  if (after !== undefined && !/^\d{1,18}$/.test(after)) return refuse(reply, 'after');
  const roundId = param(query, 'round_id');
  if (roundId !== undefined && !/^\d{1,9}$/.test(roundId)) return refuse(reply, 'round_id');
  const limit = Number(param(query, 'limit') ?? LIMIT_MAX);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) return refuse(reply, 'limit');
  const playerId = param(query, 'player_id');
  const filter = { partnerId, playerId, roundId, status, after, limit };
  const page = await listOperations(pool, filter);
  return {
    operations: page.operations,
    next_after: page.nextAfter,
    totals: await totalsOf(pool, { partnerId, playerId }),
  };
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || /^(::ffff:)?127\./.test(ip);
}
