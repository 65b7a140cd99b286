import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import type { Clock } from '../../lib/clock';
import { parseLosslessJson } from '../../lib/json';
import { REPORT_PAGE_MAX, reportBook } from './book-report';
import { FAULT_MODES, type FaultSwitchboard } from './fault-switchboard';
import { createFieldReader, ShapeError, USER_AGENT, type FieldReader } from './field-reader';
import { openPlayer, post } from './ledger';
import type { Money } from './money-text';
import { inTransaction } from './open-book';
import { WALLET_ENDPOINTS } from './wallet-request';

export interface SandboxRouteDeps {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly money: Money;
  readonly prefix: string;
  readonly faults: FaultSwitchboard;
}

/** Enough for any run; a fault that is to last is switched off with mode `none`. */
const FAULT_COUNT_MAX = 1_000_000;
const FAULT_DELAY_MAX_MS = 600_000;
const DEFAULT_SLOW_MS = 3_000;

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
  const amountMinor = fields.amountOrText('amount');
  const at = new Date(deps.clock.nowMs());
  const balanceMinor = await inTransaction(deps.pool, async (tx) => {
    const player = await openPlayer(tx, userAgent, deps.money.openingMinor, at);
    return post(tx, player, { kind: 'topup', against: 'bank', amountMinor, at });
  });
  return { user_agent: userAgent, balance: deps.money.text(balanceMinor) };
}

async function changePlayer(deps: SandboxRouteDeps, fields: FieldReader): Promise<object> {
  const userAgent = readPlayer(deps, fields);
  const wantedMinor = fields.has('balance') ? fields.amountOrText('balance') : undefined;
  const blocked = fields.has('blocked') ? fields.flag('blocked') : undefined;
  const at = new Date(deps.clock.nowMs());
  return inTransaction(deps.pool, async (tx) => {
    const player = await openPlayer(tx, userAgent, wantedMinor ?? deps.money.openingMinor, at);
    const amountMinor = (wantedMinor ?? player.balanceMinor) - player.balanceMinor;
    const movement = { kind: 'adjustment', against: 'bank', amountMinor, at } as const;
    const balanceMinor = await post(tx, player, movement);
    if (blocked !== undefined) {
      await tx.query('UPDATE account SET blocked = $2 WHERE account_id = $1', [
        player.accountId,
        blocked,
      ]);
    }
    return {
      user_agent: userAgent,
      balance: deps.money.text(balanceMinor),
      blocked: blocked ?? player.blocked,
    };
  });
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
