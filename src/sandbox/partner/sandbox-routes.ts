import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { parseLosslessJson } from '../../lib/json';
import { REPORT_PAGE_MAX, reportBook } from './book-report';
import type { Cashier } from './cashier';
import {
  DEFAULT_SLOW_MS,
  FAULT_COUNT_MAX,
  FAULT_DELAY_MAX_MS,
  FAULT_MODES,
  type FaultSwitchboard,
} from './fault-switchboard';
import { createFieldReader, ShapeError, USER_AGENT, type FieldReader } from './field-reader';
import type { Money } from './money-text';
import { WALLET_ENDPOINTS } from './wallet-request';

export interface SandboxRouteDeps {
  readonly pool: Pool;
  readonly money: Money;
  readonly prefix: string;
  readonly faults: FaultSwitchboard;
  readonly cashier: Cashier;
}

/**
 * What tests, audits and chaos runs steer the casino with. Unauthenticated, so it answers this machine only.
 *
 *   POST /sandbox/players  {user_agent, balance?, blocked?}   opens or changes a player
 *   POST /sandbox/topup    {user_agent, amount}
 *   GET  /sandbox/book     ?after=&players_after=&limit=
 *   GET|POST /sandbox/faults  {endpoint, mode, count?, delay_ms?}
 */
export function registerSandboxRoutes(app: FastifyInstance, deps: SandboxRouteDeps): void {
  const read = (request: FastifyRequest): FieldReader =>
    createFieldReader(
      parseLosslessJson(typeof request.body === 'string' ? request.body : ''),
      deps.money.exponent,
    );

  app.addHook('onRequest', async (request, reply) => {
    if (isLoopback(request.ip)) return;
    return reply.code(403).send({ error: 'the sandbox answers its own machine only' });
  });

  app.post('/sandbox/players', async (request) => changePlayer(deps, read(request)));
  app.post('/sandbox/topup', async (request) => topUp(deps, read(request)));
  app.get<{ Querystring: Record<string, string | undefined> }>('/sandbox/book', async (request) =>
    reportBook(deps.pool, deps.money, readPage(request.query)),
  );
  app.get('/sandbox/faults', () => listFaults(deps));
  app.post('/sandbox/faults', (request, reply) => {
    const fields = read(request);
    deps.faults.set(fields.oneOf('endpoint', WALLET_ENDPOINTS), {
      mode: fields.oneOf('mode', FAULT_MODES),
      count: fields.has('count') ? fields.integer('count', 0, FAULT_COUNT_MAX) : 1,
      delayMs: fields.has('delay_ms')
        ? fields.integer('delay_ms', 0, FAULT_DELAY_MAX_MS)
        : DEFAULT_SLOW_MS,
    });
    return reply.send(listFaults(deps));
  });
}

function listFaults(deps: SandboxRouteDeps): object {
  return {
    faults: deps.faults.list().map(({ endpoint, mode, count, delayMs }) => ({
      endpoint,
      mode,
      count,
      delay_ms: delayMs,
    })),
  };
}

async function topUp(deps: SandboxRouteDeps, fields: FieldReader): Promise<object> {
  const userAgent = readPlayer(deps, fields);
  const balanceMinor = await deps.cashier.topUp(userAgent, fields.amountOrText('amount'));
  return { user_agent: userAgent, balance: deps.money.text(balanceMinor) };
}

async function changePlayer(deps: SandboxRouteDeps, fields: FieldReader): Promise<object> {
  const userAgent = readPlayer(deps, fields);
  const { balanceMinor, blocked } = await deps.cashier.change(userAgent, {
    ...(fields.has('balance') ? { balanceMinor: fields.amountOrText('balance') } : {}),
    ...(fields.has('blocked') ? { blocked: fields.flag('blocked') } : {}),
  });
  return { user_agent: userAgent, balance: deps.money.text(balanceMinor), blocked };
}

function readPlayer(deps: SandboxRouteDeps, fields: FieldReader): string {
  const userAgent = fields.text('user_agent', USER_AGENT);
  if (!userAgent.startsWith(`${deps.prefix}.`)) {
    throw new ShapeError(`user_agent must begin with ${deps.prefix}.`);
  }
  return userAgent;
}

function readPage(query: Record<string, string | undefined>) {
  const after = query.after ?? '0';
  if (!/^\d{1,18}$/.test(after)) throw new ShapeError('after is not usable');
  const limit = Number(query.limit ?? REPORT_PAGE_MAX);
  if (!Number.isInteger(limit) || limit < 1 || limit > REPORT_PAGE_MAX) {
    throw new ShapeError(`limit must be a whole number from 1 to ${REPORT_PAGE_MAX}`);
  }
  const afterPlayer = query.players_after ?? '';
  if (afterPlayer !== '' && !USER_AGENT.test(afterPlayer)) {
    throw new ShapeError('players_after is not usable');
  }
  return { afterBet: BigInt(after), afterPlayer, limit };
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.') || ip.startsWith('::ffff:127.');
}
