import type { DeclineReason } from '../../domain/wallet-outcome';

/**
 * The codes of the provider document, per method, each with the public message we send. Code 12 is
 * documented for GET /game only: an unknown or inactive game is 1 in Authorization and Credit (SPEC §3).
 */
export const WEB_GAMES_CODES = {
  Authorization: {
    0: 'Ok',
    1: 'Internal Error',
    10: 'Hash mismatch',
    11: 'Player not found',
    14: 'Non-valid token',
  },
  Credit: {
    0: 'Ok',
    1: 'Internal Error',
    2: 'Insufficient funds',
    4: 'Player blocked',
    5: 'Round closed',
    8: 'Round not found',
    10: 'Hash mismatch',
    11: 'Player not found',
    14: 'Non-valid token',
  },
  Debit: {
    0: 'Ok',
    1: 'Internal Error',
    4: 'Player blocked',
    5: 'Round closed',
    8: 'Round not found',
    10: 'Hash mismatch',
    11: 'Player not found',
    14: 'Non-valid token',
  },
} as const satisfies Record<string, Record<number, string>>;

/** The methods the provider calls. */
export type WebGamesMethod = keyof typeof WEB_GAMES_CODES;

export type WebGamesCode<Method extends WebGamesMethod = WebGamesMethod> =
  Method extends WebGamesMethod ? keyof (typeof WEB_GAMES_CODES)[Method] : never;

/** A stake the wallet declined, as Credit tells it (SPEC §5, column "provider sees"). */
export const CREDIT_CODE_OF_DECLINE: Readonly<Record<DeclineReason, WebGamesCode<'Credit'>>> = {
  funds: 2,
  blocked: 4,
  player_not_found: 11,
  configuration: 1,
};

/** The documented public message of a code; the code must be one of the method's own. */
export function messageOf<Method extends WebGamesMethod>(
  method: Method,
  code: WebGamesCode<Method>,
): string {
  const messages: Readonly<Record<number, string>> = WEB_GAMES_CODES[method];
  return messages[code] ?? 'Internal Error';
}
