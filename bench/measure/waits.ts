import { Client } from 'pg';

/** What a PostgreSQL server's connections were doing while they were at work, looked at again and again. */
export interface Waits {
  /** Connections at work at a time, on average: on the processor or waiting for something. */
  readonly active: number;
  /** Of these, how many waited for what, most first; `CPU` are those that did not wait. */
  readonly by: readonly (readonly [event: string, connections: number])[];
}

/** Often enough for some hundred looks a turn, and less than a percent of the processor. */
const LOOK_MS = 100;

/** Looks at a server until it is ended; a statement is at work, an idle connection is not. */
export async function watchWaits(url: string): Promise<{ end(): Promise<Waits> }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const counts = new Map<string, number>();
  let looks = 0;
  let ended = false;
  const look = async () => {
    const { rows } = await client.query<{ event: string; count: number }>(
      `SELECT coalesce(wait_event_type || ':' || wait_event, 'CPU') AS event, count(*)::int AS count
         FROM pg_stat_activity
        WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        GROUP BY 1`,
    );
    looks += 1;
    for (const { event, count } of rows) counts.set(event, (counts.get(event) ?? 0) + count);
  };
  const looking = (async () => {
    while (!ended) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();
  return {
    async end() {
      ended = true;
      await looking;
      await client.end();
      const by = [...counts]
        .map(([event, count]) => [event, count / Math.max(1, looks)] as const)
        .sort(([, a], [, b]) => b - a);
      return { active: by.reduce((sum, [, count]) => sum + count, 0), by };
    },
  };
}
