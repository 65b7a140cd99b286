import type { FastifyInstance, FastifyReply } from 'fastify';
import { DEFAULT_SLOW_MS, FAULT_MODES, type Fault } from '../fault-switchboard';
import { WALLET_ENDPOINTS, type WalletEndpoint } from '../wallet-request';
import { callbacksPart } from './book-page';
import type { PageFrame } from './page-frame';
import type { StorefrontDeps } from './storefront-deps';
import { PAGE_COUNT_MAX, PAGE_DELAY_MAX_S, switchboardContent } from './switchboard-page';
import { formOf, playerOf, show, visitorOf } from './visitor';

const CALLS_SHOWN = 15;

/** The switchboard of faults as a page; tests and audits have the same switches at /sandbox/faults. */
export function registerSwitchboardPage(
  app: FastifyInstance,
  deps: StorefrontDeps,
  frame: PageFrame,
): void {
  app.get('/switchboard', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    return showSwitchboard(reply, 200, userAgent, deps, frame);
  });

  app.post('/switchboard', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const wanted = readSwitch(formOf(request));
    if (!wanted) {
      const problem = `Nothing was switched: 1 to ${String(PAGE_COUNT_MAX)} calls, and 0 to ${String(PAGE_DELAY_MAX_S)} seconds.`;
      return showSwitchboard(reply, 400, userAgent, deps, frame, problem);
    }
    deps.faults.set(wanted.endpoint, wanted.fault);
    return reply.redirect('/switchboard', 303);
  });
}

function readSwitch(form: URLSearchParams): { endpoint: WalletEndpoint; fault: Fault } | undefined {
  const endpoint = WALLET_ENDPOINTS.find((one) => one === form.get('endpoint'));
  const mode = FAULT_MODES.find((one) => one === form.get('mode'));
  const count = Number(form.get('count') ?? 1);
  const delayS = Number(form.get('delay_s') ?? DEFAULT_SLOW_MS / 1000);
  const usable =
    Number.isInteger(count) &&
    count >= 1 &&
    count <= PAGE_COUNT_MAX &&
    delayS >= 0 &&
    delayS <= PAGE_DELAY_MAX_S;
  if (!endpoint || !mode || !usable) return undefined;
  return { endpoint, fault: { mode, count, delayMs: Math.round(delayS * 1000) } };
}

async function showSwitchboard(
  reply: FastifyReply,
  status: number,
  userAgent: string,
  deps: StorefrontDeps,
  frame: PageFrame,
  problem?: string,
): Promise<FastifyReply> {
  const cursor = await deps.feed.cursor();
  const calls = await deps.book.callbacks({ faulty: true, limit: CALLS_SHOWN });
  const happened = callbacksPart(calls, deps.money, { named: true });
  return show(
    reply,
    status,
    frame({
      title: 'Switchboard',
      content: switchboardContent(deps.faults.list(), happened, problem),
      visitor: await visitorOf(userAgent, deps),
      place: 'switchboard',
      live: { view: 'switchboard', cursor },
    }),
  );
}
