import type { FastifyInstance, FastifyReply } from 'fastify';
import { parseAmount } from '../../../domain/money';
import { DEMO_PLAYERS, type DemoPlayer } from '../demo-players';
import type { Money } from '../money-text';
import { RoundhouseError } from '../roundhouse-client';
import type { PageFrame } from './page-frame';
import { signInContent } from './sign-in-page';
import type { StorefrontDeps } from './storefront-deps';
import { TOP_UP_MAX_UNITS, topUpContent } from './top-up-page';
import { formOf, playerOf, show, visitorOf } from './visitor';

/** SPEC §3: what a partner may call a player. */
const REFERENCE = /^[A-Za-z0-9._-]{1,64}$/;
const MOVEMENTS_SHOWN = 8;

/** Signing in and out, and topping up. */
export function registerAccountPages(
  app: FastifyInstance,
  deps: StorefrontDeps,
  frame: PageFrame,
): void {
  app.post('/login', async (request, reply) => {
    const reference = formOf(request).get('reference') ?? '';
    if (!REFERENCE.test(reference)) {
      const problem = 'A player name is 1 to 64 letters, digits, dots, dashes or underscores.';
      return showSignIn(reply, 400, deps, frame, problem);
    }
    const userAgent = await deps.roundhouse.createUser(reference);
    // The wallet opens accounts of its own players only; another handle would log in somebody who can never play.
    if (!userAgent.startsWith(`${deps.prefix}.`)) {
      throw new RoundhouseError('The game service answered with a player of another casino.');
    }
    const demo = DEMO_PLAYERS.find((player) => player.reference === reference);
    await deps.cashier.open(userAgent, demo && openingOf(demo, deps.money));
    return reply
      .header('set-cookie', deps.cookie.issue(userAgent, deps.clock.nowMs()))
      .redirect('/', 303);
  });

  app.post('/logout', (_request, reply) =>
    reply.header('set-cookie', deps.cookie.clear()).redirect('/', 303),
  );

  app.get<{ Querystring: { done?: string } }>('/topup', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    return showTopUp(reply, 200, userAgent, deps, frame, { done: request.query.done });
  });

  app.post('/topup', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const form = formOf(request);
    const amount = parseAmount(form.get('fixed') ?? form.get('amount') ?? '', deps.money.exponent);
    const maxMinor = TOP_UP_MAX_UNITS * 10n ** BigInt(deps.money.exponent);
    if (!amount.ok || amount.minor <= 0n || amount.minor > maxMinor) {
      const problem =
        `Nothing was added. An amount is more than 0, at most ${deps.money.label(maxMinor)}, ` +
        `with no more decimals than ${deps.money.currency} has.`;
      return showTopUp(reply, 400, userAgent, deps, frame, { problem });
    }
    await deps.cashier.topUp(userAgent, amount.minor);
    // Another address, so that a reload does not top up again; the page tells from the book what was added.
    return reply.redirect('/topup?done=1', 303);
  });
}

/** The page for whoever is not signed in. */
export async function showSignIn(
  reply: FastifyReply,
  status: number,
  deps: StorefrontDeps,
  frame: PageFrame,
  problem?: string,
): Promise<FastifyReply> {
  const handle = (reference: string) => `${deps.prefix}.${reference}`;
  const accounts = await deps.accounts.accounts(
    DEMO_PLAYERS.map(({ reference }) => handle(reference)),
  );
  const balances = new Map<string, string>();
  for (const { reference } of DEMO_PLAYERS) {
    const account = accounts.get(handle(reference));
    if (account) balances.set(reference, deps.money.label(account.balanceMinor));
  }
  const startsWith = (player: DemoPlayer) =>
    deps.money.label(openingOf(player, deps.money).balanceMinor);
  const content = signInContent(balances, startsWith, problem);
  return show(reply, status, frame({ title: 'Sign in', content }));
}

function openingOf({ openingUnits, blocked }: DemoPlayer, money: Money) {
  return { balanceMinor: openingUnits * 10n ** BigInt(money.exponent), blocked };
}

async function showTopUp(
  reply: FastifyReply,
  status: number,
  userAgent: string,
  deps: StorefrontDeps,
  frame: PageFrame,
  said: { readonly done?: string | undefined; readonly problem?: string },
): Promise<FastifyReply> {
  const cursor = await deps.feed.cursor();
  const visitor = await visitorOf(userAgent, deps);
  const movements = await deps.book.movements({ userAgent, limit: MOVEMENTS_SHOWN });
  const done =
    said.done === undefined ? undefined : movements.find((movement) => movement.kind === 'topup');
  const content = topUpContent(visitor, deps.money, {
    movements,
    ...(done ? { done } : {}),
    ...(said.problem === undefined ? {} : { problem: said.problem }),
  });
  return show(
    reply,
    status,
    frame({ title: 'Top up', content, visitor, place: 'topup', live: { view: 'ledger', cursor } }),
  );
}
