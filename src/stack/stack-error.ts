/**
 * A reason why the stack cannot start or go on that the person at the keyboard can do something
 * about. Its message is one or two sentences that say what is wrong and what to do; it is printed
 * without a stack trace.
 */
export class StackError extends Error {
  override name = 'StackError';
}

/** The `code` of a system or database error (`EACCES`, `3D000`), or undefined for every other value. */
export function systemErrorCode(error: unknown): string | undefined {
  return textField(error, 'code');
}

export function messageOf(error: unknown): string {
  return textField(error, 'message') ?? String(error);
}

// By its fields rather than its class: an error of Node's own has another `Error` inside a test's sandbox.
function textField(value: unknown, name: 'code' | 'message'): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const field: unknown = (value as Partial<Record<typeof name, unknown>>)[name];
  return typeof field === 'string' ? field : undefined;
}
