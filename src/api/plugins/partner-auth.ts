import type { FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { Pool } from 'pg';
import { authenticatePartner } from '../../db/authenticate-partner';
import type { Partner } from '../../db/partners';
import type { Vault } from '../../db/vault';
import { assert } from '../../lib/assert';
import { ipAllowed } from '../../lib/ip-list';
import { PartnerApiError } from '../routes/partner/error-door';

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated partner; null outside the partner API. */
    partner: Partner | null;
  }
}

/**
 * Authenticates every request of the scope before its body is read: key, then prefix, then address
 * (partner document, Authentication and IP whitelist). The address is the socket's, or the one the app's
 * trustProxy setting makes of it.
 */
export const partnerAuth = fastifyPlugin(
  async (scope, { pool, vault }: { pool: Pool; vault: Vault }) => {
    scope.decorateRequest('partner', null);
    scope.addHook('onRequest', async (request) => {
      const found = await authenticatePartner(pool, vault, headerOf(request, 'x-api-key') ?? '');
      if (!found) throw new PartnerApiError(401, 'Invalid API key', 'invalid_key');
      const prefix = headerOf(request, 'x-api-prefix');
      if (prefix !== undefined && prefix !== found.partner.prefix) {
        throw new PartnerApiError(401, 'Invalid API key', 'invalid_key');
      }
      if (!ipAllowed(found.partner.ipWhitelist, request.ip)) {
        throw new PartnerApiError(403, 'IP not allowed', 'address');
      }
      request.partner = found.partner;
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
