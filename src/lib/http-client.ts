import { Agent, buildConnector, type Dispatcher } from 'undici';
import { EgressError, type EgressGuard } from './egress';

/**
 * What one HTTP exchange came to. The line between `not_sent` and `broken` is the one that matters
 * for money: `not_sent` is said only when the request was never handed to a socket, and never will be.
 */
export type Exchange =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly contentType?: string;
      readonly body: Buffer;
    }
  | {
      readonly kind: 'not_sent';
      readonly reason: 'connect' | 'dns' | 'tls' | 'egress';
      readonly text: string;
    }
  | {
      /** Bytes may have left. `status` and `body` are what arrived of the reply, if anything did. */
      readonly kind: 'broken';
      readonly reason: 'timeout' | 'reset' | 'truncated' | 'too_large';
      readonly text: string;
      readonly status?: number;
      readonly body?: Buffer;
    };

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** One deadline for the whole attempt: name look-up, connect, TLS, request, head and body. */
  readonly timeoutMs: number;
}

export interface HttpClientOptions {
  readonly egress: EgressGuard;
  /** Sockets per origin; each carries one request at a time. */
  readonly connections: number;
  /** A longer reply is cut off: the exchange is broken with `too_large`. */
  readonly replyCapBytes: number;
  /** How long a socket may take to connect; an attempt never waits longer than its own deadline. */
  readonly connectTimeoutMs: number;
  /** Authorities to trust instead of the system's, as PEM: a test brings one of its own. */
  readonly trustedAuthorities?: readonly string[];
}

export interface HttpClient {
  /** Never rejects. Redirects are answers, never followed; proxies of the environment are not used. */
  exchange(request: HttpRequest): Promise<Exchange>;
  /** Ends every socket at once. */
  close(): Promise<void>;
}

/**
 * One keep-alive pool. A request is sent at most once: should the pool ever hand it to a second
 * socket, it is stopped there, because an attempt that repeats itself would not be in the book.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const agent = new Agent({
    connections: options.connections,
    pipelining: 1,
    connect: guardedConnector(options),
    // The exchange has one deadline of its own; the pool's timers count between chunks only.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    exchange: (request) => exchange(agent, request, options),
    close: () => agent.destroy(),
  };
}

function guardedConnector({ egress, connectTimeoutMs, trustedAuthorities }: HttpClientOptions) {
  const connectorOf = (protocol: string) =>
    buildConnector({
      timeout: connectTimeoutMs,
      lookup: egress.lookupFor(protocol),
      // Said here, so that no variable of the environment and no flag of Node takes either away.
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(trustedAuthorities && { ca: [...trustedAuthorities] }),
    });
  const overTls = connectorOf('https:');
  const plain = connectorOf('http:');
  const connect: buildConnector.connector = (target, callback) => {
    const verdict = egress.checkHost(target.protocol, target.hostname);
    if (verdict.ok) (target.protocol === 'https:' ? overTls : plain)(target, callback);
    else queueMicrotask(() => callback(new EgressError(verdict.reason), null));
  };
  return connect;
}

function exchange(
  agent: Agent,
  request: HttpRequest,
  { egress, replyCapBytes }: HttpClientOptions,
): Promise<Exchange> {
  const { url, method } = request;
  const verdict = egress.checkUrl(url);
  if (!verdict.ok) return Promise.resolve(notSent('egress', verdict.reason));
  return new Promise((resolve) => {
    const handler = attempt(request, collectReply(replyCapBytes), resolve);
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'roundhouse',
      ...request.headers,
    };
    const path = url.pathname + url.search;
    const body = request.body ?? null;
    try {
      agent.dispatch({ origin: url.origin, path, method, headers, body }, handler);
    } catch (error) {
      handler.failed(error);
    }
  });
}

/** Follows one request through the pool and resolves once, whatever comes first. */
function attempt(
  request: HttpRequest,
  reply: ReturnType<typeof collectReply>,
  resolve: (result: Exchange) => void,
) {
  let settled = false;
  let controller: Dispatcher.DispatchController | undefined;

  const settle = (result: Exchange) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    resolve(result);
    // Aborting is what frees the socket; on an exchange that ended by itself it does nothing.
    if (result.kind === 'broken') controller?.abort(new Error(result.text));
  };
  const timer = setTimeout(() => {
    const within = `within ${request.timeoutMs} ms`;
    if (!controller) return settle(notSent('connect', `no connection ${within}`));
    const missing = reply.status() === undefined ? 'answer' : 'full reply';
    settle(reply.broken('timeout', `no ${missing} ${within}`));
  }, request.timeoutMs);
  const failed = (error: unknown) => {
    if (!controller) return settle(neverSent(error, request.url.protocol));
    const code = codeOf(error);
    if (code === 'UND_ERR_HEADERS_OVERFLOW') {
      settle(reply.broken('too_large', 'reply headers too large'));
    } else if (reply.status() === undefined) {
      settle(reply.broken('reset', `connection lost (${code})`));
    } else settle(reply.broken('truncated', `reply broken off (${code})`));
  };

  return {
    failed,
    // Called when the request is about to be written to a connected socket: the only way out.
    onRequestStart(current) {
      if (!settled && !controller) controller = current;
      else current.abort(new Error('given up, or already sent once'));
    },
    onResponseStart(_controller, status, headers) {
      reply.head(status, headers['content-type']);
    },
    onResponseData(_controller, chunk) {
      if (settled || reply.add(chunk)) return;
      settle(reply.broken('too_large', 'a reply beyond the cap'));
    },
    onResponseEnd: () => settle(reply.complete()),
    onResponseError: (_controller, error) => failed(error),
  } satisfies Dispatcher.DispatchHandler & { failed: (error: unknown) => void };
}

type Broken = Extract<Exchange, { kind: 'broken' }>;

/** What arrives of one reply, kept up to the cap. */
function collectReply(capBytes: number) {
  let status: number | undefined;
  let contentType: string | undefined;
  let size = 0;
  const chunks: Buffer[] = [];
  const broken = (reason: Broken['reason'], text: string): Broken => ({
    kind: 'broken',
    reason,
    text,
    ...(status !== undefined && { status, body: Buffer.concat(chunks) }),
  });
  return {
    broken,
    status: () => status,
    head(code: number, type: string | string[] | undefined) {
      // 1xx announces a reply and is none.
      if (code < 200) return;
      status = code;
      if (typeof type === 'string') contentType = type;
    },
    /** False once the cap is passed; what lies beyond it is not kept. */
    add(chunk: Buffer): boolean {
      chunks.push(Buffer.from(chunk.subarray(0, Math.max(capBytes - size, 0))));
      size += chunk.length;
      return size <= capBytes;
    },
    complete(): Exchange {
      if (status === undefined) return broken('reset', 'the connection ended without a reply');
      const body = Buffer.concat(chunks);
      return { kind: 'answered', status, body, ...(contentType !== undefined && { contentType }) };
    },
  };
}

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
const TLS_CODE = /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_)/;

/** Names the failure of a request that never reached a socket. */
function neverSent(error: unknown, protocol: string): Exchange {
  const code = codeOf(error);
  if (error instanceof EgressError) return notSent('egress', error.message);
  if (DNS_CODES.has(code)) return notSent('dns', `host not found (${code})`);
  // A peer that hangs up inside the handshake resets a connection that TCP already has.
  if (TLS_CODE.test(code) || (protocol === 'https:' && code === 'ECONNRESET')) {
    return notSent('tls', `no TLS connection (${code})`);
  }
  return notSent('connect', `no connection (${code})`);
}

function notSent(reason: 'connect' | 'dns' | 'tls' | 'egress', text: string): Exchange {
  return { kind: 'not_sent', reason, text };
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'error';
}
