import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Pool } from 'pg';
import { sleep, type Clock } from '../../lib/clock';
import { JsonSyntaxError, parseLosslessJson, type LosslessJson } from '../../lib/json';
import { refusal, type WalletReply } from './call-gate';
import { logCallback, type Callback } from './callback-log';
import type { Fault, FaultSwitchboard } from './fault-switchboard';
import { ShapeError } from './field-reader';
import type { Money } from './money-text';
import { isSigned } from './signature';
import type { Wallet } from './wallet';
import {
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
  /** Aborted when the casino closes: ends slow and hanging calls. */
  readonly closing: AbortSignal;
}

type Received = Omit<Callback, 'replyStatus' | 'replyBody'>;

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
      };
      if (read.refused) return answer(reply, deps, received, read.refused);
      return decideCall(reply, deps, received, read.request);
    });
  }
}

type ReadCall =
  | { readonly signatureOk: boolean; readonly refused: WalletReply }
  | { readonly signatureOk: true; readonly refused?: undefined; readonly request: WalletRequest };

function readCall(endpoint: WalletEndpoint, body: string, deps: WalletRouteDeps): ReadCall {
  let lossless: LosslessJson;
  try {
    lossless = parseLosslessJson(body);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { signatureOk: false, refused: refusal(400, 'the body is not JSON') };
  }
  // The document's rule signs what JSON.parse makes of the body, not its bytes.
  if (!isSigned(JSON.parse(body), deps.agentSecret)) {
    return { signatureOk: false, refused: refusal(401, 'invalid signature') };
  }
  try {
    return {
      signatureOk: true,
      request: readWalletRequest(endpoint, lossless, deps.money.exponent),
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return { signatureOk: true, refused: refusal(400, error.message) };
  }
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
  const answered = !loses(fault);
  const decision = await deps.wallet.decide(request, {
    declineFunds: fault?.mode === 'decline',
    beforeCommit: (tx, decided) =>
      logCallback(tx, answered ? withReply(received, decided) : received),
  });
  if (!decision.keep) {
    await logCallback(deps.pool, answered ? withReply(received, decision) : received);
  }
  if (!answered) {
    reply.hijack();
    reply.raw.destroy();
    return reply;
  }
  return send(reply, decision);
}

function loses(fault: Fault | undefined): boolean {
  return fault?.mode === 'lose_answer';
}

async function hang(
  reply: FastifyReply,
  deps: WalletRouteDeps,
  received: Received,
): Promise<FastifyReply> {
  await logCallback(deps.pool, received);
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
  await logCallback(deps.pool, withReply(received, refused));
  return send(reply, refused);
}

function withReply(received: Received, reply: WalletReply): Callback {
  return { ...received, replyStatus: reply.status, replyBody: reply.body };
}

function send(reply: FastifyReply, answered: WalletReply): FastifyReply {
  return reply
    .code(answered.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(answered.body);
}
