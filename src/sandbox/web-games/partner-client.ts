import { Agent, request } from 'undici';
import { formatAmount } from '../../domain/money';
import { fieldOf, isJsonNumber, isJsonObject, parseLosslessJson, scalarText } from '../../lib/json';
import type { Partner } from './session-book';
import type { Operation } from './operation';
import type { CallSettings } from './settings';
import { sign } from './signature';
import type { Reply } from './verdict';

/** Authorization's answer has two fields more than those of Credit and Debit. */
export type AuthorizationReply =
  | (Extract<Reply, { is: 'answer' }> & {
      readonly currency: string | undefined;
      readonly nick: string | undefined;
      readonly playerId: string | undefined;
    })
  | Extract<Reply, { is: 'none' }>;

export interface PartnerClient {
  authorize(
    partner: Partner,
    call: { readonly playerId: string; readonly gameId: number; readonly token: string },
  ): Promise<AuthorizationReply>;
  /** Sends a Credit or Debit once. Never throws for anything the partner or the network does. */
  send(partner: Partner, operation: Operation): Promise<Reply>;
  /** Ends all connections; calls in flight end as unanswered. */
  close(): Promise<void>;
}

/** Answers beyond this are not read to their end and count as no answer. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** The calls of the provider document's sections 3 to 5, each with one deadline over everything. */
export function createPartnerClient(settings: CallSettings): PartnerClient {
  const agent = new Agent({
    connections: settings.maxInFlight,
    maxResponseSize: ANSWER_BYTES_MAX,
    connect: { timeout: settings.answerTimeoutMs },
  });
  const turns = new Map<string, Turns>();

  async function call(partner: Partner, method: string, body: string): Promise<Answered> {
    const queue = turns.get(partner.partnerId) ?? createTurns(settings.maxInFlight);
    turns.set(partner.partnerId, queue);
    await queue.take();
    try {
      const response = await request(`${partner.partnerApiUrl}/${method}`, {
        dispatcher: agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body,
        signal: AbortSignal.timeout(settings.answerTimeoutMs),
      });
      const bytes = Buffer.from(await response.body.arrayBuffer());
      return readAnswer(response.statusCode, bytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { reply: { is: 'none', why, bytes: Buffer.alloc(0) }, field: () => undefined };
    } finally {
      queue.give();
    }
  }

  return {
    async authorize(partner, { playerId, gameId, token }) {
      const hash = sign('Authorization', [playerId, String(gameId), token], partner.apiKey);
      // The document's example prints all four fields as strings here, and numbers in Credit and Debit.
      const body = JSON.stringify({ player_id: playerId, game_id: String(gameId), token, hash });
      const { reply, field } = await call(partner, 'Authorization', body);
      if (reply.is === 'none') return reply;
      return {
        ...reply,
        currency: field('currency'),
        nick: field('nick'),
        playerId: field('player_id'),
      };
    },
    async send(partner, operation) {
      const method = operation.kind === 'credit' ? 'Credit' : 'Debit';
      return (await call(partner, method, bodyOf(operation, partner.apiKey))).reply;
    },
    close: () => agent.destroy(),
  };
}

/**
 * The text of a Credit or Debit. It is put together by hand: a transaction id is a 64-bit long and an
 * amount is exact decimal text, and a JavaScript number would keep neither.
 */
export function bodyOf(operation: Operation, apiKey: string): string {
  const { transactionId, playerId, roundId, token, isClose, gameId, exponent } = operation;
  const hash = sign(
    operation.kind === 'credit' ? 'Credit' : 'Debit',
    [playerId, String(roundId), String(gameId), transactionId, token],
    apiKey,
  );
  const fields: [string, string][] = [
    ['transaction_id', transactionId],
    // "int or string" says Authorization: what is no canonical integer is quoted.
    ['player_id', /^(0|[1-9]\d{0,17})$/.test(playerId) ? playerId : JSON.stringify(playerId)],
    ['round_id', String(roundId)],
    ['token', JSON.stringify(token)],
    ['is_close', String(isClose)],
    ['game_id', String(gameId)],
  ];
  if (operation.kind === 'debit') {
    fields.push(['bet_amount', formatAmount(operation.betAmount ?? 0n, exponent)]);
  }
  fields.push(['amount', formatAmount(operation.amount, exponent)], ['hash', JSON.stringify(hash)]);
  return `{${fields.map(([name, value]) => `"${name}":${value}`).join(',')}}`;
}

interface Answered {
  readonly reply: Reply;
  readonly field: (name: string) => string | undefined;
}

/** Reads an answer. Only lower-case keys count; whatever is not valid JSON with a code is no answer. */
function readAnswer(status: number, bytes: Buffer): Answered {
  const none = (why: string): Answered => ({
    reply: { is: 'none', why, bytes },
    field: () => undefined,
  });
  if (status !== 200) return none(`HTTP ${String(status)}`);
  let json;
  try {
    json = parseLosslessJson(bytes.toString('utf8'));
  } catch {
    return none('not JSON');
  }
  if (!isJsonObject(json)) return none('not a JSON object');
  const code = fieldOf(json, 'code');
  if (!isJsonNumber(code) || !/^\d{1,9}$/.test(code.value)) return none('no code');
  const field = (name: string) => scalarText(fieldOf(json, name));
  return {
    reply: {
      is: 'answer',
      code: Number(code.value),
      message: field('message'),
      balance: field('balance'),
      externalSessionId: field('external_session_id'),
      bytes,
    },
    field,
  };
}

interface Turns {
  take(): Promise<void>;
  give(): void;
}

function createTurns(places: number): Turns {
  let free = places;
  const waiting: (() => void)[] = [];
  return {
    take: () =>
      new Promise((resolve) => {
        if (free > 0) {
          free--;
          resolve();
        } else waiting.push(resolve);
      }),
    give() {
      const next = waiting.shift();
      if (next) next();
      else free++;
    },
  };
}
