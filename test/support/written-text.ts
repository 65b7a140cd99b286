import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client as TemporalClient, Connection } from '@temporalio/client';
import { Client } from 'pg';

/** Something a system has written somewhere, as the bytes that lie there. */
export interface Written {
  readonly where: string;
  readonly bytes: Buffer;
}

/** Every file below a folder whose path, from there, passes the filter. */
export function filesBelow(
  folder: string,
  wanted: (path: string) => boolean,
  from = '',
): Written[] {
  return readdirSync(join(folder, from)).flatMap((name) => {
    const path = join(from, name);
    if (!wanted(path)) return [];
    if (statSync(join(folder, path)).isDirectory()) return filesBelow(folder, wanted, path);
    return [{ where: path, bytes: readFileSync(join(folder, path)) }];
  });
}

/** Every row of every table of a database, as PostgreSQL prints it; bytes as they are and in hex. */
export async function tablesOf(databaseUrl: string): Promise<Written[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name
         FROM information_schema.tables
        WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    );
    const written: Written[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<Record<string, unknown>>(`SELECT t.* FROM ${name} t`);
      const { rows: texts } = await client.query<{ row: string }>(
        `SELECT t::text AS row FROM ${name} t`,
      );
      const bytes = rows.flatMap((row) => Object.values(row).filter((one) => Buffer.isBuffer(one)));
      const text = Buffer.from(texts.map(({ row }) => row).join('\n'));
      written.push({
        where: `table ${name}`,
        bytes: Buffer.concat([text, ...(bytes as Buffer[])]),
      });
    }
    return written;
  } finally {
    await client.end();
  }
}

/** The histories of all workflows, as their client gets them, payloads decoded. */
export async function historiesOf(address: string): Promise<Written[]> {
  const connection = await Connection.connect({ address });
  try {
    const client = new TemporalClient({ connection });
    const written: Written[] = [];
    for await (const { workflowId, runId } of client.workflow.list()) {
      const handle = client.workflow.getHandle(workflowId, runId);
      const parts: Buffer[] = [];
      collect([await handle.fetchHistory(), await handle.describe()], parts, new Set());
      written.push({ where: `workflow ${workflowId}`, bytes: Buffer.concat(parts) });
    }
    return written;
  } finally {
    await connection.close();
  }
}

// Payloads are bytes, at any depth of an event.
function collect(value: unknown, parts: Buffer[], seen: Set<unknown>): void {
  if (typeof value === 'string') return void parts.push(Buffer.from(`${value}\n`));
  if (value instanceof Uint8Array || Buffer.isBuffer(value))
    return void parts.push(Buffer.from(value));
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  for (const [name, inner] of Object.entries(value)) {
    parts.push(Buffer.from(`${name} `));
    collect(inner, parts, seen);
  }
}

/**
 * Where a secret can be read: as it is, in hex, or in base64.
 *
 * @param secrets by a name that may be told; each long enough not to be there by chance
 * @returns one line a find, without the secret
 */
export function leaksOf(
  secrets: Readonly<Record<string, string>>,
  written: readonly Written[],
): string[] {
  const looks = Object.entries(secrets).flatMap(([name, secret]) => {
    if (secret.length < 8) throw new Error(`${name} is too short to be looked for`);
    const bytes = Buffer.from(secret);
    const encodings = [secret, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')];
    return encodings.map((text) => ({ name, needle: Buffer.from(text.slice(0, 40)) }));
  });
  return written.flatMap(({ where, bytes }) =>
    looks.filter(({ needle }) => bytes.includes(needle)).map(({ name }) => `${name} in ${where}`),
  );
}
