import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Pool } from 'pg';
import { sleep, type Clock } from '../../lib/clock';
import { JsonSyntaxError, parseLosslessJson, type LosslessJson } from '../../lib/json';
import type { Bell } from './bell';
import { refusal, type Decision, type WalletReply } from './call-gate';
import type { Callback, CallbackLog } from './callback-log';
import type { FaultSwitchboard } from './fault-switchboard';
import { ShapeError, USER_AGENT } from './field-reader';
import type { Money } from './money-text';
import { isSigned } from './signature';
import type { Wallet } from './wallet';
import {
  BET_ID,
  readWalletRequest,
  WALLET_ENDPOINTS,
  type WalletEndpoint,
  type WalletRequest,
} from './wallet-request';

export interface WalletRouteDeps {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly money: Money;
  readonly agentSecret: string;
  readonly wallet: Wallet;
  readonly faults: FaultSwitchboard;
  readonly callbacks: CallbackLog;
  readonly bell: Bell;
  /** Aborted when the casino closes: ends slow and hanging calls. */
  readonly closing: AbortSignal;
}

type Received = Omit<Callback, 'replyStatus' | 'replyBody' | 'gate' | 'tookMs'>;

/**
 * The wallet's five callbacks. Order of one call: signature, shape, switchboard, decision; each arrival is
 * written to the callback log with what it was answered.
 */
export function registerWalletRoutes(app: FastifyInstance, deps: WalletRouteDeps): void {
  for (const endpoint of WALLET_ENDPOINTS) {
    app.post(`/wallet/${endpoint}`, async (request, reply) => {
      const body = typeof request.body === 'string' ? request.body : '';
      const read = readCall(endpoint, body, deps);
      const received: Received = {
        endpoint,
        receivedAt: new Date(deps.clock.nowMs()),
        body,
        signatureOk: read.signatureOk,
        ...claimsOf(read.fields),
      };
      if (read.refused) return answer(reply, deps, received, read.refused);
      return decideCall(reply, deps, received, read.request);
    });
  }
}

interface ReadFields {
  /** What `JSON.parse` made of the body; undefined when it is not JSON. */
  readonly fields: unknown;
}
type ReadCall = ReadFields &
  (
    | { readonly signatureOk: boolean; readonly refused: WalletReply }
    | { readonly signatureOk: true; readonly refused?: undefined; readonly request: WalletRequest }
  );

function readCall(endpoint: WalletEndpoint, body: string, deps: WalletRouteDeps): ReadCall {
  let lossless: LosslessJson;
  try {
    lossless = parseLosslessJson(body);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return {
      fields: undefined,
      signatureOk: false,
      refused: refusal(400, 'the body is not JSON'),
    };
  }
  // The document's rule signs what JSON.parse makes of the body, not its bytes.
  const fields: unknown = JSON.parse(body);
  if (!isSigned(fields, deps.agentSecret)) {
    return { fields, signatureOk: false, refused: refusal(401, 'invalid signature') };
  }
  try {
    return {
      fields,
      signatureOk: true,
      request: readWalletRequest(endpoint, lossless, deps.money.exponent),
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return { fields, signatureOk: true, refused: refusal(400, error.message) };
  }
}

/** Whom and what a body names, so that a forged one is found where it points to. Nothing is decided by it. */
function claimsOf(fields: unknown): { userAgent?: string; betId?: string } {
  if (typeof fields !== 'object' || fields === null) return {};
  const { user_agent: userAgent, bet_id, _id } = fields as Record<string, unknown>;
  const betId = bet_id ?? _id;
  return {
    ...(typeof userAgent === 'string' && USER_AGENT.test(userAgent) ? { userAgent } : {}),
    ...(typeof betId === 'string' && BET_ID.test(betId) ? { betId } : {}),
  };
}

async function decideCall(
  reply: FastifyReply,
  deps: WalletRouteDeps,
  plainly: Received,
  request: WalletRequest,
): Promise<FastifyReply> {
  const fault = deps.faults.take(request.endpoint);
  const received: Received = fault ? { ...plainly, fault: fault.mode } : plainly;
  if (fault?.mode === 'error500') {
    return answer(reply, deps, received, refusal(500, 'the wallet is out of order'));
  }
  if (fault?.mode === 'hang') return hang(reply, deps, received);
  if (fault?.mode === 'slow') await sleep(fault.delayMs, deps.closing);
  if (fault?.mode === 'decline' && request.endpoint !== 'bet') {
    return answer(reply, deps, received, refusal(403, 'DECLINED'));
  }
  const answered = fault?.mode !== 'lose_answer';
  const told = (decision: Decision) =>
    arrival(deps, answered ? withReply(received, decision) : received, decision.gate);
  const decision = await deps.wallet.decide(request, {
    declineFunds: fault?.mode === 'decline',
    beforeCommit: (tx, decided) => deps.callbacks.write(tx, told(decided)),
  });
  if (!decision.keep) await deps.callbacks.write(deps.pool, told(decision));
  deps.bell.ring(received.userAgent);
  if (!answered) {
    reply.hijack();
    reply.raw.destroy();
    return reply;
  }
  return send(reply, decision);
}

async function hang(
  reply: FastifyReply,
  deps: WalletRouteDeps,
  received: Received,
): Promise<FastifyReply> {
  await deps.callbacks.write(deps.pool, arrival(deps, received));
  deps.bell.ring(received.userAgent);
  reply.hijack();
  const end = () => reply.raw.destroy();
  if (deps.closing.aborted) end();
  deps.closing.addEventListener('abort', end, { once: true });
  reply.raw.once('close', () => deps.closing.removeEventListener('abort', end));
  return reply;
}

async function answer(
  reply: FastifyReply,
  deps: WalletRouteDeps,
  received: Received,
  refused: WalletReply,
): Promise<FastifyReply> {
  await deps.callbacks.write(deps.pool, arrival(deps, withReply(received, refused)));
  deps.bell.ring(received.userAgent);
  return send(reply, refused);
}

function withReply(received: Received, reply: WalletReply) {
  return { ...received, replyStatus: reply.status, replyBody: reply.body };
}

function arrival(
  deps: WalletRouteDeps,
  received: Omit<Callback, 'tookMs' | 'gate'>,
  gate?: Decision['gate'],
): Callback {
  const tookMs = deps.clock.nowMs() - received.receivedAt.getTime();
  return { ...received, tookMs, ...(gate ? { gate } : {}) };
}

function send(reply: FastifyReply, answered: WalletReply): FastifyReply {
  return reply
    .code(answered.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(answered.body);
}
