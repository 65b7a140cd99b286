/**
 * Input the book does not take: the field's name as the caller wrote it, and why. Nothing was changed.
 * The CLI prints it and exits with 2.
 */
export class RefusedError extends Error {
  override name = 'RefusedError';
  constructor(
    readonly field: string,
    readonly reason: string,
  ) {
    super(`${field}: ${reason}`);
  }
}

/** PostgreSQL's name for a broken unique key. */
const UNIQUE_VIOLATION = '23505';

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
}
