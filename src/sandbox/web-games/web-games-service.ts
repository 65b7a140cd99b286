import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { Pool } from 'pg';
import { systemClock, type Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import { addAssets, readAssets } from './assets';
import { createBook } from './book';
import { createPartnerClient } from './partner-client';
import { createRoundRunner } from './round-runner';
import { addPlayApi, addWebGamesApi, type RouteDeps } from './routes';
import { addSandboxRoutes } from './sandbox-routes';
import type { Partner } from './session-book';
import { CALL_DEFAULTS, type CallSettings } from './settings';

export interface WebGamesOptions {
  readonly databaseUrl: string;
  readonly log: Logger;
  /** How browsers and partners reach the service; only printed. */
  readonly publicBaseUrl?: string;
  readonly clock?: Clock;
  readonly settings?: Partial<CallSettings>;
  /** A partner to know from the start, written over what the book has for its id. */
  readonly partner?: Partner;
  readonly poolMax?: number;
}

export interface WebGamesService {
  /**
   * Prepares the database, takes up unfinished rounds and listens on loopback.
   *
   * @param port 0 takes any free one
   * @returns the port and the base URL
   */
  listen(port: number, host?: string): Promise<{ port: number; url: string }>;
  /** Ends in good order: calls in flight are still answered and recorded, waiting repeats stay on paper. */
  close(): Promise<void>;
  /** Ends as a kill would: what is in flight is neither awaited nor recorded. For tests. */
  kill(): Promise<void>;
}

const HOST = '127.0.0.1';
const BODY_BYTES_MAX = 16 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** The whole Web Games service of the provider document as one object, to be started in any process. */
export function createWebGamesService(options: WebGamesOptions): WebGamesService {
  const { log } = options;
  const settings: CallSettings = { ...CALL_DEFAULTS, ...options.settings };
  const pool = new Pool({ connectionString: options.databaseUrl, max: options.poolMax ?? 20 });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'a database connection broke'));
  const book = createBook(pool);
  const client = createPartnerClient(settings);
  const clock = options.clock ?? systemClock;
  const runner = createRoundRunner({ book, client, settings, clock, log });

  let ending = false;
  const deps = { pool, book, client, runner, settings, assets: readAssets() };
  const app = createApp(deps, log, () => ending);

  return {
    async listen(port, host = HOST) {
      await book.prepare();
      if (options.partner) await book.savePartner(options.partner, 'Roundhouse');
      await app.listen({ host, port });
      await runner.resume();
      const actual = (app.server.address() as AddressInfo).port;
      const url = options.publicBaseUrl ?? `http://${HOST}:${String(actual)}`;
      log.info({ url }, 'the sandbox provider is listening');
      return { port: actual, url: `http://${HOST}:${String(actual)}` };
    },
    async close() {
      ending = true;
      const rounds = runner.stop();
      await app.close();
      await rounds;
      await client.close();
      await pool.end();
    },
    async kill() {
      runner.abandon();
      app.server.closeAllConnections();
      await client.close();
      await app.close();
      await pool.end();
    },
  };
}

function createApp(deps: RouteDeps, log: Logger, isEnding: () => boolean): FastifyInstance {
  // The framework's own request log would print launch addresses, and with them tokens.
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
  });
  // A connection that is kept alive behind its last answer would hold up the end.
  app.addHook('onSend', async (_request, reply) => {
    if (isEnding()) reply.header('connection', 'close');
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    const route = request.routeOptions.url ?? '';
    if (status >= 500) log.error({ err: error, route }, 'a request failed');
    // The document knows no HTTP statuses: its own methods answer 200 and code 1.
    if (route === '/GetListGames' || route === '/game') {
      return reply.code(200).send({ code: 1, message: 'Internal Error' });
    }
    return reply
      .code(status)
      .send({ error: status >= 500 ? 'The game server failed.' : 'The request is not valid.' });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'Not Found' }));

  addWebGamesApi(app, deps);
  addPlayApi(app, deps);
  addAssets(app, deps.assets);
  addSandboxRoutes(app, deps);
  app.get('/health/live', () => ({ status: 'ok' }));
  app.get('/health/ready', async (_request, reply) => {
    try {
      await deps.pool.query('SELECT 1');
      return { status: 'ok' };
    } catch {
      return reply.code(503).send({ status: 'unavailable', reason: 'database' });
    }
  });
  return app;
}
