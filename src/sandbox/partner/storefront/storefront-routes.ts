import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RoundhouseError } from '../roundhouse-client';
import { registerAccountPages } from './account-routes';
import { registerBookPages } from './book-routes';
import { registerGamePages } from './game-routes';
import { registerLiveRoute } from './live-route';
import { createPageFrame, problemContent } from './page-frame';
import { policyWith } from './policy';
import { serveAssets } from './storefront-assets';
import type { StorefrontDeps } from './storefront-deps';
import { registerSwitchboardPage } from './switchboard-routes';
import { show } from './visitor';

/** The casino's pages: sign in, games, play, bet history, wallet book, switchboard, top-up. */
export function registerStorefrontRoutes(app: FastifyInstance, deps: StorefrontDeps): void {
  const assets = serveAssets(app);
  const frame = createPageFrame(assets);
  const problem = (title: string, text: string) =>
    frame({ title, content: problemContent(title, text) });

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': policyWith(),
      'x-content-type-options': 'nosniff',
      // Not no-referrer: browsers would then send "Origin: null" with our own forms.
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    if (request.method !== 'POST' || isOwnForm(request)) return;
    const text = 'This form came from another site.';
    return show(reply, 403, problem('Not from here', text));
  });
  app.setErrorHandler(async (error, request, reply) => {
    if (error instanceof RoundhouseError) {
      deps.log.warn({ err: error }, 'roundhouse gave no usable answer');
      return show(reply, 502, problem('That did not work', error.publicText));
    }
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status >= 500) deps.log.error({ err: error, url: request.url }, 'a page failed');
    return show(reply, status, problem('Something went wrong', 'Please try again in a moment.'));
  });
  registerAccountPages(app, deps, frame);
  registerGamePages(app, deps, frame, assets);
  registerBookPages(app, deps, frame);
  registerSwitchboardPage(app, deps, frame);
  registerLiveRoute(app, deps);
}

// Every browser names the origin of a POST; a caller that is no browser has no session to misuse.
function isOwnForm(request: FastifyRequest): boolean {
  const origin = request.headers.origin;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.host;
}
