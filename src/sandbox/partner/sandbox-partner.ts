import Fastify, { type FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../lib/clock';
import { JsonSyntaxError } from '../../lib/json';
import type { Logger } from '../../lib/log';
import { createBell } from './bell';
import { createCallbackLog } from './callback-log';
import { createCashier } from './cashier';
import { createFaultSwitchboard } from './fault-switchboard';
import { ShapeError } from './field-reader';
import { createLiveFeed } from './live-feed';
import { createMoney } from './money-text';
import { createBookPool, prepareBook } from './open-book';
import { createPlayerAccountReader } from './player-account';
import { createRoundhouseClient } from './roundhouse-client';
import { registerSandboxRoutes } from './sandbox-routes';
import { createSessionCookie } from './storefront/session-cookie';
import { registerStorefrontRoutes } from './storefront/storefront-routes';
import { createWallet } from './wallet';
import { createWalletBook } from './wallet-book';
import { registerWalletRoutes } from './wallet-routes';

export interface SandboxPartnerDeps {
  readonly databaseUrl: string;
  /** Base URL of the aggregator's partner API. */
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly prefix: string;
  readonly agentSecret: string;
  readonly currency: string;
  /** How browsers reach this casino; games lead back to it. */
  readonly publicBaseUrl: string;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface SandboxPartner {
  /** Prepares the book and listens on loopback; 0 takes a free port. Resolves with the port. */
  listen(port: number, host?: string): Promise<number>;
  /** Ends slow and hanging calls, lets the others finish, and closes the book. Safe to call twice. */
  close(): Promise<void>;
}

/** Every body of the partner document fits many times over. */
const BODY_MAX_BYTES = 64 * 1024;
/**
 * For the calls in flight when the casino closes; one that is cut is repeated, like any whose answer was lost. There is a
 * limit because Node 20 takes a connection for busy that was opened after a browser left a live stream: closing would
 * wait for it until its keep-alive ends.
 */
const CLOSE_GRACE_MS = 2_000;

/**
 * The sandbox casino: the reference wallet of the partner document under /wallet, a storefront under /, and the
 * switches of tests and audits under /sandbox. It shares no signing or decoding code with the aggregator it judges.
 *
 * @throws Error when a wallet cannot be kept in the currency
 */
export function createSandboxPartner(deps: SandboxPartnerDeps): SandboxPartner {
  const money = createMoney(deps.currency);
  const pool = createBookPool(deps.databaseUrl, deps.log);
  const closing = new AbortController();
  const app = Fastify({ logger: false, bodyLimit: BODY_MAX_BYTES });
  const shared = { ...deps, pool, money };
  const bell = createBell();
  const faults = createFaultSwitchboard(() => bell.ring());
  const callbacks = createCallbackLog(shared);
  const cashier = createCashier({ ...shared, bell });
  const wallet = createWallet(shared);
  const publicBaseUrl = deps.publicBaseUrl.replace(/\/+$/, '');

  readBodiesAsText(app);
  answerErrorsAsJson(app, deps.log);
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    try {
      await pool.query('SELECT 1');
      return { status: 'ready' };
    } catch {
      return reply.code(503).send({ status: 'not ready', reason: 'the database does not answer' });
    }
  });
  app.register(async (scope) =>
    registerWalletRoutes(scope, {
      ...shared,
      wallet,
      faults,
      callbacks,
      bell,
      closing: closing.signal,
    }),
  );
  app.register(async (scope) => registerSandboxRoutes(scope, { ...shared, faults, cashier }));
  app.register(async (scope) =>
    registerStorefrontRoutes(scope, {
      ...shared,
      publicBaseUrl,
      roundhouse: createRoundhouseClient(deps),
      accounts: createPlayerAccountReader(pool),
      cashier,
      book: createWalletBook(pool),
      faults,
      feed: createLiveFeed(pool, bell),
      closing: closing.signal,
      cookie: createSessionCookie(deps.agentSecret, publicBaseUrl.startsWith('https:')),
    }),
  );

  let closed: Promise<void> | undefined;
  return {
    async listen(port, host = '127.0.0.1') {
      await prepareBook(pool, money.currency);
      await callbacks.trim();
      await app.listen({ host, port });
      return (app.server.address() as AddressInfo).port;
    },
    close() {
      closed ??= (async () => {
        closing.abort();
        const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
        await app.close();
        clearTimeout(cut);
        await pool.end();
      })();
      return closed;
    },
  };
}

// JSON is kept as text: a signature covers what was sent, and amounts must not pass through a double.
function readBodiesAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      done(null, new URLSearchParams(body.toString()));
    },
  );
}

function answerErrorsAsJson(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'Not Found' }));
  app.setErrorHandler(async (error, request, reply) => {
    if (error instanceof ShapeError || error instanceof JsonSyntaxError) {
      return reply.code(400).send({ error: error.message });
    }
    const { statusCode = 500, message } = error as { statusCode?: number; message: string };
    if (statusCode < 500) return reply.code(statusCode).send({ error: message });
    log.error({ err: error, url: request.url }, 'a request failed');
    return reply.code(500).send({ error: 'internal error' });
  });
}
