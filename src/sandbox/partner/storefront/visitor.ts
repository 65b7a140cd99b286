import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SafeHtml } from '../../../lib/html';
import { playerName } from '../demo-players';
import type { StorefrontDeps } from './storefront-deps';

/** Who is signed in, as every page shows them. */
export interface Visitor {
  readonly userAgent: string;
  readonly name: string;
  /** With all decimals and the currency's code. */
  readonly balance: string;
  readonly blocked: boolean;
}

/** The signed-in player's handle; undefined when nobody is signed in. */
export function playerOf(request: FastifyRequest, deps: StorefrontDeps): string | undefined {
  return deps.cookie.read(request.headers.cookie, deps.clock.nowMs());
}

/** The signed-in player with their balance of now, their account opened if they have none. */
export async function visitorOf(userAgent: string, deps: StorefrontDeps): Promise<Visitor> {
  const balanceMinor = await deps.cashier.open(userAgent);
  const account = (await deps.accounts.accounts([userAgent])).get(userAgent);
  return {
    userAgent,
    name: playerName(userAgent, deps.prefix),
    balance: deps.money.label(account?.balanceMinor ?? balanceMinor),
    blocked: account?.blocked ?? false,
  };
}

export function formOf(request: FastifyRequest): URLSearchParams {
  return request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
}

/** Sends one page; its policy and its other headers were set when the request came in. */
export function show(reply: FastifyReply, status: number, markup: SafeHtml): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .send(markup.toString());
}
