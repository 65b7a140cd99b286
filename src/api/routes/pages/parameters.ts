/** One value of a query or a form; given twice it counts as missing, since nobody knows which was meant. */
export function textParameter(source: unknown, name: string): string | undefined {
  if (source instanceof URLSearchParams) {
    const values = source.getAll(name);
    return values.length === 1 ? values[0] : undefined;
  }
  if (typeof source !== 'object' || source === null || !Object.hasOwn(source, name)) {
    return undefined;
  }
  const value = (source as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}

export function queryOf(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parameters).toString();
}
