import type { FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { Pool } from 'pg';
import { authenticatePartner } from '../../db/authenticate-partner';
import type { Partner } from '../../db/partners';
import type { Vault } from '../../db/vault';
import { assert } from '../../lib/assert';
import { ipAllowed } from '../../lib/ip-list';
import type { Limits } from '../limits/limits';
import { PartnerApiError } from '../routes/partner/error-door';

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated partner; null outside the partner API. */
    partner: Partner | null;
  }
}

interface PartnerAuthOptions {
  readonly pool: Pool;
  readonly vault: Vault;
  readonly limits: Limits;
}

/**
 * Authenticates every request of the scope before its body is read: key, then prefix, then address
 * (partner document, Authentication and IP whitelist). The address is the socket's, or the one the app's
 * trustProxy setting makes of it. An address that failed too often is refused before any look-up, and a partner
 * that calls an endpoint too often before its body is read: 429 with Retry-After.
 */
export const partnerAuth = fastifyPlugin(
  async (scope, { pool, vault, limits }: PartnerAuthOptions) => {
    scope.decorateRequest('partner', null);
    const { partnerFailures: failures } = limits;
    const wrongKey = async ({ ip }: FastifyRequest) => {
      await failures.count(ip);
      return new PartnerApiError(401, 'Invalid API key', 'invalid_key');
    };
    scope.addHook('onRequest', async (request, reply) => {
      tooMany(
        limits,
        reply,
        await failures.wait(request.ip),
        'partner API: failures of an address',
      );
      const key = headerOf(request, 'x-api-key') ?? '';
      const found = await limits.seated(() => authenticatePartner(pool, vault, key));
      if (!found) throw await wrongKey(request);
      const prefix = headerOf(request, 'x-api-prefix');
      if (prefix !== undefined && prefix !== found.partner.prefix) {
        throw await wrongKey(request);
      }
      if (!ipAllowed(found.partner.ipWhitelist, request.ip)) {
        await failures.count(request.ip);
        throw new PartnerApiError(403, 'IP not allowed', 'address');
      }
      failures.clear(request.ip);
      const { partner } = found;
      const endpoint = request.routeOptions.url ?? '';
      const perSecond = partner.settings.requests_per_second;
      const seconds = await limits.partnerCall(partner.id, endpoint, perSecond);
      tooMany(limits, reply, seconds, `partner API: calls of ${partner.prefix}`);
      request.partner = partner;
      if (found.endsSoon) {
        request.log.warn(
          { partner: found.partner.prefix, key: found.keyId, ends_at: found.endsSoon },
          'an API key that ends within the hour is still in use',
        );
      }
    });
  },
  { name: 'partner-auth' },
);

function tooMany(limits: Limits, reply: FastifyReply, seconds: number, what: string): void {
  if (seconds === 0) return;
  limits.refused(what);
  void reply.header('retry-after', String(seconds));
  throw new PartnerApiError(429, 'Too Many Requests', 'rate');
}

/** The partner of an authenticated request. */
export function partnerOf(request: FastifyRequest): Partner {
  assert(request.partner, 'a partner route runs behind partner-auth');
  return request.partner;
}

/** A hook for routes that a suspended partner may not use. */
export async function refuseSuspended(request: FastifyRequest): Promise<void> {
  if (partnerOf(request).status !== 'active') {
    throw new PartnerApiError(403, 'Account not permitted', 'suspended');
  }
}

// An empty header is a header not given: clients send one for a setting they do not have.
function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  const single = Array.isArray(value) ? value.join(',') : value;
  return single === '' ? undefined : single;
}
