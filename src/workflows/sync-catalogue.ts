import {
  ActivityFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  type ActivityOptions,
} from '@temporalio/workflow';
import type {
  CatalogueActivities,
  SyncCatalogueInput,
  SyncCatalogueResult,
  SyncCataloguesResult,
} from '../contracts/catalogue-sync';

// A few tries, then the next run of the schedule: the last good copy stays in force meanwhile.
const SYNC_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '60 seconds',
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    maximumAttempts: 5,
    // An unknown connection stays unknown.
    nonRetryableErrorTypes: ['RefusedError'],
  },
};

const activities = proxyActivities<CatalogueActivities>(SYNC_OPTIONS);

/** Takes over one connection's catalogue; fails when five tries brought no good answer. */
export async function syncCatalogueWorkflow(
  input: SyncCatalogueInput,
): Promise<SyncCatalogueResult> {
  return sync(input.connectionKey);
}

/**
 * Takes over the catalogue of every active connection, side by side: one provider that is down keeps no
 * other from its update, and is named in the result.
 */
export async function syncCataloguesWorkflow(): Promise<SyncCataloguesResult> {
  const keys = await activities.listConnectionsToSync();
  const synced: SyncCatalogueResult[] = [];
  const failed: { connection: string; reason: string }[] = [];
  await Promise.all(
    keys.map(async (connection) => {
      try {
        synced.push(await sync(connection));
      } catch (error) {
        // Only the activity's own failure is an answer; a cancellation or a bug ends the workflow.
        if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
        failed.push({ connection, reason: error.cause?.message ?? error.message });
      }
      setCurrentDetails(detailsOf(synced, failed));
    }),
  );
  return { synced, failed };
}

function sync(connectionKey: string): Promise<SyncCatalogueResult> {
  return activities.syncCatalogue.executeWithOptions(
    { ...SYNC_OPTIONS, summary: `GetListGames of ${connectionKey}` },
    [{ connectionKey }],
  );
}

function detailsOf(
  synced: readonly SyncCatalogueResult[],
  failed: SyncCataloguesResult['failed'],
): string {
  const lines = [
    ...synced.map(
      (one) => `${one.connection}: ${one.total} games, ${one.added} new, ${one.vanished} vanished`,
    ),
    ...failed.map((one) => `${one.connection}: failed, ${one.reason}`),
  ];
  return lines.join('\n');
}
