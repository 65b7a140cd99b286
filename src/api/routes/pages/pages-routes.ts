import type { FastifyPluginAsync } from 'fastify';
export function pagesRoutes(_: object): FastifyPluginAsync {
  return async () => undefined;
}
