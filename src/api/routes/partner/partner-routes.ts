import type { FastifyPluginAsync } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Vault } from '../../../db/vault';
import { seatRoutes, type Limits } from '../../limits/limits';
import { partnerAuth } from '../../plugins/partner-auth';
import { acceptPartnerBodies } from './body-coercer';
import { createUser } from './create-user';
import { detailBet, type DetailBetDeps } from './detail-bet';
import { partnerErrorDoor } from './error-door';
import { gameList } from './game-list';
import { gameProvider } from './game-provider';
import { openGame, type OpenGameDeps } from './open-game';

export type PartnerRoutesDeps = OpenGameDeps &
  DetailBetDeps & { readonly vault: Vault; readonly limits: Limits };

/**
 * The partner API: five endpoints, their authentication and their error door, in a scope of their own.
 * Register it after the openapi plugin; give the app's setNotFoundHandler `partnerNotFound`.
 */
export function partnerRoutes(deps: PartnerRoutesDeps): FastifyPluginAsync {
  return async (scope) => {
    scope.setValidatorCompiler(validatorCompiler);
    scope.setSerializerCompiler(serializerCompiler);
    scope.setErrorHandler(partnerErrorDoor);
    acceptPartnerBodies(scope);
    const { pool, vault, limits } = deps;
    await scope.register(partnerAuth, { pool, vault, limits });
    scope.addHook('onRoute', seatRoutes(limits));
    await scope.register(createUser(deps));
    await scope.register(gameProvider(deps));
    await scope.register(gameList(deps));
    await scope.register(openGame(deps));
    await scope.register(detailBet(deps));
  };
}
