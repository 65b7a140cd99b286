import { randomUUID } from 'node:crypto';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { TransportSettings } from '../config/transport';
import { findBet } from '../db/book';
import type { Clock } from '../lib/clock';
import type { Logger } from '../lib/log';
import { openFilesMax } from '../lib/open-files';
import { createClientErrors } from './limits/client-errors';
import { createLimits } from './limits/limits';
import { guardSockets, REQUEST_MS_MAX, SERVER_OPTIONS } from './limits/sockets';
import { answerHeaders } from './plugins/answer-headers';
import { drain } from './plugins/drain';
import { openapi } from './plugins/openapi';
import { createTransport, isBelowProviders } from './plugins/transport';
import { healthRoutes } from './routes/health/health-routes';
import { createLinks } from './routes/pages/links';
import { pagesRoutes } from './routes/pages/pages-routes';
import { PartnerApiError, partnerErrorDoor, partnerNotFound } from './routes/partner/error-door';
import { partnerRoutes } from './routes/partner/partner-routes';
import type { ProviderDeps } from './routes/provider/provider-deps';
import { providerFailure, providerRoutes } from './routes/provider/provider-routes';
import { putTlsInFront } from './tls-front';

export interface AppDeps extends Omit<ProviderDeps, 'limits'> {
  readonly transport: TransportSettings;
  readonly publicBaseUrl: string;
  readonly temporalReady: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** SPEC §5; the partner document's largest body has some 300 bytes. */
const BODY_BYTES_MAX = 65_536;
/** Longer than the load balancers in front of us keep theirs, so that they close first. */
const KEEP_ALIVE_MS = 72_000;

/** The HTTP side of Roundhouse: partner API, provider callbacks, pages, health. It does not listen yet. */
export async function createApp(deps: AppDeps): Promise<FastifyInstance> {
  const { publicBaseUrl, vault, clock, log } = deps;
  const { pool } = deps.book;
  const { trustedProxies, tls } = deps.transport;
  const refusePlainHttp = createTransport(deps.transport, deps.metrics);
  const limits = createLimits({ poolMax: pool.options.max, log });
  const clientErrors = createClientErrors();
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // Addresses are the socket's own, or what a proxy of ours says; never true and never a count of hops, by
    // which a stranger could say it too.
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    bodyLimit: BODY_BYTES_MAX,
    http: SERVER_OPTIONS,
    requestTimeout: REQUEST_MS_MAX,
    clientErrorHandler: clientErrors.answer,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    // A request on a kept connection is still answered while we stop: HTTP 503 is no answer to a provider.
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    // The provider document: its base URL "should not end with a trailing slash"; some do none the less.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    frameworkErrors: (error, request, reply) => {
      if (refusePlainHttp(request, reply)) return;
      if (isBelowProviders(request)) return void providerFailure(reply);
      return void partnerErrorDoor(error, request, reply);
    },
  });
  // First, since it stands before Node's own listener.
  if (tls) {
    const front = putTlsInFront(app.server, { files: tls, log });
    app.addHook('preClose', async () => front.close());
  }
  clientErrors.watch(app.server);
  guardSockets(app, { trustedProxies: trustedProxies, openFilesMax: openFilesMax() });
  app.addHook('onRequest', (request, reply, done) => {
    if (!refusePlainHttp(request, reply)) done();
  });
  app.setErrorHandler(partnerErrorDoor);
  app.setNotFoundHandler(partnerNotFound);
  app.addHook('onError', (_request, _reply, error, done) => {
    if (error instanceof PartnerApiError && error.refusal)
      deps.metrics.partnerRefused(error.refusal);
    done();
  });

  const links = createLinks({ publicBaseUrl, key: vault.linkSigningKey, clock });
  await app.register(drain);
  await app.register(answerHeaders);
  await app.register(openapi, { publicBaseUrl, limits });
  await app.register(
    healthRoutes({ pool: deps.payouts.book.pool, temporalReady: deps.temporalReady }),
  );
  await app.register(partnerRoutes({ pool, vault, publicBaseUrl, clock, links, findBet, limits }));
  await app.register(pagesRoutes({ pool, publicBaseUrl, links, clock, log, limits }));
  await app.register(providerRoutes({ ...deps, limits }), { prefix: '/providers' });
  return app;
}
