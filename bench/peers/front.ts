import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isLosslessNumber, parse } from 'lossless-json';
import type { BenchPlayer } from '../accounts';

/** A Credit or a Debit, with ids and amounts as the provider wrote them. */
export interface MoneyRequest {
  readonly kind: 'stake' | 'payout';
  readonly playerId: string;
  readonly userAgent: string;
  readonly round: string;
  readonly transaction: string;
  readonly amount: string;
  /** The stake a payout belongs to; a payout must name it here. */
  readonly betAmount: string;
  readonly isClose: boolean;
}

/** What the provider is told: 0 with the balance as the wallet wrote it, or a refusal. */
export type MoneyReply =
  { readonly code: 0; readonly balance: string } | { readonly code: 1 | 2; readonly why: string };

/** What every peer is told of the world. */
export interface PeerConfig {
  readonly port: number;
  readonly apiKey: string;
  readonly players: readonly BenchPlayer[];
  readonly walletUrl: string;
  readonly secret: string;
  /** Its database on the bench's PostgreSQL. */
  readonly databaseUrl: string;
}

/**
 * The provider's surface of every peer: the provider document's Credit and Debit, parsed without loss,
 * MD5 over each value's source text in constant time, token and player agreeing. Sessions are a table in
 * memory: no peer pays for a look-up that Roundhouse makes in its book.
 */
export function listenAsPeer(
  config: Pick<PeerConfig, 'port' | 'apiKey' | 'players'>,
  settle: (request: MoneyRequest) => Promise<MoneyReply>,
  listening: () => void,
): void {
  const { apiKey } = config;
  const players = new Map(config.players.map((player) => [player.id, player]));

  async function reply(method: string, bytes: string): Promise<MoneyReply> {
    if (method !== 'Credit' && method !== 'Debit') return { code: 1, why: 'unknown method' };
    const fields = parse(bytes) as Record<string, unknown>;
    const texts = ['player_id', 'round_id', 'game_id', 'transaction_id', 'token'].map((name) =>
      textOf(fields[name]),
    );
    const [playerId = '', round = '', , transaction = '', token = ''] = texts;
    if (!isSigned(`${method}/${texts.join('')}${apiKey}`, textOf(fields.hash))) {
      return { code: 1, why: 'hash' };
    }
    const player = players.get(playerId);
    if (player?.token !== token) return { code: 1, why: 'token' };
    const amount = textOf(fields.amount);
    return settle({
      kind: method === 'Credit' ? 'stake' : 'payout',
      playerId,
      userAgent: player.userAgent,
      round,
      transaction,
      amount,
      betAmount: method === 'Credit' ? amount : textOf(fields.bet_amount),
      isClose: fields.is_close === true,
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const method = (request.url ?? '').slice(1);
    const answer = await reply(method, Buffer.concat(chunks).toString('utf8')).catch(
      (error: unknown): MoneyReply => {
        process.stderr.write(`${error instanceof Error ? String(error.stack) : String(error)}\n`);
        return { code: 1, why: 'Internal Error' };
      },
    );
    const text =
      answer.code === 0
        ? `{"code":0,"message":"OK","balance":${answer.balance}}`
        : `{"code":${String(answer.code)},"message":${JSON.stringify(answer.why)}}`;
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  // A pause between two turns must not cost the provider its connections.
  server.keepAliveTimeout = 600_000;
  server.listen(config.port, '127.0.0.1', listening);
}

function textOf(value: unknown): string {
  if (isLosslessNumber(value)) return value.value;
  if (typeof value === 'string') return value;
  throw new Error('a field is missing');
}

function isSigned(source: string, hash: string): boolean {
  const expected = Buffer.from(createHash('md5').update(source).digest('hex'));
  const received = Buffer.from(hash);
  return expected.length === received.length && timingSafeEqual(expected, received);
}
