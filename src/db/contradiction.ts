/** One row of the book that contradicts another. */
export interface Contradiction {
  readonly rule: string;
  readonly where: string;
  readonly detail: string;
}

/** Takes what a check of the audit finds. */
export type Found = (contradiction: Contradiction) => void;
