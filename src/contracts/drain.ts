/**
 * The partner's drain (SPEC §4 rule 14): one workflow a partner makes the calls that its wallet did not
 * answer. Which they are stands in the book; the workflow keeps only how many it dares at once.
 */
export const DRAIN_WORKFLOW = 'drainWorkflow';
export const WAKE_SIGNAL = 'wake';

export function drainWorkflowId(prefix: string): string {
  return `drain/${prefix}`;
}

export interface DrainInput {
  /** The book's own number of the partner. */
  readonly partnerId: number;
  readonly prefix: string;
  /** How long one attempt may take: bounds the activity. */
  readonly attemptMsMax: number;
}

/** What the next batch is made with. */
export interface DrainBatch extends DrainInput {
  /** Calls at once (src/domain/drain-pace.ts). */
  readonly width: number;
  /** The wallet answers again: calls that wait for their next repeat are made now. */
  readonly recovered: boolean;
}

export interface DrainReport {
  readonly done: number;
  /** Not done: unknown, not sent or refused. All stay owed. */
  readonly failed: number;
  /** Calls done a second; missing when too few were made to tell, and from a worker of an earlier version. */
  readonly perSecond?: number | undefined;
  /** Calls still to be made by this drain. */
  readonly left: number;
  /** When there may be something to do again, ms; 0: at once. */
  readonly nextInMs: number;
  /** The most calls at once, by the partner's setting. */
  readonly widthMax: number;
  readonly attemptMsMax: number;
  /** Lines for the operator. */
  readonly statement: readonly string[];
}

export interface DrainActivities {
  /** Makes some calls of the partner's drain, oldest first, and has their rounds told. */
  drainCalls(batch: DrainBatch): Promise<DrainReport>;
}
