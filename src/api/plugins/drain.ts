import type { FastifyInstance } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { sleep } from '../../lib/clock';

declare module 'fastify' {
  interface FastifyInstance {
    /** How far a stop of this process has come, and what it still has to answer. */
    readonly drain: Drain;
  }
}

interface Drain {
  /** From now on the process is not ready, and each answer tells its connection to end. */
  begin(): void;
  readonly begun: boolean;
  /** Resolves when no request is under way. */
  idle(): Promise<void>;
}

/**
 * An answer has its deadline (4.5 s by default) and 5 s more to be recorded when the book stumbles; what
 * takes longer is cut, and told by the book when the provider repeats it.
 */
const ANSWERS_MS_MAX = 10_000;
/** Who connected at the last moment has sent a request by then; browsers open connections and send none. */
const FIRST_REQUEST_MS = 1_000;

/** Register it before the routes: it sees every request of the scopes that come after. */
export const drain = fastifyPlugin(
  async (app) => {
    let begun = false;
    let underWay = 0;
    let whenIdle: (() => void)[] = [];

    app.decorate('drain', {
      begin: () => void (begun = true),
      get begun() {
        return begun;
      },
      idle: () =>
        underWay === 0
          ? Promise.resolve()
          : new Promise<void>((resolve) => void whenIdle.push(resolve)),
    });
    app.addHook('onRequest', (_request, reply, done) => {
      underWay += 1;
      reply.raw.once('close', () => {
        underWay -= 1;
        if (underWay > 0) return;
        whenIdle.forEach((resolve) => resolve());
        whenIdle = [];
      });
      done();
    });
    // Requests that came in before the stop are told as well: their connections would stay for ever.
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (begun) void reply.header('connection', 'close');
      done(null, payload);
    });
  },
  { name: 'drain' },
);

/**
 * Stops serving without a request that goes unanswered:
 *
 * 1. `/health/ready` says 503 and every answer `Connection: close`, while new connections are still taken
 *    (`drainMs`): load balancers need that time to look elsewhere.
 * 2. Nobody listens any more; idle connections end. None of them was used for `drainMs`, else its answer
 *    would have ended it: the race between our closing and a request just written is left to those.
 * 3. Answers under way are given; then whatever is still open is cut.
 */
export async function stopServing(app: FastifyInstance, drainMs: number): Promise<void> {
  app.drain.begin();
  await sleep(drainMs);
  const closed = app.close();
  const over = new AbortController();
  const answered = sleep(FIRST_REQUEST_MS, over.signal).then(() => app.drain.idle());
  void Promise.race([answered, sleep(ANSWERS_MS_MAX, over.signal)]).then(() =>
    app.server.closeAllConnections(),
  );
  await closed.finally(() => over.abort());
}
