import { randomUUID } from 'node:crypto';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { findBet } from '../db/book';
import type { Clock } from '../lib/clock';
import type { Logger } from '../lib/log';
import { answerHeaders } from './plugins/answer-headers';
import { drain } from './plugins/drain';
import { openapi } from './plugins/openapi';
import { healthRoutes } from './routes/health/health-routes';
import { createLinks } from './routes/pages/links';
import { pagesRoutes } from './routes/pages/pages-routes';
import { partnerErrorDoor, partnerNotFound } from './routes/partner/error-door';
import { partnerRoutes } from './routes/partner/partner-routes';
import type { ProviderDeps } from './routes/provider/provider-deps';
import { providerFailure, providerRoutes } from './routes/provider/provider-routes';

export interface AppDeps extends ProviderDeps {
  readonly publicBaseUrl: string;
  readonly temporalReady: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** SPEC §5; the partner document's largest body has some 300 bytes. */
const BODY_BYTES_MAX = 65_536;
/** A client that sends its request slower than this is cut off; honest ones need milliseconds. */
const REQUEST_MS_MAX = 15_000;
/** Longer than the load balancers in front of us keep theirs, so that they close first. */
const KEEP_ALIVE_MS = 72_000;

/** The HTTP side of Roundhouse: partner API, provider callbacks, pages, health. It does not listen yet. */
export async function createApp(deps: AppDeps): Promise<FastifyInstance> {
  const { publicBaseUrl, vault, clock, log } = deps;
  const { pool } = deps.book;
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // Addresses are the socket's own: no header of a stranger is believed.
    trustProxy: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    // A request on a kept connection is still answered while we stop: HTTP 503 is no answer to a provider.
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    // The provider document: its base URL "should not end with a trailing slash"; some do none the less.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    frameworkErrors: (error, request, reply) => {
      if (request.url.startsWith('/providers')) return void providerFailure(reply);
      return void partnerErrorDoor(error, request, reply);
    },
  });
  app.setErrorHandler(partnerErrorDoor);
  app.setNotFoundHandler(partnerNotFound);

  const links = createLinks({ publicBaseUrl, key: vault.linkSigningKey, clock });
  await app.register(drain);
  await app.register(answerHeaders);
  await app.register(openapi, { publicBaseUrl });
  await app.register(healthRoutes({ pool, temporalReady: deps.temporalReady }));
  await app.register(partnerRoutes({ pool, vault, publicBaseUrl, clock, links, findBet }));
  await app.register(pagesRoutes({ pool, publicBaseUrl, links, clock, log }));
  await app.register(providerRoutes(deps), { prefix: '/providers' });
  return app;
}
