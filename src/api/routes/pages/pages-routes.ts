import type { FastifyPluginAsync } from 'fastify';
import { isDatabaseUnavailable } from '../../../db/unavailable';
import { OverloadedError, seatRoutes } from '../../limits/limits';
import { failurePage } from './failure-page';
import { addLaunchPage } from './launch-page';
import { addLobbyPages } from './lobby-page';
import { addOperatorPage } from './operator-page';
import { addPageFiles } from './page-files';
import type { PagesDeps } from './pages-deps';
import { addRoundPage } from './round-page';
import { sendPage } from './send-page';

/** A form of ours holds a token and a game's number. */
const FORM_BYTES_MAX = 4_096;

/** Our pages: launch, lobby and a round's story for players, and for operators, in a scope with an error door of its own. */
export function pagesRoutes(deps: PagesDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.setErrorHandler((error, _request, reply) => {
      const { statusCode } = error as { statusCode?: number };
      if (statusCode !== undefined && statusCode < 500) {
        return sendPage(reply, { ...failurePage('link_incomplete'), status: statusCode });
      }
      if (error instanceof OverloadedError) return sendPage(reply, failurePage('busy'));
      // The request is not logged: its address holds a token.
      deps.log.error({ err: error }, 'a page could not be made');
      return sendPage(reply, failurePage(isDatabaseUnavailable(error) ? 'busy' : 'broken'));
    });
    scope.addHook('onRequest', async (request, reply) => {
      const seconds = await deps.limits.page(request.ip);
      if (seconds === 0) return;
      deps.limits.refused('pages: calls of an address');
      void reply.header('retry-after', String(seconds));
      return sendPage(reply, { ...failurePage('busy'), status: 429 });
    });
    scope.addHook('onRoute', seatRoutes(deps.limits));
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
      (_request, body, done) => done(null, new URLSearchParams(String(body))),
    );
    addPageFiles(scope);
    addLaunchPage(scope, deps);
    addLobbyPages(scope, deps);
    addRoundPage(scope, deps);
    addOperatorPage(scope, deps);
  };
}
