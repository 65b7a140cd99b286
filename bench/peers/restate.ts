// (d) Restate as its documentation advises: a virtual object per round, whose state remembers what was
// answered; each wallet call is a durable step, what follows the answer a one-way call to a service.
import './promise-with-resolvers';
import * as restate from '@restatedev/restate-sdk';
import { request as httpRequest, Agent } from 'undici';
import { readConfig, sayReady } from '../processes';
import { listenAsPeer, type MoneyReply, type MoneyRequest, type PeerConfig } from './front';
import { betOf, createWalletCalls, Declined } from './wallet-calls';

export interface RestateConfig extends PeerConfig {
  /** Where the Restate server calls this process. */
  readonly endpointPort: number;
  /** Where this process calls the Restate server. */
  readonly ingressUrl: string;
  readonly adminUrl: string;
}

const config = readConfig<RestateConfig>();
const wallet = createWalletCalls(config);

async function callWallet(request: MoneyRequest): Promise<MoneyReply> {
  const bet = betOf(request);
  try {
    const balance =
      request.kind === 'stake' ? await wallet.take(bet) : await wallet.give(bet, request.amount);
    return { code: 0, balance };
  } catch (error) {
    if (error instanceof Declined) return { code: 2, why: 'Insufficient funds' };
    throw error;
  }
}

const followUp = restate.service({
  name: 'followUp',
  handlers: {
    async follow(context: restate.Context, owed: { request: MoneyRequest; balance: string }) {
      const { request, balance } = owed;
      const bet = betOf(request);
      const isStake = request.kind === 'stake';
      const payout = isStake ? '0' : request.amount;
      if (request.isClose) await context.run('end', () => wallet.end(bet, payout));
      await context.run('report', () =>
        wallet.report(bet, isStake ? 'create' : 'update', payout, balance),
      );
    },
  },
});

const round = restate.object({
  name: 'round',
  handlers: {
    async money(context: restate.ObjectContext, request: MoneyRequest): Promise<MoneyReply> {
      const operation = `${request.kind}/${request.transaction}`;
      const known = await context.get<MoneyReply>(operation);
      if (known) return known;
      const reply = await context.run(request.kind, () => callWallet(request));
      context.set(operation, reply);
      if (reply.code === 0) {
        context.serviceSendClient(followUp).follow({ request, balance: reply.balance });
      }
      return reply;
    },
  },
});

const dispatcher = new Agent({ connections: 64, pipelining: 1 });

async function settle(request: MoneyRequest): Promise<MoneyReply> {
  const key = encodeURIComponent(`${request.playerId}-${request.round}`);
  const reply = await httpRequest(`${config.ingressUrl}/round/${key}/money`, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (reply.statusCode !== 200) throw new Error(`Restate: ${await reply.body.text()}`);
  return (await reply.body.json()) as MoneyReply;
}

async function start(): Promise<void> {
  await restate.serve({ services: [round, followUp], port: config.endpointPort });
  const registered = await httpRequest(`${config.adminUrl}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${String(config.endpointPort)}` }),
  });
  if (registered.statusCode >= 300) throw new Error(await registered.body.text());
  listenAsPeer(config, settle, sayReady);
}

void start();
