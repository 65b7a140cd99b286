import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { assert } from '../lib/assert';
import { readCertificate, type Certificate, type CertificateFiles } from '../lib/certificate-files';
import type { Logger } from '../lib/log';

export interface TlsFrontOptions {
  readonly files: CertificateFiles;
  readonly log: Logger;
  /** Tests are not patient. */
  readonly pollMs?: number;
  readonly helloMs?: number;
}

export interface TlsFront {
  /** Ends what it waits for; connections that speak HTTP by now are the server's. */
  close(): void;
}

/** Longer than any honest client needs from its connect to its first byte, and again to the end of its handshake. */
const HELLO_MS_MAX = 10_000;
/** Two small files; and nobody waits longer than this for a certificate that was replaced because it leaked. */
const POLL_MS = 5_000;
/** The first byte of a TLS connection: a record of the kind "handshake". No HTTP request begins with it. */
const HANDSHAKE = 0x16;

/**
 * Lets an HTTP server that does not listen yet speak TLS (1.2 or later) on its port. A client that speaks plain
 * http there is let through to be told so: its sockets are not `encrypted`. The server's own limits of time and
 * number hold for both.
 *
 * The certificate is read anew when the content of its files changes, by whatever means (Kubernetes swaps a
 * symbolic link). Connections under way keep the one they began with; a pair that does not fit together is
 * logged, and the one in use stays.
 *
 * @throws Error when the files do not hold a certificate and its key
 */
export function putTlsInFront(
  server: Server,
  { files, log, pollMs = POLL_MS, helloMs = HELLO_MS_MAX }: TlsFrontOptions,
): TlsFront {
  const [own, ...others] = server.listeners('connection');
  assert(own && others.length === 0, 'the server has its own listener only');
  const speakHttp = own as (this: Server, socket: Socket) => void;
  server.off('connection', speakHttp);

  const first = readCertificate(files);
  const tls = createTlsServer({
    ...contextOf(first),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: helloMs,
  });
  logCertificate(log, first);
  tls.on('secureConnection', (socket: TLSSocket) => speakHttp.call(server, socket));
  // Strangers that speak neither TLS nor HTTP are no news.
  tls.on('tlsClientError', (_error, socket) => socket.destroy());

  const silent = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    firstByteOf(socket, helloMs, (byte) => {
      silent.delete(socket);
      if (byte === HANDSHAKE) {
        // An HTTP server's sockets stay half open for it; in a handshake nobody would see that the client left.
        socket.allowHalfOpen = false;
        tls.emit('connection', socket);
      } else if (byte !== undefined) speakHttp.call(server, socket);
    });
  });

  const stopWatching = watchCertificate({ files, first, log, pollMs }, (certificate) => {
    tls.setSecureContext(contextOf(certificate));
  });
  return {
    close() {
      stopWatching();
      for (const socket of silent) socket.destroy();
    },
  };
}

/** ASVS 12.1.1: what is older than TLS 1.2 is broken. Said here, so that no flag of the process can lower it. */
function contextOf({ cert, key }: Certificate) {
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}

/** Looks at a socket's first byte and leaves it there; undefined when it ended, failed or stayed silent. */
function firstByteOf(
  socket: Socket,
  helloMs: number,
  found: (byte: number | undefined) => void,
): void {
  const end = () => socket.destroy();
  const look = () => {
    const chunk = socket.read(1) as Buffer | null;
    if (chunk === null) return;
    leave(chunk[0], () => socket.unshift(chunk));
  };
  const closed = () => leave(undefined);
  const timer = setTimeout(end, helloMs);
  const leave = (byte: number | undefined, before?: () => void) => {
    clearTimeout(timer);
    socket.off('readable', look).off('end', end).off('error', end).off('close', closed);
    before?.();
    found(byte);
  };
  socket.on('readable', look).on('end', end).on('error', end).on('close', closed);
}

interface Watch {
  readonly files: CertificateFiles;
  readonly first: Certificate;
  readonly log: Logger;
  readonly pollMs: number;
}

function watchCertificate(
  { files, first, log, pollMs }: Watch,
  changed: (certificate: Certificate) => void,
): () => void {
  let inUse = first;
  let fault = { text: '', looks: 0 };
  const timer = setInterval(() => {
    try {
      const found = readCertificate(files);
      fault = { text: '', looks: 0 };
      if (found.cert.equals(inUse.cert) && found.key.equals(inUse.key)) return;
      changed(found);
      inUse = found;
      logCertificate(log, found);
    } catch (error) {
      const text = (error as Error).message;
      fault = { text, looks: text === fault.text ? fault.looks + 1 : 1 };
      // At the first look the files may be half written; from the third on it has been said.
      if (fault.looks === 2) log.error(`a new certificate is not usable, the old stays: ${text}`);
    }
  }, pollMs);
  timer.unref();
  return () => clearInterval(timer);
}

function logCertificate(log: Logger, { validTo }: Certificate): void {
  log.info({ valid_to: validTo.toISOString() }, 'TLS certificate read');
}
