export const SWEEP_WORKFLOW = 'sweepWorkflow';
export const SWEEP_SCHEDULE_ID = 'sweep';

export interface SweepResult {
  /** Rounds the book had work for and nobody had worked on in time. */
  readonly driven: number;
  /** Rounds that could not be handed over; the next sweep tries them again. */
  readonly failed: number;
}

export interface SweepActivities {
  /** Finds rounds with overdue work in the book and signals (or starts) their workflows. */
  sweepBook(): Promise<SweepResult>;
}
