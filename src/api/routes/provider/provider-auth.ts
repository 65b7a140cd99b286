import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  callbackDoor,
  callbackSecretSent,
  noteCallbackSecretUse,
  type CallbackDoor,
} from '../../../db/callback-secrets';
import { listConnections, takesAnyAddress, type Connection } from '../../../db/connections';
import type { Pool } from '../../../db/pool';
import { assert } from '../../../lib/assert';
import { ipAllowed } from '../../../lib/ip-list';
import type { Logger } from '../../../lib/log';
import type { ProviderRefusal } from '../../../lib/metrics';
import { encodeFailure } from '../../../protocols/web-games/encode';
import type { ProviderDeps } from './provider-deps';

declare module 'fastify' {
  interface FastifyRequest {
    /** The door that the provider's call came through; null outside the provider's routes. */
    door: CallbackDoor | null;
  }
}

/** The header of the optional callback secret. */
export const CALLBACK_SECRET_HEADER = 'x-callback-secret';

/** Said when no seat is free; the provider repeats. */
export const TOO_BUSY = 'too busy; this request did nothing';

type DoorDeps = Pick<
  ProviderDeps,
  'book' | 'payouts' | 'vault' | 'development' | 'metrics' | 'limits'
>;
type CallbackRequest = FastifyRequest<{ Params: { connection: string; method: string } }>;

/** Known from the path, before the body is read: payouts have seats and database connections of their own. */
export function isPayoutCall(request: FastifyRequest): boolean {
  return (request.params as { method?: string }).method === 'Debit';
}

/**
 * Who may call at all: decided before the body is read, so that a stranger costs a query and no more. The
 * connection, the address, and the callback secret where there is one; the MD5 comes with the body. Each failure counts
 * against the address.
 */
export function providerAuth({ book, payouts, vault, development, metrics, limits }: DoorDeps) {
  /** The look-up has a seat as what follows has: a flood must not queue for the database here either. */
  async function lookUp(request: CallbackRequest): Promise<CallbackDoor | undefined | 'busy'> {
    const isPayout = isPayoutCall(request);
    const release = (isPayout ? limits.payouts : limits.stakes).take();
    if (!release) return 'busy';
    try {
      const { pool } = isPayout ? payouts.book : book;
      return await callbackDoor(pool, request.params.connection);
    } finally {
      release();
    }
  }

  return async (
    request: CallbackRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply | undefined> => {
    const { connection: key, method } = request.params;
    const refuse = async (reason: ProviderRefusal, text: string, known?: Connection) => {
      if (reason === 'rate') limits.refused(`callbacks: ${method} under way`);
      else await limits.callbackFailures(known?.key).count(request.ip);
      metrics.providerRefused({ reason, method, ...(known && { connection: known.key }) });
      return reply.code(200).type('application/json; charset=utf-8').send(encodeFailure(text));
    };
    const door = await lookUp(request);
    if (door === 'busy') return refuse('rate', TOO_BUSY);
    if (!door) return refuse('connection', 'Unknown connection');
    const { connection } = door;
    const isAllowed =
      takesAnyAddress(connection, development) ||
      (connection.ipWhitelist.length > 0 && ipAllowed(connection.ipWhitelist, request.ip));
    if (!isAllowed) {
      request.log.warn({ connection: key, ip: request.ip }, 'provider address not allowed');
      return refuse('address', 'Address not allowed', connection);
    }
    if (!provesItself(request, door)) {
      request.log.warn({ connection: key }, 'callback without a valid callback secret');
      return refuse('header', 'Callback secret missing or wrong', connection);
    }
    request.door = door;
    return undefined;
  };

  function provesItself(request: FastifyRequest, door: CallbackDoor): boolean {
    const { connection, secrets } = door;
    if (secrets.length === 0) return true;
    const header = request.headers[CALLBACK_SECRET_HEADER];
    // Sent twice, it is a list that no value matches.
    const sent = callbackSecretSent(vault, door, String(header ?? ''));
    if (sent?.stale) {
      const facts = { connection: connection.key, version: sent.version };
      void noteCallbackSecretUse(book.pool, connection.id, sent.version).then(
        (noted) => {
          if (!noted || !sent.endsSoon) return;
          const text = 'a callback secret that ends within the hour is still in use';
          request.log.warn({ ...facts, ends_at: sent.endsSoon }, text);
        },
        (error: unknown) => request.log.warn({ ...facts, err: error }, 'a use was not noted'),
      );
    }
    return sent !== undefined || !secrets.some(({ required }) => required);
  }
}

/** The connection whose provider sent the request, and what it signs with. */
export function doorOf(request: FastifyRequest): CallbackDoor {
  assert(request.door, 'a provider route runs behind provider-auth');
  return request.door;
}

/** Says once, at the start, which connections can take no callback because nobody said from where. */
export async function warnOfUnreachableConnections(
  pool: Pool,
  development: boolean,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  if (development) return;
  const connections = (await listConnections(pool))
    .filter(({ ipWhitelist, settings }) => ipWhitelist.length === 0 && !settings.any_address)
    .map(({ key }) => key);
  if (connections.length === 0) return;
  log.warn(
    { connections },
    'these connections have no IP list, so every callback is refused: connection update --ip-whitelist, or the setting any_address',
  );
}
