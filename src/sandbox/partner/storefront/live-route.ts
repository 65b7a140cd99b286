import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { SafeHtml } from '../../../lib/html';
import type { Step } from '../live-feed';
import { BET_ID } from '../wallet-request';
import { callbackItem, movementRow } from './book-page';
import { betRow } from './history-page';
import type { LiveView } from './page-frame';
import type { StorefrontDeps } from './storefront-deps';
import { faultsPanel } from './switchboard-page';
import { playerOf } from './visitor';

/** Each stream is a connection and a few queries a second at most; a demo has a handful of windows. */
const STREAMS_MAX = 50;
/** A page that missed more than this shows it by being loaded again. */
const ROWS_AT_ONCE_MAX = 100;
/** The visit is checked anew when the browser connects again. */
const STREAM_MAX_MS = 10 * 60_000;
/** How soon a browser connects again after a stream has ended. */
const RETRY_MS = 1_000;

/** One message of a stream; each part only when it has changed. */
interface Message {
  balance?: string;
  /** Newest last: a page puts each above the others, or in the place of the row with its id. */
  rows?: string[];
  faults?: string;
  /** More has happened than is sent. */
  stale?: true;
}

type Query = Partial<Record<'view' | 'after' | 'who' | 'bet', string>>;

/**
 * `GET /live`: what has changed since the page was printed, as server-sent events. The id of a message is a cursor into
 * the book, so a browser that comes back with it, by itself or after a sleep, gets what it missed, even from another
 * process of this casino.
 */
export function registerLiveRoute(app: FastifyInstance, deps: StorefrontDeps): void {
  let open = 0;
  app.get<{ Querystring: Query }>('/live', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.code(401).send({ error: 'not signed in' });
    if (open >= STREAMS_MAX) {
      return reply.code(503).header('retry-after', '5').send({ error: 'too many streams' });
    }
    const seen = cursorOf(request.headers['last-event-id']) ?? cursorOf(request.query.after);
    const view = viewOf(request.query, seen ?? (await deps.feed.cursor()));
    reply.hijack();
    open += 1;
    try {
      await stream(reply.raw, userAgent, view, deps);
    } catch (error) {
      // The browser connects again and carries on where this ended.
      deps.log.warn({ err: error }, 'a live stream ended early');
    } finally {
      open -= 1;
      reply.raw.end();
    }
    return reply;
  });
}

function cursorOf(text: string | string[] | undefined): bigint | undefined {
  return typeof text === 'string' && /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

const VIEWS = ['balance', 'history', 'callbacks', 'ledger', 'switchboard'] as const;

function viewOf(query: Query, cursor: bigint): LiveView {
  return {
    view: VIEWS.find((view) => view === query.view) ?? 'balance',
    cursor,
    everyone: query.who === 'all' || query.view === 'switchboard',
    ...(query.bet !== undefined && BET_ID.test(query.bet) ? { betId: query.bet } : {}),
  };
}

async function stream(
  raw: ServerResponse,
  userAgent: string,
  view: LiveView,
  deps: StorefrontDeps,
): Promise<void> {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, deps.closing, AbortSignal.timeout(STREAM_MAX_MS)]);
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // A proxy that buffers would hold every message back.
    'x-accel-buffering': 'no',
  });
  raw.write(`retry: ${String(RETRY_MS)}\n\n`);
  const concerns = (whose: string | undefined) =>
    whose === undefined || whose === userAgent || view.everyone === true;
  const last: { balance?: string; faults?: string } = {};
  for await (const step of deps.feed.follow(view.cursor, concerns, signal)) {
    const message = await messageOf(step, userAgent, view, deps);
    if (message.balance === last.balance) delete message.balance;
    if (message.faults === last.faults) delete message.faults;
    Object.assign(last, message);
    const isNews = Object.keys(message).length > 0;
    // Without data it is no event for the page, but the browser remembers the cursor and the line stays open.
    const text = `id: ${String(step.to)}\n${isNews ? `data: ${JSON.stringify(message)}\n` : ''}\n`;
    if (!raw.write(text)) await once(raw, 'drain', { signal }).catch(() => undefined);
  }
}

async function messageOf(
  step: Step,
  userAgent: string,
  view: LiveView,
  deps: StorefrontDeps,
): Promise<Message> {
  const account = (await deps.accounts.accounts([userAgent])).get(userAgent);
  const rows = step.from < step.to ? await rowsOf(step, userAgent, view, deps) : [];
  return {
    ...(account ? { balance: deps.money.label(account.balanceMinor) } : {}),
    ...(view.view === 'switchboard' ? { faults: faultsPanel(deps.faults.list()).toString() } : {}),
    ...(rows.length > ROWS_AT_ONCE_MAX
      ? { stale: true as const }
      : rows.length > 0
        ? { rows: rows.reverse().map(String) }
        : {}),
  };
}

async function rowsOf(
  written: Step,
  userAgent: string,
  { view, everyone, betId }: LiveView,
  { book, accounts, money }: StorefrontDeps,
): Promise<SafeHtml[]> {
  const limit = ROWS_AT_ONCE_MAX + 1;
  const named = everyone === true;
  const filter = {
    ...(named ? {} : { userAgent }),
    ...(betId === undefined ? {} : { betId }),
    written,
    limit,
  };
  switch (view) {
    case 'balance':
      return [];
    case 'history': {
      const calls = await book.callbacks({ userAgent, endpoint: 'history', written, limit });
      const betIds = calls.flatMap((call) => call.betId ?? []);
      const bets = betIds.length === 0 ? [] : await accounts.recordsOf(userAgent, betIds);
      return bets.map((bet) => betRow(bet, money));
    }
    case 'callbacks':
      return (await book.callbacks(filter)).map((call) => callbackItem(call, money, named));
    case 'switchboard':
      return (await book.callbacks({ ...filter, faulty: true })).map((call) =>
        callbackItem(call, money, named),
      );
    case 'ledger':
      return (await book.movements(filter)).map((move) => movementRow(move, money, named));
  }
}
