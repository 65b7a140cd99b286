export const SEAL_WORKFLOW = 'sealWorkflow';
export const SEAL_SCHEDULE_ID = 'seal';

export interface SealResult {
  /** Journal heads sealed now. */
  readonly heads: number;
  /** The newest seal, so that Temporal's history is a witness of it outside the book; null before the first. */
  readonly last: { readonly number: string; readonly hash: string } | null;
}

export interface SealActivities {
  /** Seals the last journal line of every round that changed since the seal before. */
  sealJournal(): Promise<SealResult>;
}
