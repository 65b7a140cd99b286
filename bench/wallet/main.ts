// The wallet of the bench: a process of its own, with a latency of 5 ms ± 2 ms that a seed determines.
// Every subject has accounts of its own below /<subject>, so that one run's books are never another's.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRandom } from '../../test/chaos/random';
import { isSigned, type Fields } from '../../test/chaos/wallet-book';
import { readConfig, sayReady } from '../processes';
import { createSubjectBook, type SubjectBook, type WalletCall } from './book';

export interface WalletConfig {
  readonly port: number;
  readonly seed: number;
}

/** SPEC of the bench: 5 ms ± 2 ms, evenly spread. */
const LATENCY_MS_MIN = 3;
const LATENCY_MS_SPREAD = 4;
/** How long a question for finished bets stays open. */
const FINISHED_WAIT_MS = 30_000;

interface Account {
  secret: string;
  readonly book: SubjectBook;
  calls: WalletCall[];
  badSignatures: number;
  /** While it is out every call gets a 503 and nothing is carried out. */
  isOut: boolean;
  readonly waiting: Set<() => void>;
}

const config = readConfig<WalletConfig>();
const random = createRandom(config.seed, 'wallet latency');
const accounts = new Map<string, Account>();

function accountOf(subject: string): Account {
  const known = accounts.get(subject);
  if (known) return known;
  const account: Account = {
    secret: '',
    book: createSubjectBook(),
    calls: [],
    badSignatures: 0,
    isOut: false,
    waiting: new Set(),
  };
  accounts.set(subject, account);
  return account;
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const arrivedNs = process.hrtime.bigint();
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const [, subject = '', ...rest] = (request.url ?? '').split('/');
  const endpoint = rest.join('/');
  const account = accountOf(subject);
  if (endpoint.startsWith('bench-')) return ask(endpoint, text, account, response);
  const body = JSON.parse(text) as Fields;
  if (!isSigned(body, account.secret)) {
    account.badSignatures += 1;
    return answer(response, 401, '{"error":"invalid signature"}');
  }
  const reply = account.isOut
    ? { status: 503, text: '{"error":"out"}' }
    : account.book.carryOut(endpoint, body);
  const latencyMs = LATENCY_MS_MIN + LATENCY_MS_SPREAD * random.next();
  await new Promise((resolve) => setTimeout(resolve, latencyMs));
  answer(response, reply.status, reply.text);
  account.calls.push({
    endpoint,
    userAgent: String(body.user_agent),
    arrivedNs,
    tookMs: Number(process.hrtime.bigint() - arrivedNs) / 1e6,
  });
  account.waiting.forEach((look) => look());
}

/** The bench's own questions; no subject asks them. */
function ask(endpoint: string, text: string, account: Account, response: ServerResponse): void {
  const { book } = account;
  if (endpoint === 'bench-secret') {
    account.secret = text;
    return answer(response, 200, '{}');
  }
  if (endpoint === 'bench-out') {
    account.isOut = text === 'true';
    return answer(response, 200, '{}');
  }
  if (endpoint === 'bench-calls') {
    const calls = account.calls;
    account.calls = [];
    return answer(response, 200, json(calls));
  }
  if (endpoint === 'bench-books') {
    const { badSignatures } = account;
    const sums = Object.fromEntries(book.sums());
    return answer(
      response,
      200,
      json({ sums, finished: book.finished(), repeats: book.repeats(), badSignatures }),
    );
  }
  // bench-finished: answers as soon as that many bets are finished, or when the wait is over.
  const wanted = Number(text);
  const finish = () => {
    account.waiting.delete(look);
    clearTimeout(timer);
    answer(response, 200, json({ finished: book.finished() }));
  };
  const look = () => void (book.finished() >= wanted && finish());
  const timer = setTimeout(finish, FINISHED_WAIT_MS);
  account.waiting.add(look);
  look();
}

const json = (value: unknown) =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each));

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

const server = createServer((request, response) => {
  handle(request, response).catch(() => request.socket.destroy());
});
// A pause between two turns must not cost a subject its connections.
server.keepAliveTimeout = 600_000;
server.listen(config.port, '127.0.0.1', sayReady);
