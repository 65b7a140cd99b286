import { readFileSync, writeFileSync } from 'node:fs';

/** A round's history as Temporal tells it: plain objects, whole numbers, bytes. */
export interface Recorded {
  readonly workflowId: string;
  readonly history: object;
}

/** How bytes stand in the file. */
interface Bytes {
  readonly base64: string;
}

/**
 * Writes a history as JSON, without the traces of the machine that made it. In a form of our own: the
 * SDK's own conversion from and to JSON works only where npm installs a single copy of protobufjs.
 */
export function writeHistory(file: string, { workflowId, history }: Recorded): void {
  const text = JSON.stringify({ workflowId, history: plain(history) }, undefined, 1);
  writeFileSync(file, `${text}\n`);
}

export function readHistory(file: string): Recorded {
  return JSON.parse(readFileSync(file, 'utf8'), (_, value: unknown) =>
    isBytes(value) ? Buffer.from(value.base64, 'base64') : value,
  ) as Recorded;
}

/** The file's text with its payloads made readable. */
export function readableHistory(file: string): string {
  return JSON.stringify(JSON.parse(readFileSync(file, 'utf8')), (_, value: unknown) =>
    isBytes(value) ? Buffer.from(value.base64, 'base64').toString() : value,
  );
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return { base64: Buffer.from(value).toString('base64') } satisfies Bytes;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if ('low' in value && 'toNumber' in value) return (value as { toNumber(): number }).toNumber();
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'stackTrace')
      .map(([name, inner]) => [name, plain(inner)]),
  );
}

function isBytes(value: unknown): value is Bytes {
  return typeof value === 'object' && value !== null && 'base64' in value;
}
