/** One connection's catalogue, taken over now. */
export const SYNC_CATALOGUE_WORKFLOW = 'syncCatalogueWorkflow';
/** Every active connection's catalogue: what the schedule starts. */
export const SYNC_CATALOGUES_WORKFLOW = 'syncCataloguesWorkflow';
export const CATALOGUE_SCHEDULE_ID = 'catalogue-sync';

export interface SyncCatalogueInput {
  readonly connectionKey: string;
}

/** What a catalogue changed, as an operator reads it in the workflow's result. */
export interface SyncCatalogueResult {
  readonly connection: string;
  readonly total: number;
  readonly added: number;
  readonly returned: number;
  readonly vanished: number;
  readonly newProducts: readonly string[];
}

export interface SyncCataloguesResult {
  readonly synced: readonly SyncCatalogueResult[];
  /** Their last good copies stay in force; the next run tries again. */
  readonly failed: readonly { readonly connection: string; readonly reason: string }[];
}

export interface CatalogueActivities {
  /** Takes over one connection's catalogue. Fails, and changes nothing, when there is no good answer. */
  syncCatalogue(input: SyncCatalogueInput): Promise<SyncCatalogueResult>;
  /** The keys of the connections whose catalogues are kept up to date. */
  listConnectionsToSync(): Promise<string[]>;
}
