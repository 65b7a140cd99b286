import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../src/lib/clock';
import {
  callOf,
  createWalletBook,
  decimalOf,
  isSigned,
  shaWithoutHmac,
  type Carried,
  type Fields,
  type WalletCall,
} from './wallet-book';
import { openWalletJournal, type WalletEffect, type WalletLine } from './wallet-journal';
import { chooseMode, createWalletSwitchboard, type ModeChoice } from './wallet-modes';

export interface ChaosWalletOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly journalFile: string;
  /** AGENT_SECRET by prefix. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly seed: number;
  /** The caller's limit for one attempt: a late answer comes after it, a slow one before it. */
  readonly attemptMs?: number;
}

export interface ChaosWallet {
  /** `http://127.0.0.1:<port>`; a partner's wallet URL is this and `/<PREFIX>`. */
  readonly url: string;
  close(): Promise<void>;
}

const ATTEMPT_MS = 2_000;
/** What comes back when an answer is garbage: every one of these is a 200. */
const GARBAGE = [
  '<html><body><h1>It works!</h1></body></html>',
  '',
  '{"balance":12',
  '{"ok":true}',
  'null',
  '[]',
  '{"BALANCE":12}',
  '\uFEFF{"balance"',
];
/** A wallet that answers 200 to these has taken them, whatever else it says: the record must agree. */
const ENDED_BY_STATUS: ReadonlySet<string> = new Set(['bet-end', 'history']);

/**
 * A partner's wallet that misbehaves as it is told to, and keeps a journal that outlives its own death:
 * every request is on the disk before anything is answered.
 */
export async function startChaosWallet(options: ChaosWalletOptions): Promise<ChaosWallet> {
  const { seed, secrets, attemptMs = ATTEMPT_MS } = options;
  const journal = await openWalletJournal(options.journalFile);
  const switches = createWalletSwitchboard(`${options.journalFile}.control`, Object.keys(secrets));
  const book = createWalletBook(journal.earlier, (partner) => switches.of(partner).certified);
  const counts = createCounts(journal.earlier);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (path === '/control') return control(request, response, body);
    const [, partner = '', ...rest] = path.split('/');
    const fields = fieldsOf(body);
    const signed = isSigned(fields, secrets[partner] ?? '') && Object.hasOwn(secrets, partner);
    const call = callOf(partner, rest.join('/'), fields);
    if (!signed || typeof call === 'string') {
      const [status, text] = signed ? [400, 'broken request'] : [401, 'invalid signature'];
      await note(body, { partner, endpoint: rest.join('/'), fields, signed, status });
      return answer(response, status, JSON.stringify({ error: text }));
    }
    const choice = chosen(call);
    // From here to the journal nothing waits, so that the book and the journal have one order.
    const carried: Carried = choice.moves
      ? book.carryOut(call, {
          refuses: choice.mode === 'refuse_funds',
          certified: switches.of(partner).certified,
        })
      : (book.pass(call), { effect: 'none', balance: book.balanceOf(partner, call.userAgent) });
    const status = statusOf(choice, carried);
    await note(body, {
      partner,
      endpoint: call.endpoint,
      fields,
      signed,
      status,
      call,
      choice,
      carried,
    });
    await act(response, choice, carried, call);
  }

  function chosen(call: WalletCall): ModeChoice {
    const { partner, endpoint, key } = call;
    const turn = book.turn(call);
    const { modes } = switches.of(partner);
    const choice = chooseMode(seed, { partner, endpoint, betId: key, turn }, modes);
    if (choice.mode === 'refuse_funds') {
      const applies = endpoint === 'bet' && (call.amount ?? 0n) > 0n;
      return { ...choice, mode: applies ? 'refuse_funds' : 'honest', moves: true };
    }
    if (choice.mode === 'garbage' && ENDED_BY_STATUS.has(endpoint))
      return { ...choice, moves: true };
    return choice;
  }

  async function note(
    body: string,
    seen: {
      partner: string;
      endpoint: string;
      fields: Fields;
      signed: boolean;
      status: number | null;
      call?: WalletCall;
      choice?: ModeChoice;
      carried?: Carried;
    },
  ): Promise<void> {
    const { call, fields } = seen;
    const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
    const line: WalletLine = {
      t: Date.now(),
      partner: seen.partner,
      endpoint: seen.endpoint,
      bet_id: call?.betId ?? (text('bet_id') || text('_id')),
      user_agent: text('user_agent'),
      amount: call?.amount?.toString() ?? null,
      body_sha: shaWithoutHmac(body),
      body,
      signature_ok: seen.signed,
      effect: call?.endpoint === 'balance' ? 'none' : (seen.carried?.effect ?? 'none'),
      balance: seen.carried?.balance.toString() ?? null,
      mode: seen.choice?.mode ?? 'honest',
      status: seen.status,
    };
    counts.add(line);
    await journal.append(line);
  }

  async function act(
    response: ServerResponse,
    choice: ModeChoice,
    { effect, balance }: Carried,
    call: WalletCall,
  ): Promise<void> {
    const { socket } = response.req;
    const good = () => {
      if (effect === 'refused') return answer(response, 402, '{"error":"INSUFFICIENT_FUNDS"}');
      answer(response, 200, `{"balance":${decimalOf(balance)},"tmp":0,"bet":"${call.betId}"}`);
    };
    switch (choice.mode) {
      case 'honest':
      case 'refuse_funds':
        return good();
      case 'hang':
        return;
      case 'slow':
        await sleep(attemptMs * (0.1 + 0.6 * choice.detail));
        return good();
      case 'late':
        await sleep(attemptMs * (1.2 + choice.detail));
        return good();
      case 'error500':
        return answer(response, 500, '{"error":"internal"}');
      case 'lose':
        return void socket.destroy();
      case 'reset':
        return void socket.resetAndDestroy();
      case 'redirect':
        response.setHeader('location', `http://${response.req.headers.host ?? ''}/elsewhere`);
        return answer(response, choice.detail < 0.5 ? 302 : 307, '');
      case 'garbage':
        return answer(response, 200, GARBAGE[Math.floor(choice.detail * GARBAGE.length)] ?? '');
      case 'half_close':
        // A promise of more bytes than come, and then the end of ours.
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '64' });
        response.write('{"balance":');
        return void socket.end();
    }
  }

  function control(request: IncomingMessage, response: ServerResponse, body: string): void {
    if (request.method === 'GET') {
      return answer(response, 200, JSON.stringify({ ...counts.read(), partners: switches.all() }));
    }
    try {
      switches.set(JSON.parse(body));
      answer(response, 200, JSON.stringify({ partners: switches.all() }));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      answer(response, 400, JSON.stringify({ error: why }));
    }
  }

  const server = createServer((request, response) => {
    // A caller that gives up while it is read or answered is no concern of the wallet's.
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await journal.close();
    },
  };
}

function statusOf({ mode, detail }: ModeChoice, { effect }: Carried): number | null {
  switch (mode) {
    case 'hang':
    case 'lose':
    case 'reset':
    case 'half_close':
      return null;
    case 'error500':
      return 500;
    case 'redirect':
      return detail < 0.5 ? 302 : 307;
    case 'garbage':
      return 200;
    default:
      return effect === 'refused' ? 402 : 200;
  }
}

function createCounts(earlier: readonly WalletLine[]) {
  const modes: Record<string, number> = {};
  const endpoints: Record<string, number> = {};
  const effects: Partial<Record<WalletEffect, number>> = {};
  let badSignatures = 0;
  const add = (line: WalletLine) => {
    modes[line.mode] = (modes[line.mode] ?? 0) + 1;
    endpoints[line.endpoint] = (endpoints[line.endpoint] ?? 0) + 1;
    effects[line.effect] = (effects[line.effect] ?? 0) + 1;
    if (!line.signature_ok) badSignatures += 1;
  };
  earlier.forEach(add);
  return {
    add,
    read: () => ({ modes, endpoints, effects, bad_signatures: badSignatures }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function fieldsOf(body: string): Fields {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Fields)
      : {};
  } catch {
    return {};
  }
}

function answer(response: ServerResponse, status: number, body: string): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}
