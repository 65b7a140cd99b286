import { assert } from '../../lib/assert';
import { messageOf, type WebGamesCode, type WebGamesMethod } from './codes';

// What JSON allows as a number, without an exponent: readers of every kind print and parse it alike.
const PLAIN_DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const INTEGER = /^(?:0|-?[1-9]\d*)$/;

/** SPEC §5: our operation's number fits a 32-bit int, which is what the document calls it. */
const EXTERNAL_SESSION_ID_MAX = 2 ** 31 - 1;

/**
 * Authorization, code 0 (provider document, section 3). Answers are JSON text with lower-case keys;
 * numbers are printed verbatim from their decimal text, never through a float.
 *
 * @param answer.playerId canonical integer as text
 * @param answer.balance plain decimal text, already cut to what the currency can show
 */
export function encodeAuthorization(answer: {
  readonly playerId: string;
  readonly currency: string;
  readonly nick: string;
  readonly balance: string;
  readonly externalSession?: string;
}): string {
  assert(INTEGER.test(answer.playerId), 'player_id is not a canonical integer');
  const session = answer.externalSession;
  return object([
    ['code', '0'],
    ['message', JSON.stringify(messageOf('Authorization', 0))],
    ['player_id', answer.playerId],
    ['currency', JSON.stringify(answer.currency)],
    ['nick', JSON.stringify(answer.nick)],
    ['balance', decimal(answer.balance)],
    ...(session === undefined ? [] : [['external_session', JSON.stringify(session)] as const]),
  ]);
}

/**
 * Credit or Debit, code 0 (provider document, sections 4 and 5).
 *
 * @param answer.balance plain decimal text, already cut to what the currency can show
 * @param answer.externalSessionId our operation's number, 1 to 2^31-1, the same on every repeat
 */
export function encodeMoney(answer: {
  readonly balance: string;
  readonly externalSessionId: number;
}): string {
  const number = answer.externalSessionId;
  assert(
    Number.isInteger(number) && number >= 0 && number <= EXTERNAL_SESSION_ID_MAX,
    'external_session_id is no 32-bit integer',
  );
  return object([
    ['code', '0'],
    ['message', JSON.stringify(messageOf('Credit', 0))],
    ['balance', decimal(answer.balance)],
    ['external_session_id', String(number)],
  ]);
}

/**
 * Every answer that is not a success: `{"code", "message"}`.
 *
 * @param detail replaces the documented message where we can say more (`amount must not be negative`)
 */
export function encodeRefusal<Method extends WebGamesMethod>(
  method: Method,
  code: Exclude<WebGamesCode<Method>, 0>,
  detail?: string,
): string {
  return object([
    ['code', String(code)],
    ['message', JSON.stringify(detail ?? messageOf(method, code))],
  ]);
}

/** For exits that know no method: unknown routes, too-large bodies, rate limits, crashes (SPEC §3). */
export function encodeFailure(message = 'Internal Error'): string {
  return object([
    ['code', '1'],
    ['message', JSON.stringify(message)],
  ]);
}

function decimal(text: string): string {
  assert(PLAIN_DECIMAL.test(text), 'balance is not plain decimal text');
  return text;
}

function object(fields: readonly (readonly [name: string, json: string])[]): string {
  return `{${fields.map(([name, json]) => `"${name}":${json}`).join(',')}}`;
}
