/** Broken code, not a broken world: reaching one of these means a bug in Roundhouse itself. */
export class AssertionError extends Error {
  override name = 'AssertionError';
}

/**
 * Stops the current request or task when a thing that must always hold does not.
 *
 * @throws AssertionError with the message given; never use it for bad input.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Makes a switch total: the compiler refuses a call that could be reached. */
export function assertNever(value: never): never {
  throw new AssertionError(`unexpected value: ${JSON.stringify(value)}`);
}
