import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { noteConnectionKeyUse, openKeys, type ConnectionKey } from '../../../db/connection-keys';
import type { Connection } from '../../../db/connections';
import { encodeFailure } from '../../../protocols/web-games/encode';
import { isSignedBy } from '../../../protocols/web-games/signature';
import type { Limits } from '../../limits/limits';
import { authorize } from './authorization';
import { doorOf, isPayoutCall, providerAuth, TOO_BUSY } from './provider-auth';
import type { IsSigned, ProviderAnswer, ProviderDeps, ProviderMethod } from './provider-deps';
import { askPayout } from './payout';
import { askStake } from './stake';

const METHODS: Readonly<Record<string, ProviderMethod>> = {
  Authorization: authorize,
  Credit: askStake,
  Debit: askPayout,
};

/** SPEC §5: a request body is at most 64 KiB; the documents' largest has some 300 bytes. */
const BODY_BYTES_MAX = 65_536;

/**
 * The partner side of the provider document, at `/providers/<connection>/<method>`. Every exit is HTTP 200
 * with lower-case JSON: the provider reads anything else as "Partner API return null" (SPEC §3).
 */
export function providerRoutes(deps: ProviderDeps): FastifyPluginAsync {
  const { limits, metrics } = deps;
  const payoutDeps = { ...deps, ...deps.payouts };
  return async (scope) => {
    scope.decorateRequest('door', null);
    scope.removeAllContentTypeParsers();
    scope.addHook('onRequest', async (request, reply) => {
      if (!(await hasFailedTooOften(limits, request))) return;
      limits.refused('callbacks: failures of an address');
      metrics.providerRefused({ reason: 'rate', ...labelsOf(request) });
      return send(reply, encodeFailure('too many refused requests from this address'));
    });
    // Whatever the content type says, broken ones included, the bytes are kept: the signature is over
    // their own digits.
    scope.addHook('onRequest', (request, _, done) => {
      request.headers['content-type'] = 'application/json';
      done();
    });
    scope.addContentTypeParser(
      '*',
      { parseAs: 'string', bodyLimit: BODY_BYTES_MAX },
      (_, body, done) => done(null, body),
    );
    scope.setErrorHandler((error: { statusCode?: number; message?: string }, request, reply) => {
      const status = error.statusCode ?? 500;
      if (status >= 500) request.log.error({ err: error }, 'provider request failed');
      if (status === 413) metrics.providerRefused({ reason: 'too_large', ...labelsOf(request) });
      return send(reply, encodeFailure(status === 413 ? 'body is too large' : undefined));
    });
    scope.setNotFoundHandler((_, reply) => send(reply, encodeFailure('Unknown method')));

    scope.post<{ Params: { connection: string; method: string } }>(
      '/:connection/:method',
      { onRequest: providerAuth(deps) },
      async (request, reply) => {
        const method = METHODS[request.params.method];
        if (!method || !Object.hasOwn(METHODS, request.params.method)) {
          metrics.providerRefused({ reason: 'method', ...labelsOf(request) });
          return send(reply, encodeFailure('Unknown method'));
        }
        // The body is here: whoever sends it slowly has kept no seat.
        const isPayout = isPayoutCall(request);
        const release = (isPayout ? limits.payouts : limits.stakes).take();
        if (!release) {
          limits.refused(`callbacks: ${request.params.method} under way`);
          metrics.providerRefused({ reason: 'rate', ...labelsOf(request) });
          return send(reply, encodeFailure(TOO_BUSY));
        }
        try {
          return await answer(isPayout ? payoutDeps : deps, method, request, reply);
        } finally {
          release();
        }
      },
    );
  };
}

/** Whose call is counted; the connection is there only when it exists. */
function labelsOf(request: FastifyRequest): { connection?: string; method?: string } {
  const { method } = request.params as { method?: string };
  return {
    ...(request.door && { connection: request.door.connection.key }),
    ...(method !== undefined && { method }),
  };
}

/** Keys, and then what the method says. */
async function answer(
  deps: ProviderDeps,
  method: ProviderMethod,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { limits, metrics, vault } = deps;
  const { connection, sealedKeys } = doorOf(request);
  const failures = limits.callbackFailures(connection.key);
  const keys = openKeys(vault, connection.id, sealedKeys);
  const bodyText = typeof request.body === 'string' ? request.body : '';
  const isSigned: IsSigned = (...signed) => {
    // Every live key is tried, so that the time does not tell which one matched.
    const matching = keys.filter(({ apiKey }) => isSignedBy(...signed, [apiKey]));
    for (const key of matching) noteUse(deps, request, connection, key);
    if (matching.length === 0) {
      void failures.count(request.ip);
      return false;
    }
    failures.clear(request.ip);
    limits.callbackFailures().clear(request.ip);
    return true;
  };
  const gone = new AbortController();
  // Not at the end of every answer: what an abort makes costs more than what it is made for.
  reply.raw.once('close', () => reply.raw.writableFinished || gone.abort());
  const told = await method(deps, { connection, isSigned, bodyText, gone: gone.signal });
  if (told.refused) metrics.providerRefused({ reason: told.refused, ...labelsOf(request) });
  return await deliver(deps, request, reply, told);
}

/**
 * Failures at a known connection count for it alone, so that a mistake in one costs the provider's others
 * nothing; those at no connection count for the address as a whole.
 */
async function hasFailedTooOften(limits: Limits, request: FastifyRequest): Promise<boolean> {
  if ((await limits.callbackFailures().wait(request.ip)) > 0) return true;
  const { connection } = request.params as { connection?: string };
  if (connection === undefined) return false;
  return (await limits.callbackFailures(connection).wait(request.ip)) > 0;
}

/** Nobody waits for the note, and a call is none the worse without it. */
function noteUse(
  { book }: ProviderDeps,
  request: FastifyRequest,
  connection: Connection,
  { version, stale, endsSoon }: ConnectionKey,
): void {
  if (!stale) return;
  const facts = { connection: connection.key, version };
  void noteConnectionKeyUse(book.pool, connection.id, version).then(
    (noted) => {
      if (!noted || !endsSoon) return;
      const text = "a provider's key that ends within the hour is still in use";
      request.log.warn({ ...facts, ends_at: endsSoon }, text);
    },
    (error: unknown) => request.log.warn({ ...facts, err: error }, 'a use was not noted'),
  );
}

/**
 * Sends a code 0 and notes that it was written; a connection that is gone before its first byte gives the
 * stake back to the round's decision (SPEC §4 rule 4).
 */
async function deliver(
  deps: ProviderDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ProviderAnswer,
): Promise<FastifyReply> {
  const { accepted } = answer;
  if (accepted) {
    if (request.raw.socket.destroyed) {
      await deps.desk.unwritten(accepted.operationId);
    } else {
      reply.raw.once('finish', () => deps.desk.written(accepted.operationId));
    }
  }
  return send(reply, answer.body);
}

function send(reply: FastifyReply, body: string): FastifyReply {
  return reply.code(200).type('application/json; charset=utf-8').send(body);
}

/** For requests below /providers that never reach a route: broken URLs, plain http. */
export function providerFailure(reply: FastifyReply, message?: string): FastifyReply {
  return send(reply, encodeFailure(message));
}
