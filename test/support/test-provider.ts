import { createHash } from 'node:crypto';

export interface ProviderReply {
  readonly code: number;
  readonly message: string;
  /** As written by Roundhouse: the number's own text. */
  readonly balance?: string;
  readonly external_session_id?: string;
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface MoneyCall {
  readonly token: string;
  readonly player: string;
  readonly round: string;
  readonly game?: string;
  readonly transaction: string;
  readonly amount: string;
  readonly close?: boolean;
  readonly betAmount?: string;
  readonly hash?: string;
}

export interface TestProvider {
  authorization(call: { token: string; player: string; game?: string }): Promise<ProviderReply>;
  credit(call: MoneyCall): Promise<ProviderReply>;
  debit(call: MoneyCall): Promise<ProviderReply>;
  raw(method: string, body: string): Promise<ProviderReply>;
  /** Any request at all below the callback base; by default a POST of JSON. */
  send(path: string, init?: RequestInit): Promise<ProviderReply>;
  /** The body of a Credit or Debit as this provider would write it, hash included. */
  body(method: 'Credit' | 'Debit', call: MoneyCall): string;
}

/** A provider's side of the provider document: signs with a reading of its own, writes numbers verbatim. */
export function createTestProvider(callbackBase: () => string, apiKey: string): TestProvider {
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');

  const raw = (method: string, body: string) => send(`/${method}`, { body });

  async function send(path: string, init: RequestInit = {}): Promise<ProviderReply> {
    const response = await fetch(`${callbackBase()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...init,
    });
    const text = await response.text();
    const parsed = JSON.parse(text) as { code: number; message: string };
    const numberText = (name: string) => new RegExp(`"${name}":(-?[0-9.]+)`).exec(text)?.[1];
    const balance = numberText('balance');
    const session = numberText('external_session_id');
    return {
      code: parsed.code,
      message: parsed.message,
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      text,
      ...(balance === undefined ? {} : { balance }),
      ...(session === undefined ? {} : { external_session_id: session }),
    };
  }

  function bodyOf(method: 'Credit' | 'Debit', call: MoneyCall): string {
    const game = call.game ?? '11';
    const source = `${method}/${call.player}${call.round}${game}${call.transaction}${call.token}${apiKey}`;
    const fields = [
      `"transaction_id":${call.transaction}`,
      `"player_id":${call.player}`,
      `"round_id":${call.round}`,
      `"token":${JSON.stringify(call.token)}`,
      `"is_close":${call.close ?? false}`,
      `"game_id":${game}`,
      `"amount":${call.amount}`,
      ...(call.betAmount === undefined ? [] : [`"bet_amount":${call.betAmount}`]),
      `"hash":"${call.hash ?? md5(source)}"`,
    ];
    return `{${fields.join(',')}}`;
  }

  return {
    raw,
    send,
    body: bodyOf,
    authorization({ token, player, game = '11' }) {
      const hash = md5(`Authorization/${player}${game}${token}${apiKey}`);
      return raw(
        'Authorization',
        JSON.stringify({ player_id: player, game_id: game, token, hash }),
      );
    },
    credit: (call) => raw('Credit', bodyOf('Credit', call)),
    debit: (call) => raw('Debit', bodyOf('Debit', call)),
  };
}
