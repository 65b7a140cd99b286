import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { systemClock } from '../../src/lib/clock';
import { createLogger } from '../../src/lib/log';
import { createSandboxPartner } from '../../src/sandbox/partner/sandbox-partner';
import { createEmptyDatabase } from './postgres';

const AGENT_SECRET = 'example-agent-secret';

/** One call that the storefront made to Roundhouse. */
interface CallToRoundhouse {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: Record<string, unknown>;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** The sandbox casino with a database of its own and a Roundhouse that answers what a test says. */
export interface TestCasino {
  readonly base: string;
  readonly db: Client;
  /** What it asked of Roundhouse since the last `reset`. */
  calls: CallToRoundhouse[];
  /** What Roundhouse answers, by path; a path that is missing is answered with 500. */
  answers: Record<string, unknown>;
  reset(): void;
  /** A second process of the same casino, on the same book. */
  startAnother(currency?: string): Promise<{ base: string; close(): Promise<void> }>;
  /** Calls the wallet, signed as the partner document says. */
  wallet(endpoint: string, payload: Record<string, unknown>): Promise<Reply>;
  post(path: string, body: string): Promise<Reply>;
  sandbox(path: string, body: object): Promise<Reply>;
  bet(userAgent: string, betId: string, balance: number): Promise<Reply>;
  settle(userAgent: string, betId: string, stake: number, balance: number): Promise<Reply>;
  newPlayer(): string;
  newBet(): string;
  close(): Promise<void>;
}

/** The partner document's sample code, the other way round. */
export function signed(payload: Record<string, unknown>): string {
  const sorted = Object.fromEntries(Object.entries(payload).sort(([a], [b]) => (a < b ? -1 : 1)));
  const hmac = createHmac('sha256', AGENT_SECRET).update(JSON.stringify(sorted)).digest('hex');
  return JSON.stringify({ ...payload, hmac });
}

/** A record of the history feed as Roundhouse sends it. */
export function historyRecord(
  user_agent: string,
  _id: string,
  change: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    _id,
    type: 'create',
    provider: 'Fruit',
    game: 'Plum & "Co"',
    game_id: '11',
    user_agent,
    before_balance: 1000,
    after_balance: 995,
    used_balance: 5,
    receive_balance: 0,
    winlose: -5,
    createdAt: '2026-06-04T09:30:00.000Z',
    updatedAt: '2026-06-04T09:30:00.000Z',
    ...change,
  };
}

export async function createTestCasino(): Promise<TestCasino> {
  const database = await createEmptyDatabase();
  const roundhouse = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => roundhouse.listen(0, '127.0.0.1', resolve));
  const make = (currency: string) =>
    createSandboxPartner({
      databaseUrl: database.url,
      apiUrl: `http://127.0.0.1:${portOf(roundhouse)}`,
      apiKey: 'the-key',
      prefix: 'LAG1',
      agentSecret: AGENT_SECRET,
      currency,
      publicBaseUrl: 'http://casino.test',
      log: createLogger('sandbox-partner', 'silent'),
      clock: systemClock,
    });
  const partner = make('EUR');
  const base = `http://127.0.0.1:${await partner.listen(0)}`;
  const db = new Client({ connectionString: database.url });
  await db.connect();
  let names = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const path = request.url ?? '';
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    casino.calls.push({ path, key: request.headers['x-api-key']?.toString(), body });
    const found = casino.answers[path];
    response.writeHead(found === undefined ? 500 : 200, { 'content-type': 'application/json' });
    const made = typeof found === 'function' ? (found as (asked: unknown) => unknown)(body) : found;
    response.end(JSON.stringify(made ?? { error: 'out of order' }));
  }

  const casino: TestCasino = {
    base,
    db,
    calls: [],
    answers: {},
    reset() {
      casino.calls = [];
      casino.answers = answersOfRoundhouse();
    },
    async startAnother(currency = 'EUR') {
      const another = make(currency);
      try {
        const port = await another.listen(0);
        return { base: `http://127.0.0.1:${port}`, close: () => another.close() };
      } catch (error) {
        await another.close();
        throw error;
      }
    },
    async post(path, body) {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(base + path, { method: 'POST', headers, body });
      return { status: response.status, text: await response.text() };
    },
    wallet: (endpoint, payload) => casino.post(`/wallet/${endpoint}`, signed(payload)),
    sandbox: (path, body) => casino.post(`/sandbox/${path}`, JSON.stringify(body)),
    bet: (user_agent, bet_id, balance) => casino.wallet('bet', { user_agent, balance, bet_id }),
    settle: (user_agent, bet_id, stake, balance) =>
      casino.wallet('settle-bet', { user_agent, bet: stake, balance, bet_id }),
    newPlayer: () => `LAG1.p${++names}`,
    newBet: () => (++names).toString(16).padStart(24, '0'),
    async close() {
      await partner.close();
      await db.end();
      roundhouse.close();
      await database.drop();
    },
  };
  casino.reset();
  return casino;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

function answersOfRoundhouse(): Record<string, unknown> {
  return {
    '/create-user': ({ user_agent }: { user_agent: string }) => ({
      user_agent: `LAG1.${user_agent}`,
    }),
    '/game/provider': [{ provider_name: 'Fruit', display_name: 'fruit <b>', image: '' }],
    '/game/list': {
      is_item: true,
      items: [
        { game_id: '11', game_name: 'Plum & "Co"', game_image: 'http://img.test/11.png' },
        { game_id: '12', game_name: 'Gone', game_image: '', is_active: false },
        { game_id: '13', game_name: 'Cherry Lane', game_image: 'http://img.test/13.png' },
      ],
    },
    '/game/open-game': { is_item: false, url: 'http://play.test/launch?token=t1' },
    '/bet-history/report/detail-bet': { status: true, item: 'http://play.test/round?x=1' },
  };
}
