import type { OpenAPIV3_1 } from 'openapi-types';
import { WEB_GAMES_CODES, type WebGamesMethod } from './codes';

type Schema = OpenAPIV3_1.SchemaObject;

/** Version of this dialect's contract as we host it: it changes when a provider has to change something. */
const CONTRACT_VERSION = '1.0.0';

const INTEGER_TEXT = '^(0|-?[1-9][0-9]*)$';
const DECIMAL_TEXT = '^-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$';

const id = (description: string, example: number): Schema => ({
  description: `${description} A whole number; as a string without leading zeros, at most 20 characters.`,
  anyOf: [
    { type: 'integer', format: 'int64' },
    { type: 'string', pattern: INTEGER_TEXT, maxLength: 20 },
  ],
  examples: [example],
});
const amount = (description: string, example: number): Schema => ({
  description: `${description} Read by value; not more decimals than the currency has.`,
  anyOf: [
    { type: 'number', minimum: 0 },
    { type: 'string', pattern: DECIMAL_TEXT, maxLength: 64 },
  ],
  examples: [example],
});

const PLAYER: Record<string, Schema> = {
  player_id: id('The player, as the launch URL named them.', 100000001),
};
const GAME: Record<string, Schema> = { game_id: id('The game.', 3) };
const TOKEN: Record<string, Schema> = {
  token: {
    type: 'string',
    pattern: '^[ -~]{1,128}$',
    description: 'The token of the launch URL.',
    examples: ['Aj4BAnMZBepwoYqavIjwg3m3'],
  },
};
const MONEY: Record<string, Schema> = {
  transaction_id: id('Yours, 64 bits; a repeat says the same one.', 2234),
  ...PLAYER,
  round_id: id('The round.', 12),
  ...TOKEN,
  is_close: { type: 'boolean', description: 'The last call of its round.', examples: [true] },
  ...GAME,
};

const BALANCE: Schema = {
  type: 'number',
  description: "The wallet's balance, cut to the currency's decimals.",
};
const MONEY_ANSWER: Record<string, Schema> = {
  balance: BALANCE,
  external_session_id: {
    type: 'integer',
    minimum: 0,
    maximum: 2 ** 31 - 1,
    description: 'Our number of the operation, the same on every repeat.',
  },
};

const CALLS: Readonly<
  Record<
    WebGamesMethod,
    {
      readonly summary: string;
      readonly description: string;
      readonly signed: string;
      readonly fields: Record<string, Schema>;
      /** Fields that may be left out or be null. */
      readonly optional?: readonly string[];
      readonly answer: Record<string, Schema>;
    }
  >
> = {
  Authorization: {
    summary: 'Open a session',
    description: 'May be repeated while the session lives.',
    signed: 'player_id + game_id + token',
    fields: { ...PLAYER, ...GAME, ...TOKEN },
    answer: {
      player_id: { type: 'integer' },
      currency: { type: 'string' },
      nick: { type: 'string' },
      balance: BALANCE,
      external_session: { type: 'string' },
    },
  },
  Credit: {
    summary: 'Take a stake',
    description:
      'A repeat with the same transaction_id gets the same answer and never charges twice. Code 1 or no answer: repeat it.',
    signed: 'player_id + round_id + game_id + transaction_id + token',
    fields: { ...MONEY, amount: amount('The stake.', 42.6) },
    answer: MONEY_ANSWER,
  },
  Debit: {
    summary: 'Pay a win',
    description:
      'A repeat with the same transaction_id gets the same answer and never pays twice. Code 1 or no answer: repeat it.',
    signed: 'player_id + round_id + game_id + transaction_id + token',
    fields: {
      ...MONEY,
      bet_amount: amount('The stake this win belongs to.', 42.6),
      amount: amount('The win.', 20),
    },
    optional: ['bet_amount'],
    answer: MONEY_ANSWER,
  },
};

/**
 * What a provider's engineer needs of us: the three calls, their fields and codes, as an OpenAPI document.
 * The routes parse bodies as bytes, so nothing validates by it; the fuzzer holds the two together.
 *
 * @param providersUrl the address below which every connection has its own path
 */
export function webGamesOpenApi(providersUrl: string): Record<string, unknown> {
  const methods = Object.keys(CALLS) as WebGamesMethod[];
  return {
    openapi: '3.1.0',
    info: {
      title: 'Roundhouse provider callbacks (Web Games)',
      version: CONTRACT_VERSION,
      description: [
        'The Partner API of the provider document. `partner_api_url` is `' +
          `${providersUrl}/<connection>\`, without a slash at its end.`,
        'Every answer is HTTP 200 with `{"code", "message", ...}`: unknown paths and methods, bodies that are',
        'too large (64 KiB) or broken, rate limits and our own faults too, with code 1. The content type of a',
        'request is not looked at. Unknown fields are ignored.',
      ].join('\n'),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: providersUrl }],
    paths: Object.fromEntries(
      methods.map((method) => [`/{connection}/${method}`, { post: operation(method) }]),
    ),
  };
}

function operation(method: WebGamesMethod): OpenAPIV3_1.OperationObject {
  const call = CALLS[method];
  return {
    operationId: method,
    summary: call.summary,
    description: call.description,
    security: [],
    parameters: [
      {
        name: 'connection',
        in: 'path',
        required: true,
        description: 'The key of your connection.',
        example: 'sandbox',
        schema: { type: 'string' },
      },
    ],
    requestBody: {
      required: true,
      content: { 'application/json': { schema: requestOf(method) } },
    },
    responses: {
      200: {
        description: `One of these codes:\n\n${codeTable(method)}`,
        content: {
          'application/json': {
            schema: { anyOf: [successOf(call.answer), refusalOf(method)] },
          },
        },
      },
    },
  };
}

function requestOf(method: WebGamesMethod): Schema {
  const { fields, optional = [], signed } = CALLS[method];
  const properties: Record<string, Schema> = {
    ...fields,
    hash: {
      type: 'string',
      maxLength: 128,
      description: `MD5 in hex of "${method}/" + ${signed} + api_key, each value as it stands in the body.`,
      examples: ['32feee2c4bcbc6cbcf837cfc7530ce5e'],
    },
  };
  for (const name of optional) {
    const { anyOf = [], ...rest } = properties[name] ?? {};
    properties[name] = { ...rest, anyOf: [...anyOf, { type: 'null' }] };
  }
  return {
    type: 'object',
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    properties,
  };
}

function successOf(fields: Record<string, Schema>): Schema {
  const properties: Record<string, Schema> = {
    code: { const: 0 },
    message: { type: 'string' },
    ...fields,
  };
  return {
    type: 'object',
    required: Object.keys(properties),
    properties,
    additionalProperties: false,
  };
}

function refusalOf(method: WebGamesMethod): Schema {
  return {
    type: 'object',
    required: ['code', 'message'],
    properties: {
      code: { enum: codesOf(method).filter((code) => code !== 0) },
      message: { type: 'string' },
    },
    additionalProperties: false,
  };
}

function codeTable(method: WebGamesMethod): string {
  const messages: Readonly<Record<number, string>> = WEB_GAMES_CODES[method];
  const rows = codesOf(method).map((code) => `| ${String(code)} | ${messages[code] ?? ''} |`);
  return ['| code | meaning |', '|---|---|', ...rows].join('\n');
}

function codesOf(method: WebGamesMethod): number[] {
  return Object.keys(WEB_GAMES_CODES[method]).map(Number);
}
