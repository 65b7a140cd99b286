import { createServer, type RequestListener } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { createEgressGuard, type EgressGuardOptions } from '../../src/lib/egress';
import { createLogger } from '../../src/lib/log';
import type { WalletOutcome, WalletVerb } from '../../src/domain/wallet-outcome';
import { createWalletClient, type WalletClient } from '../../src/protocols/seamless-wallet/client';
import { takePayload } from '../../src/protocols/seamless-wallet/payloads';
import {
  createReplyProfile,
  type ReplyProfileSettings,
} from '../../src/protocols/seamless-wallet/reply-classifier';
import { canonical } from '../../src/protocols/seamless-wallet/signature';

export const SECRET = 'example-agent-secret';
export const STAKE = stakeOf('b1');
export const VERBS: readonly WalletVerb[] = ['take', 'give', 'end', 'report'];

/** A canonical payload as the book keeps it; the wallet's server tells calls apart by the bet id. */
export function stakeOf(betId: string): string {
  return canonical(takePayload({ userAgent: 'LAG1.p1', betId, stake: '5' }));
}

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Every connection that was ever accepted. */
  readonly sockets: Set<Socket>;
}

export interface ClientInput {
  readonly maxInFlight?: number;
  readonly attemptTimeoutMs?: number;
  readonly egress?: Partial<EgressGuardOptions>;
  readonly secret?: () => string;
  readonly profile?: ReplyProfileSettings;
  readonly trustedAuthorities?: readonly string[];
}

/** `done 5`, `declined funds`, `unknown timeout`, with flags behind. */
export function brief(outcome: WalletOutcome): string {
  const what = outcome.kind === 'done' ? (outcome.balance ?? '') : outcome.reason;
  return [outcome.kind, what, ...(outcome.flags ?? [])].filter((part) => part !== '').join(' ');
}

/** Real servers and real clients of one test; `close` ends what is left of them. */
export function createWalletBench() {
  const cleanUps: (() => Promise<void>)[] = [];

  /** A server on a free loopback port; its sockets end with the test. */
  async function listening(server: Server): Promise<Listening> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(
      () =>
        new Promise((resolve) => {
          for (const socket of sockets) socket.destroy();
          server.close(() => resolve());
        }),
    );
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, port, sockets };
  }

  return {
    listening,
    httpWallet: (listener: (...exchange: Parameters<RequestListener>) => unknown) =>
      listening(createServer((request, response) => void listener(request, response))),
    /** Calls back once per request, when its whole body was read. */
    tcpWallet: (onRequest: (socket: Socket, text: string) => void) =>
      listening(createTcpServer((socket) => onEachRequest(socket, onRequest))),
    clientOf(walletUrl: string, input: ClientInput = {}): WalletClient {
      const client = createWalletClient({
        walletUrl,
        agentSecret: input.secret ?? (() => SECRET),
        attemptTimeoutMs: input.attemptTimeoutMs ?? 500,
        maxInFlight: input.maxInFlight ?? 4,
        egress: createEgressGuard({ allowHttp: true, allowCidrs: [], ...input.egress }),
        profile: createReplyProfile(input.profile),
        log: createLogger('test', 'silent'),
        ...(input.trustedAuthorities && { trustedAuthorities: input.trustedAuthorities }),
      });
      cleanUps.push(() => client.close());
      return client;
    },
    cleanUp: (task: () => Promise<void>) => void cleanUps.push(task),
    async close() {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    },
  };
}

/** Reads requests off a socket, one after the other, without any HTTP library. */
export function onEachRequest(
  socket: Socket,
  onRequest: (socket: Socket, text: string) => void,
): void {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    const head = text.indexOf('\r\n\r\n');
    if (head < 0 || text.length < head + 4 + length) return;
    const request = text;
    text = '';
    onRequest(socket, request);
  });
}
