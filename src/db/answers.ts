import { Client } from 'pg';
import type { Logger } from '../lib/log';

/**
 * How an API process learns that an operation's answer is stored: PostgreSQL's NOTIFY, sent after the
 * commit. It only wakes; the answer is then read from the book. A lost notification costs a poll's wait.
 */
const CHANNEL = 'roundhouse_answers';

/** How often a waiter looks by itself: a lost connection must not cost a player the spin. */
const POLL_MS = 250;
/** A listener whose connection broke tries again this soon. */
const RECONNECT_MS = 500;
/** NOTIFY carries up to 8,000 bytes; numbers have up to ten digits. */
const NUMBERS_PER_NOTIFICATION_MAX = 500;

export interface AnswerNotifier {
  /** Never throws and never waits: whoever misses it finds the answer by polling. */
  answered(operationIds: readonly number[]): void;
  close(): Promise<void>;
}

/**
 * A connection of its own without synchronous commit: a notification has nothing to make durable, and
 * must not wait for a disk.
 */
export function createAnswerNotifier(deps: { databaseUrl: string; log: Logger }): AnswerNotifier {
  const link = keepConnected(deps, 'roundhouse-notifier', '-c synchronous_commit=off');
  const waiting: number[] = [];
  let sending: Promise<void> | undefined;

  /** One notification at a time; what comes meanwhile leaves with the next. */
  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const numbers = waiting.splice(0, NUMBERS_PER_NOTIFICATION_MAX).join(',');
      await link
        .client()
        ?.query('SELECT pg_notify($1, $2)', [CHANNEL, numbers])
        .catch((error: unknown) => deps.log.warn({ err: error }, 'an answer was not announced'));
    }
    sending = undefined;
  }

  return {
    answered(operationIds) {
      waiting.push(...operationIds);
      sending ??= send();
    },
    async close() {
      await sending;
      await link.close();
    },
  };
}

export interface AnswerListener {
  /**
   * Waits until the operation's answer may have been stored, or the time is over, whichever is first.
   * True when there is a reason to look into the book.
   */
  wait(operationId: number, ms: number): Promise<boolean>;
  close(): Promise<void>;
}

export function createAnswerListener(deps: { databaseUrl: string; log: Logger }): AnswerListener {
  const waiters = new Map<number, Set<() => void>>();
  const link = keepConnected(deps, 'roundhouse-listener', undefined, async (client) => {
    client.on('notification', ({ payload }) => {
      for (const number of (payload ?? '').split(',')) {
        waiters.get(Number(number))?.forEach((wake) => wake());
      }
    });
    await client.query(`LISTEN ${CHANNEL}`);
  });
  return {
    wait(operationId, ms) {
      return new Promise((resolve) => {
        const finish = (look: boolean) => {
          clearTimeout(timer);
          const set = waiters.get(operationId);
          set?.delete(wake);
          if (set?.size === 0) waiters.delete(operationId);
          resolve(look);
        };
        const wake = () => finish(true);
        const timer = setTimeout(() => finish(ms > POLL_MS), Math.min(ms, POLL_MS));
        const set = waiters.get(operationId) ?? new Set();
        waiters.set(operationId, set.add(wake));
      });
    },
    close: link.close,
  };
}

/** One connection that is made anew whenever it breaks. */
function keepConnected(
  deps: { databaseUrl: string; log: Logger },
  name: string,
  options?: string,
  onConnect?: (client: Client) => Promise<void>,
): { client: () => Client | undefined; close: () => Promise<void> } {
  let current: Client | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  function again(client: Client, error: unknown): void {
    if (closed || (current !== undefined && current !== client)) return;
    current = undefined;
    deps.log.warn({ err: error, name }, 'connection to the database lost; it is made again');
    clearTimeout(timer);
    timer = setTimeout(() => void connect(), RECONNECT_MS);
  }

  async function connect(): Promise<void> {
    const client = new Client({
      connectionString: deps.databaseUrl,
      application_name: name,
      keepAlive: true,
      ...(options === undefined ? {} : { options }),
    });
    client.on('error', (error) => again(client, error));
    client.on('end', () => again(client, new Error('ended')));
    try {
      await client.connect();
      await onConnect?.(client);
      if (closed) await client.end();
      else current = client;
    } catch (error) {
      again(client, error);
    }
  }

  const first = connect();
  return {
    client: () => current,
    async close() {
      closed = true;
      clearTimeout(timer);
      await first;
      await current?.end().catch(() => undefined);
    },
  };
}
