import fastifySwagger, { type SwaggerTransform } from '@fastify/swagger';
import fastifySwaggerUi, { type FastifySwaggerUiOptions } from '@fastify/swagger-ui';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { webGamesOpenApi } from '../../protocols/web-games/openapi';
import type { Limits } from '../limits/limits';
import { PartnerApiError } from '../routes/partner/error-door';

/** Version of the HTTP contract, not of the program: it changes when a partner has to change something. */
const CONTRACT_VERSION = '1.0.0';

/**
 * OpenAPI 3.1, one page and one JSON document for each kind of reader: /docs and /docs/json for partners,
 * made from the routes' own schemas (only routes with a tag are shown); /docs/providers and
 * /docs/providers/json for providers. Register it before the routes.
 */
export const openapi = fastifyPlugin(
  async (app, { publicBaseUrl, limits }: { publicBaseUrl: string; limits: Limits }) => {
    await app.register(fastifySwagger, {
      hideUntagged: true,
      transform: documented,
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Roundhouse partner API',
          version: CONTRACT_VERSION,
          description:
            'Player creation, game launch and bet history for partners. The wallet callbacks a partner hosts are described in docs/protocols. ' +
            'An unknown path or method is answered 404 with {"error": "Not Found"}.',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        servers: [{ url: publicBaseUrl }],
        tags: [
          { name: 'Players', description: 'Players and their handles.' },
          { name: 'Games', description: 'Products, games and launches.' },
          { name: 'Reports', description: 'What became of a bet.' },
          { name: 'Health', description: 'Whether this process runs and can take traffic.' },
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
    // Each page in a scope of its own: the plugin keeps its settings on the scope.
    const limitPages = async ({ ip }: FastifyRequest, reply: FastifyReply) => {
      const seconds = await limits.page(ip);
      if (seconds === 0) return;
      limits.refused('docs: calls of an address');
      void reply.header('retry-after', String(seconds));
      throw new PartnerApiError(429, 'Too Many Requests', 'rate');
    };
    await app.register(async (scope) => {
      scope.addHook('onRequest', limitPages);
      await scope.register(fastifySwaggerUi, page('/docs', 'Roundhouse partner API'));
    });
    const providers = webGamesOpenApi(`${publicBaseUrl}/providers`);
    await app.register(async (scope) => {
      scope.addHook('onRequest', limitPages);
      await scope.register(fastifySwaggerUi, {
        ...page('/docs/providers', 'Roundhouse provider callbacks'),
        transformSpecification: () => providers,
      });
    });
  },
  { name: 'openapi' },
);

function page(routePrefix: string, title: string): FastifySwaggerUiOptions {
  return {
    routePrefix,
    staticCSP: true,
    // The plugin's own policy, less what a page of ours has no use for: a foreign validator's badge, and
    // an upgrade to https that would break the page wherever the API is reached by plain http.
    transformStaticCSP: (policy) =>
      policy.replace(' validator.swagger.io', '').replace(/ ?upgrade-insecure-requests;/, ''),
    uiConfig: { docExpansion: 'list', persistAuthorization: false },
    theme: { title },
  };
}

type JsonField = Readonly<Record<string, unknown>>;
interface JsonBody {
  readonly properties: Readonly<Record<string, JsonField>>;
  readonly required?: readonly string[];
}

/**
 * The routes' schemas as callers meet them: behind the authentication and behind the body coercer, for
 * which an empty or null field is a field not given, and which refuses NUL and nested values everywhere.
 */
const documented: SwaggerTransform = (route) => {
  const { schema, url } = jsonSchemaTransform(route);
  if (!schema || schema.hide === true) return { schema, url };
  const { body } = schema as { body?: JsonBody };
  return {
    schema: {
      ...schema,
      ...(schema.security === undefined && { headers: PREFIX_HEADER }),
      ...(body && { body: asSent(body) }),
    },
    url,
  };
};

const PREFIX_HEADER = {
  type: 'object',
  properties: {
    'x-api-prefix': {
      type: 'string',
      description: 'Your account prefix; a wrong one is refused like a wrong key.',
    },
  },
};

const UNKNOWN_FIELD = {
  description: 'Ignored, but it must be a single value.',
  anyOf: [{ type: 'string', pattern: '^[^\\u0000]*$' }, { type: ['number', 'boolean', 'null'] }],
};

function asSent({ properties, required = [], ...rest }: JsonBody): JsonField {
  return {
    ...rest,
    required,
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, { description, ...rules }]) => {
        const field = rules.type === 'string' ? { pattern: '^[^\\u0000]+$', ...rules } : rules;
        return [
          name,
          required.includes(name)
            ? { description, ...field }
            : { description, anyOf: [field, { enum: ['', null] }] },
        ];
      }),
    ),
    additionalProperties: UNKNOWN_FIELD,
  };
}
