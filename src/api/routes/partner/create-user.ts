import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { findOrCreatePlayer, PLAYER_REFERENCE, userAgentOf } from '../../../db/players';
import { partnerOf } from '../../plugins/partner-auth';
import { BODY_KINDS, dropped, errorResponses, text } from './fields';

const body = z.object({
  user_agent: text()
    .regex(PLAYER_REFERENCE, 'must be 1 to 64 characters of A-Z, a-z, 0-9, ".", "_" and "-"')
    .describe('Your unique player reference, without your prefix.'),
  firstname: dropped('Player first name.'),
  lastname: dropped('Player last name.'),
  password: dropped('Player password.'),
  phone: dropped('Player phone number.'),
  ip: dropped('Player IP address.'),
});

/** POST /create-user (partner document, Register). Idempotent: the same reference is the same player. */
export function createUser({ pool }: { pool: Pool }): FastifyPluginAsyncZod {
  return async (scope) => {
    scope.post(
      '/create-user',
      {
        schema: {
          operationId: 'createUser',
          tags: ['Players'],
          summary: 'Register a player',
          description: 'Repeating it for the same reference returns the same handle.',
          consumes: BODY_KINDS,
          body,
          response: {
            200: z
              .object({ user_agent: z.string().describe('The handle for every later call.') })
              .describe('The player exists.'),
            ...errorResponses,
          },
        },
      },
      async (request) => {
        const partner = partnerOf(request);
        const { player } = await findOrCreatePlayer(pool, partner, request.body.user_agent);
        return { user_agent: userAgentOf(partner.prefix, player.reference) };
      },
    );
  };
}
