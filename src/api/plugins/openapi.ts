import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import fastifyPlugin from 'fastify-plugin';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { Limits } from '../limits/limits';
import { PartnerApiError } from '../routes/partner/error-door';

/** Version of the HTTP contract, not of the program: it changes when a partner has to change something. */
const CONTRACT_VERSION = '1.0.0';

/**
 * OpenAPI 3.1 made from the routes' own schemas, as a page at /docs and as JSON at /docs/json. Only routes
 * with a tag are shown. Register it before the routes.
 */
export const openapi = fastifyPlugin(
  async (app, { publicBaseUrl, limits }: { publicBaseUrl: string; limits: Limits }) => {
    await app.register(fastifySwagger, {
      hideUntagged: true,
      transform: jsonSchemaTransform,
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Roundhouse partner API',
          version: CONTRACT_VERSION,
          description:
            'Player creation, game launch and bet history for partners. The wallet callbacks a partner hosts are described in docs/protocols.',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        servers: [{ url: publicBaseUrl }],
        tags: [
          { name: 'Players', description: 'Players and their handles.' },
          { name: 'Games', description: 'Products, games and launches.' },
          { name: 'Reports', description: 'What became of a bet.' },
        ],
        components: {
          securitySchemes: {
            apiKey: {
              type: 'apiKey',
              in: 'header',
              name: 'x-api-key',
              description: 'The secret API key of the account.',
            },
          },
        },
        security: [{ apiKey: [] }],
      },
    });
    await app.register(fastifySwaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      // The plugin's own policy, less what a page of ours has no use for: a foreign validator's badge, and
      // an upgrade to https that would break the page wherever the API is reached by plain http.
      transformStaticCSP: (policy) =>
        policy.replace(' validator.swagger.io', '').replace(/ ?upgrade-insecure-requests;/, ''),
      uiHooks: {
        onRequest: async (request, reply) => {
          const seconds = await limits.page(request.ip);
          if (seconds === 0) return;
          limits.refused('docs: calls of an address');
          void reply.header('retry-after', String(seconds));
          throw new PartnerApiError(429, 'Too Many Requests');
        },
      },
      uiConfig: { docExpansion: 'list', persistAuthorization: false },
      theme: { title: 'Roundhouse partner API' },
    });
  },
  { name: 'openapi' },
);
