import pino, { type Logger } from 'pino';

export type { Logger };

/** Names under which a secret or a player's data could reach a log line; each is masked at any of these depths. */
const SECRET_FIELDS = [
  'api_key',
  'agent_secret',
  'hash',
  'hmac',
  'token',
  'password',
  'authorization',
  'secret',
  'apiKey',
  'agentSecret',
  'linkSigningKey',
  'callback_secret',
];

/**
 * The process's logger: JSON lines on standard error, so that standard output stays a command's answer.
 *
 * @param name the process, as an operator would call it (`api`, `worker`)
 * @param level pino's level names; `silent` prints nothing
 */
export function createLogger(name: string, level: string): Logger {
  return pino(
    {
      name,
      level,
      redact: {
        paths: [
          ...SECRET_FIELDS,
          ...SECRET_FIELDS.map((field) => `*.${field}`),
          'req.headers["x-api-key"]',
          'headers["x-api-key"]',
          'req.headers["x-callback-secret"]',
          'headers["x-callback-secret"]',
        ],
        censor: '[masked]',
      },
    },
    pino.destination(2),
  );
}
