// (b) Temporal as its documentation advises for request and response: update-with-start for the request
// that opens the round, an update for the next one; the update's id is the operation, so that the server
// answers a repeat with the first outcome.
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { readConfig, sayReady } from '../processes';
import { listenAsPeer, type MoneyReply, type MoneyRequest } from './front';
import { moneyUpdate, textbookRound } from './textbook-workflows';
import type { TextbookConfig } from './textbook-worker';

/** Of one request: below the provider's patience. */
const REQUEST_MS = 9_000;

async function start(): Promise<void> {
  const config = readConfig<TextbookConfig>();
  const connection = await Connection.connect({ address: config.temporalAddress });
  const client = new Client({ connection, namespace: config.namespace });

  async function update(request: MoneyRequest): Promise<MoneyReply> {
    const workflowId = `${request.playerId}/${request.round}`;
    const updateId = `${request.kind}/${request.transaction}`;
    if (request.kind === 'stake') {
      return client.workflow.executeUpdateWithStart(moneyUpdate, {
        updateId,
        args: [request],
        startWorkflowOperation: new WithStartWorkflowOperation(textbookRound, {
          workflowId,
          taskQueue: config.taskQueue,
          args: [],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
        }),
      });
    }
    return client.workflow
      .getHandle(workflowId)
      .executeUpdate(moneyUpdate, { updateId, args: [request] });
  }

  const settle = (request: MoneyRequest) =>
    client.withDeadline(Date.now() + REQUEST_MS, () => update(request));
  listenAsPeer(config, settle, sayReady);
}

void start();
