import { createHash } from 'node:crypto';
import { request } from 'node:http';

/** What came back. `none`: nothing a provider could read, so nobody knows whether it was carried out. */
export type ProviderReply =
  | {
      readonly kind: 'answer';
      readonly code: number;
      readonly message: string;
      /** The answer's own bytes: a repeat must get the same. */
      readonly text: string;
      /** The number's own digits. */
      readonly balance: string | null;
      readonly externalSessionId: string | null;
    }
  | { readonly kind: 'none'; readonly why: string };

/** A Credit (stake) or Debit (payout) as the provider document has it. Amounts are decimal text. */
export interface MoneyBody {
  readonly kind: 'stake' | 'payout';
  readonly playerId: string;
  readonly round: string;
  readonly game: string;
  readonly transaction: string;
  readonly token: string;
  readonly isClose: boolean;
  readonly amount: string;
  readonly betAmount: string | null;
}

const md5 = (text: string) => createHash('md5').update(text, 'utf8').digest('hex');

/**
 * The bytes of a money call. Put together by hand: a transaction id is a 64-bit long, and the hash covers
 * the digits that are sent.
 */
export function moneyBody(call: MoneyBody, apiKey: string): string {
  const { playerId, round, game, transaction, token } = call;
  const source = `${methodOf(call.kind)}/${playerId}${round}${game}${transaction}${token}${apiKey}`;
  const fields = [
    `"transaction_id":${transaction}`,
    `"player_id":${playerId}`,
    `"round_id":${round}`,
    `"token":${JSON.stringify(token)}`,
    `"is_close":${String(call.isClose)}`,
    `"game_id":${game}`,
    ...(call.betAmount === null ? [] : [`"bet_amount":${call.betAmount}`]),
    `"amount":${call.amount}`,
    `"hash":"${md5(source)}"`,
  ];
  return `{${fields.join(',')}}`;
}

export function authorizationBody(
  call: { playerId: string; game: string; token: string },
  apiKey: string,
): string {
  const { playerId, game, token } = call;
  const hash = md5(`Authorization/${playerId}${game}${token}${apiKey}`);
  return JSON.stringify({ player_id: playerId, game_id: game, token, hash });
}

export function methodOf(kind: 'stake' | 'payout'): 'Credit' | 'Debit' {
  return kind === 'stake' ? 'Credit' : 'Debit';
}

/** Sends one call on a connection of its own, with one limit over everything. Never throws. */
export function send(url: string, body: string, timeoutMs: number): Promise<ProviderReply> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const call = request(
      url,
      {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => none(error.message));
        response.on('end', () => {
          if (!response.complete) return none('cut short');
          finish(read(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')));
        });
      },
    );
    const timer = setTimeout(() => {
      none('timeout');
      call.destroy();
    }, timeoutMs);
    const finish = (reply: ProviderReply) => {
      clearTimeout(timer);
      resolve(reply);
    };
    const none = (why: string) => finish({ kind: 'none', why });
    call.on('error', (error) => none(error.message));
    call.on('close', () => none('closed'));
    call.end(body);
  });
}

function read(status: number, text: string): ProviderReply {
  const none = (why: string): ProviderReply => ({ kind: 'none', why });
  if (status !== 200) return none(`HTTP ${String(status)}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return none('not JSON');
  }
  const { code, message } = (json ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'number' || !Number.isInteger(code)) return none('no code');
  const digits = (name: string) => new RegExp(`"${name}":(-?[0-9.]+)`).exec(text)?.[1] ?? null;
  return {
    kind: 'answer',
    code,
    message: typeof message === 'string' ? message : '',
    text,
    balance: digits('balance'),
    externalSessionId: digits('external_session_id'),
  };
}
