import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TransportSettings } from '../../config/transport';
import { keyIdOf } from '../../lib/api-key';
import { ipAllowed, LOOPBACK } from '../../lib/ip-list';
import type { Metrics } from '../../lib/metrics';
import { PartnerApiError, partnerErrorDoor } from '../routes/partner/error-door';
import { providerFailure } from '../routes/provider/provider-routes';

/** The partner document's refusal, and the message below /providers. */
const REFUSAL = 'HTTPS required';

/**
 * The first question to every request: did it come over HTTPS? One that did not is answered at once with 403
 * and JSON, below /providers with HTTP 200 and code 1, never with a redirect: a client that is sent on would
 * show its key to every listener again and again, and nobody would notice.
 *
 * Probes of `/health/` are answered all the same, since balancers ask by plain http; in development this
 * machine is.
 *
 * @returns a function that answers `reply` and returns true when it refuses the request
 */
export function createTransport(
  { development, trustedProxies }: TransportSettings,
  metrics: Metrics,
): (request: FastifyRequest, reply: FastifyReply) => boolean {
  const isTrusted = (peer: string | undefined) =>
    trustedProxies.length > 0 && ipAllowed(trustedProxies, peer);

  // Not request.protocol, which has believed headers of strangers before (CVE-2026-3635). A trusted proxy's
  // word counts over a TLS socket as well: it may have taken the request by plain http itself.
  function cameByHttps({ raw: { socket, headers } }: FastifyRequest): boolean {
    const forwarded = isTrusted(socket.remoteAddress) ? headers['x-forwarded-proto'] : undefined;
    if (forwarded !== undefined) return forwarded === 'https';
    return 'encrypted' in socket && socket.encrypted === true;
  }

  function isOwnMachine(request: FastifyRequest): boolean {
    return (
      development &&
      ipAllowed(LOOPBACK, request.raw.socket.remoteAddress) &&
      ipAllowed(LOOPBACK, request.ip)
    );
  }

  return (request, reply) => {
    if (cameByHttps(request) || isOwnMachine(request)) return false;
    if (request.routeOptions.url?.startsWith('/health/') === true) return false;
    warnOfKey(request);
    // Whatever follows on this connection is in clear as well.
    void reply.header('connection', 'close');
    if (isBelowProviders(request)) {
      metrics.providerRefused({ reason: 'https' });
      providerFailure(reply, REFUSAL);
    } else {
      metrics.partnerRefused('https');
      partnerErrorDoor(new PartnerApiError(403, REFUSAL), request, reply);
    }
    return true;
  };
}

/** Whether the provider document rules the answer: by the route found, or by the URL where none could be. */
export function isBelowProviders(request: FastifyRequest): boolean {
  return request.server.prefix === '/providers' || /^\/+providers(\/|\?|$)/.test(request.url);
}

function warnOfKey({ raw, ip, log }: FastifyRequest): void {
  const key = raw.headers['x-api-key'];
  const keyId = typeof key === 'string' ? keyIdOf(key) : undefined;
  if (keyId === undefined) return;
  log.warn(
    { key: keyId, ip },
    'an API key was sent by plain http: whoever listened has it, rotate it',
  );
}
