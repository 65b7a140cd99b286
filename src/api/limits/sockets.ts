import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { addressBlock, ipAllowed } from '../../lib/ip-list';
import { createSeats } from './seats';

/**
 * Time for a request's head, and for a connection to send its first byte. Honest clients need milliseconds.
 */
const HEADERS_MS_MAX = 10_000;
/** Time for a whole request, body included: 64 KiB in this time is slower than any link we know. */
export const REQUEST_MS_MAX = 15_000;
/** From handing over an answer to its last byte; whoever reads slower is cut off. Our largest file has 1.5 MB. */
const ANSWER_MS_MAX = 20_000;
/** Header fields of a request; proxies add some, browsers send twenty. */
const HEADERS_MAX = 100;
/** Sockets of one client address: a provider's pool has hundreds, and one host must not have them all. */
const SOCKETS_PER_ADDRESS_MAX = 1_000;
/** Sockets in all: some 20 KB each. */
const SOCKETS_MAX = 10_000;
/** Files kept for the database, Temporal, wallets and logs, whatever strangers open. */
const FILES_RESERVED = 300;

/** For the server's constructor. */
export const SERVER_OPTIONS = {
  /** Bytes of a request's head: what Node's parser defaults to, said so that no flag changes it. */
  maxHeaderSize: 16_384,
  /** How often the two limits on slow requests are looked at; Node's 30 s would treble them. */
  connectionsCheckingInterval: 1_000,
} as const;

/**
 * Bounds what connections can cost before a request of theirs is one: silent, slow and too many. Kept
 * connections of honest clients stay.
 *
 * @param trustedProxies whose sockets carry many clients: the bound by address is not for them
 * @param openFilesMax what the process may have open
 */
export function guardSockets(
  app: FastifyInstance,
  { trustedProxies, openFilesMax }: { trustedProxies: readonly string[]; openFilesMax: number },
): void {
  const server: Server = app.server;
  server.headersTimeout = HEADERS_MS_MAX;
  server.maxHeadersCount = HEADERS_MAX;
  server.maxConnections = Math.max(1, Math.min(SOCKETS_MAX, openFilesMax - FILES_RESERVED));

  const perAddress = createSeats(Math.min(SOCKETS_PER_ADDRESS_MAX, server.maxConnections));
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    if (trustedProxies.length > 0 && ipAllowed(trustedProxies, address)) return;
    const release = perAddress.take(addressBlock(address));
    if (release) socket.once('close', release);
    else socket.destroy();
  });

  app.addHook('onSend', (request, reply, _payload, done) => {
    const timer = setTimeout(() => request.raw.socket.destroy(), ANSWER_MS_MAX).unref();
    reply.raw.once('close', () => clearTimeout(timer));
    done();
  });
}
