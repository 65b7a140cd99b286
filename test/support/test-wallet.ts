import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../src/lib/clock';
import { formatAmount, parseAmount } from '../../src/domain/money';

/** What the wallet does with one call. `lose` moves the money and cuts the connection unanswered. */
export type WalletMode =
  | 'honest'
  | 'hang'
  | 'lose'
  | 'reset'
  /** The money moves at once, and the answer comes later. */
  | { readonly afterMs: number }
  | {
      readonly status: number;
      readonly body: string | Buffer;
      /** Whether the money moves before this is said; it does not by default. */
      readonly moves?: boolean;
    };

export interface WalletCallSeen {
  readonly endpoint: string;
  readonly bytes: string;
  readonly body: Readonly<Record<string, string | number>>;
  readonly atMs: number;
  /** The one of the secrets it accepts that the call was signed with. */
  readonly secret: string;
}

export interface TestWallet {
  readonly url: string;
  /** Every call with a good signature, in order of arrival. */
  readonly calls: WalletCallSeen[];
  readonly badSignatures: number;
  /** Calls whose money has moved and whose answer comes later (`afterMs`). */
  readonly slowUnderWay: number;
  /** What happens to the next calls of an endpoint, one a call; then it is honest again. */
  script(endpoint: string, ...modes: WalletMode[]): void;
  /** What happens to every call of an endpoint from now on; null: honest. */
  always(endpoint: string, mode: WalletMode | null): void;
  /** Another secret is good from now on, beside those that are. */
  alsoAccept(secret: string): void;
  setBalance(userAgent: string, amount: string): void;
  balance(userAgent: string): string;
  /** How often money moved for a bet at an endpoint: never more than once. */
  effects(endpoint: string, betId?: string): number;
  seen(endpoint: string): WalletCallSeen[];
  /** Nobody listens any more: connections are refused until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

const EXPONENT = 2;

/** A partner's wallet with its own book and its own reading of the partner document. */
export async function startTestWallet(agentSecret: () => string): Promise<TestWallet> {
  const calls: WalletCallSeen[] = [];
  const scripts = new Map<string, WalletMode[]>();
  const standing = new Map<string, WalletMode>();
  const balances = new Map<string, bigint>();
  const replies = new Map<string, string>();
  const effects = new Map<string, number>();
  const alsoAccepted: string[] = [];
  let badSignatures = 0;
  let slowUnderWay = 0;

  const minor = (value: unknown): bigint => {
    const amount = parseAmount(String(value), EXPONENT);
    if (!amount.ok) throw new Error(`the wallet was sent ${String(value)}`);
    return amount.minor;
  };
  const balanceOf = (userAgent: string) => balances.get(userAgent) ?? 100_000n;

  function reply(endpoint: string, body: Record<string, string | number>): [number, string] {
    const userAgent = String(body.user_agent);
    if (endpoint === '/history') return [200, '{}'];
    if (endpoint === '/balance') return [200, balanceText(userAgent)];
    const key = `${endpoint} ${String(body.bet_id)}`;
    const known = replies.get(key);
    if (known !== undefined) return [200, known];
    let balance = balanceOf(userAgent);
    if (endpoint === '/bet') {
      const stake = minor(body.balance);
      if (stake > balance) return [402, '{"error":"INSUFFICIENT_FUNDS"}'];
      balance -= stake;
    } else if (endpoint === '/settle-bet') {
      balance += minor(body.balance);
    }
    balances.set(userAgent, balance);
    effects.set(key, (effects.get(key) ?? 0) + 1);
    const text = balanceText(userAgent);
    replies.set(key, text);
    return [200, text];
  }

  function balanceText(userAgent: string): string {
    return `{"balance":${formatAmount(balanceOf(userAgent), EXPONENT)},"tmp":0,"fish_remaining":0}`;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks).toString();
    const endpoint = request.url ?? '';
    const { hmac, ...payload } = JSON.parse(bytes) as Record<string, string | number>;
    const sorted = Object.fromEntries(Object.entries(payload).sort(([a], [b]) => (a < b ? -1 : 1)));
    const signed = JSON.stringify(sorted);
    const secret = [agentSecret(), ...alsoAccepted].find(
      (each) => createHmac('sha256', each).update(signed).digest('hex') === hmac,
    );
    if (secret === undefined) {
      badSignatures += 1;
      response.writeHead(401).end('{"error":"invalid signature"}');
      return;
    }
    calls.push({ endpoint, bytes, body: payload, atMs: Date.now(), secret });
    const mode = scripts.get(endpoint)?.shift() ?? standing.get(endpoint) ?? 'honest';
    if (mode === 'hang') return;
    if (mode === 'reset') return void request.socket.destroy();
    if (typeof mode === 'object' && 'status' in mode) {
      if (mode.moves) reply(endpoint, payload);
      return void response.writeHead(mode.status).end(mode.body);
    }
    const [status, text] = reply(endpoint, payload);
    if (mode === 'lose') return void request.socket.destroy();
    if (typeof mode === 'object') {
      slowUnderWay += 1;
      await sleep(mode.afterMs);
      slowUnderWay -= 1;
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  }

  const server = createServer((request, response) => void handle(request, response));
  const listen = (at: number) =>
    new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const down = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    get badSignatures() {
      return badSignatures;
    },
    get slowUnderWay() {
      return slowUnderWay;
    },
    script: (endpoint, ...modes) =>
      void scripts.set(endpoint, [...(scripts.get(endpoint) ?? []), ...modes]),
    always: (endpoint, mode) =>
      void (mode === null ? standing.delete(endpoint) : standing.set(endpoint, mode)),
    alsoAccept: (secret) => void alsoAccepted.push(secret),
    setBalance: (userAgent, amount) => void balances.set(userAgent, minor(amount)),
    balance: (userAgent) => formatAmount(balanceOf(userAgent), EXPONENT),
    effects: (endpoint, betId) =>
      [...effects].reduce(
        (sum, [key, count]) =>
          key.startsWith(`${endpoint} `) && (betId === undefined || key.endsWith(` ${betId}`))
            ? sum + count
            : sum,
        0,
      ),
    seen: (endpoint) => calls.filter((call) => call.endpoint === endpoint),
    down,
    up: () => listen(port),
    close: down,
  };
}
