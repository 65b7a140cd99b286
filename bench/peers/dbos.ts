// (c) DBOS as its documentation advises: a durable workflow per operation, named by the operation, whose
// wallet call is a step; what follows the answer is a workflow of its own that it starts.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { readConfig, sayReady } from '../processes';
import { listenAsPeer, type MoneyReply, type MoneyRequest, type PeerConfig } from './front';
import { betOf, createWalletCalls, Declined } from './wallet-calls';

const RETRY = { retriesAllowed: true, maxAttempts: 100, intervalSeconds: 1 };

const config = readConfig<PeerConfig>();
const wallet = createWalletCalls(config);
const keyOf = ({ playerId, round }: MoneyRequest) => `${playerId}/${round}`;

async function follow(request: MoneyRequest, balance: string): Promise<void> {
  const bet = betOf(request);
  const isStake = request.kind === 'stake';
  const payout = isStake ? '0' : request.amount;
  if (request.isClose) await DBOS.runStep(() => wallet.end(bet, payout), { name: 'end', ...RETRY });
  await DBOS.runStep(() => wallet.report(bet, isStake ? 'create' : 'update', payout, balance), {
    name: 'report',
    ...RETRY,
  });
}
const followWorkflow = DBOS.registerWorkflow(follow, { name: 'follow' });

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

async function money(request: MoneyRequest): Promise<MoneyReply> {
  const reply = await DBOS.runStep(() => callWallet(request), { name: request.kind, ...RETRY });
  if (reply.code === 0) {
    const workflowID = `follow/${request.kind}/${keyOf(request)}`;
    await DBOS.startWorkflow(followWorkflow, { workflowID })(request, reply.balance);
  }
  return reply;
}
const moneyWorkflow = DBOS.registerWorkflow(money, { name: 'money' });

async function settle(request: MoneyRequest): Promise<MoneyReply> {
  const workflowID = `${request.kind}/${keyOf(request)}/${request.transaction}`;
  const handle = await DBOS.startWorkflow(moneyWorkflow, { workflowID })(request);
  return handle.getResult();
}

async function start(): Promise<void> {
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: config.databaseUrl,
    logLevel: 'error',
    runAdminServer: false,
  });
  await DBOS.launch();
  listenAsPeer(config, settle, sayReady);
}

void start();
