import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';
import { encodeFailure } from '../../protocols/web-games/encode';

/** What Node's parser refuses before a request is one; everything else is a 400. */
const ANSWERS: Readonly<Record<string, { status: string; text: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', text: 'Request Timeout' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: '413 Payload Too Large', text: 'Payload Too Large' },
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    text: 'Request Header Fields Too Large',
  },
};
const BAD_REQUEST = { status: '400 Bad Request', text: 'request: cannot be read' };

/** An answer that is followed at once by a reset may be lost: the client gets this long to read it. */
const LINGER_MS = 1_000;

const PROVIDER_LINE = /^\s*[A-Z]+ \/+providers(?:[/? ]|$)/;

export interface ClientErrors {
  /** For Fastify's `clientErrorHandler`. */
  readonly answer: (error: ConnectionError, socket: Socket) => void;
  /** Notes which requests of a connection are not answered yet. */
  watch(server: Server): void;
}

/**
 * Answers what is no request: JSON, and below /providers HTTP 200 with code 1. Nothing is written while a
 * request before it waits for its answer: it would be read as that one's, a refusal of a stake that is taken.
 */
export function createClientErrors(): ClientErrors {
  const unanswered = new WeakMap<Socket, Set<ServerResponse>>();
  const ended = new WeakSet<Socket>();

  function answer(error: ConnectionError, socket: Socket): void {
    if (ended.has(socket)) return;
    ended.add(socket);
    const waiting = [...(unanswered.get(socket) ?? [])];
    const [first] = waiting;
    const isItsOwn = waiting.length === 1 && first?.req.complete === false && !first.headersSent;
    const mayAnswer = waiting.length === 0 || isItsOwn;
    if (String(error.code) === 'ECONNRESET' || !socket.writable || !mayAnswer) {
      socket.destroy();
      return;
    }
    const isProvider = first
      ? /^\/+providers(?:[/?]|$)/.test(first.req.url ?? '')
      : PROVIDER_LINE.test(beginOf(error.rawPacket));
    const { status, text } = ANSWERS[error.code ?? ''] ?? BAD_REQUEST;
    socket.end(
      isProvider ? messageOf('200 OK', encodeFailure(text)) : messageOf(status, errorBody(text)),
    );
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  return {
    answer,
    watch(server) {
      server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        const { socket } = request;
        const waiting = unanswered.get(socket) ?? new Set();
        unanswered.set(socket, waiting.add(response));
        response.once('close', () => waiting.delete(response));
      });
    },
  };
}

/** The packet that could not be read begins with the request line, unless the line came before it. */
function beginOf(packet: unknown): string {
  return Buffer.isBuffer(packet) ? packet.toString('latin1', 0, 100) : '';
}

function errorBody(text: string): string {
  return JSON.stringify({ error: text });
}

function messageOf(status: string, body: string): string {
  return [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
