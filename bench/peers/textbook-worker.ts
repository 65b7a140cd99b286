// The textbook's worker: a regular activity for each wallet call, the SDK's defaults for everything else.
import { NativeConnection, Worker } from '@temporalio/worker';
import { readConfig, sayReady } from '../processes';
import type { MoneyReply, MoneyRequest, PeerConfig } from './front';
import { betOf, createWalletCalls, Declined } from './wallet-calls';

export interface TextbookConfig extends PeerConfig {
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly taskQueue: string;
}

export type TextbookActivities = ReturnType<typeof createActivities>;

function createActivities(config: PeerConfig) {
  const wallet = createWalletCalls(config);
  const payoutOf = (request: MoneyRequest) => (request.kind === 'stake' ? '0' : request.amount);
  return {
    async takeStake(request: MoneyRequest): Promise<MoneyReply> {
      try {
        return { code: 0, balance: await wallet.take(betOf(request)) };
      } catch (error) {
        if (error instanceof Declined) return { code: 2, why: 'Insufficient funds' };
        throw error;
      }
    },
    async payOut(request: MoneyRequest): Promise<MoneyReply> {
      return { code: 0, balance: await wallet.give(betOf(request), request.amount) };
    },
    endBet: (request: MoneyRequest) => wallet.end(betOf(request), payoutOf(request)),
    reportBet(request: MoneyRequest, balance: string): Promise<void> {
      const type = request.kind === 'stake' ? 'create' : 'update';
      return wallet.report(betOf(request), type, payoutOf(request), balance);
    },
  };
}

async function startWorker(): Promise<void> {
  const config = readConfig<TextbookConfig>();
  const connection = await NativeConnection.connect({ address: config.temporalAddress });
  const worker = await Worker.create({
    connection,
    namespace: config.namespace,
    taskQueue: config.taskQueue,
    workflowsPath: require.resolve('./textbook-workflows'),
    activities: createActivities(config),
  });
  sayReady();
  await worker.run();
  process.exit(0);
}

void startWorker();
