import type { Pool } from '../../src/db/pool';

/** A statement as PostgreSQL carried it out: auto_explain's own words. */
export interface StatementPlan {
  readonly query: string;
  readonly plan: PlanNode;
}

export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What one kind of statement did at most. */
export interface StatementCost {
  readonly query: string;
  times: number;
  /** Rows that its scans looked at, and pages that it touched: neither may grow with the book. */
  rowsRead: number;
  pages: number;
  /** Why a plan of it would grow with the book; empty when none would. */
  readonly faults: Set<string>;
}

/**
 * Rows one scan may look at. A seal is over a thousand rounds, and reads each with its last line; everything
 * else reads one round, or some hundred that are overdue.
 */
const ROWS_READ_MAX = 5_000;
/** A table this small is read whole, whatever its indexes: a month that has only begun, a partition of no month. */
const SMALL_ROWS = 1_000;

/** Settings of a database that have every statement's plan told, those of triggers too. */
export const TELL_PLANS: Readonly<Record<string, string>> = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_buffers': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_nested_statements': 'on',
  'auto_explain.log_format': 'json',
};

/**
 * Has every statement on this pool's database told from now on, with its plan, in every process: connections
 * that are open are ended, and made anew by whoever needs them. Other pools' next statement may fail for it.
 *
 * @param level `log` for the server's log, `notice` for the client that asks
 */
export async function tellPlans(pool: Pool, level: 'log' | 'notice' | 'off'): Promise<void> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      'SELECT quote_ident(current_database()) AS name',
    );
    const name = rows[0]?.name ?? '';
    for (const [setting, value] of Object.entries({
      ...TELL_PLANS,
      'auto_explain.log_level': level,
    })) {
      await client.query(
        level === 'off'
          ? `ALTER DATABASE ${name} RESET ${setting}`
          : `ALTER DATABASE ${name} SET ${setting} = '${value}'`,
      );
    }
    // Our own idle ones are put away, not killed: nobody is handed one that has just died.
    const idle = await Promise.all(Array.from({ length: pool.idleCount }, () => pool.connect()));
    for (const each of idle) each.release(true);
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  } finally {
    // This one as well: it would go back into the pool without the settings.
    client.release(true);
  }
}

/** The plans in a server's log, or in one notice. */
export function readPlans(text: string): StatementPlan[] {
  const plans: StatementPlan[] = [];
  for (const [, json = ''] of text.matchAll(/plan:\n((?:[\t ]*[{}" ].*(?:\n|$))+)/g)) {
    try {
      const told = JSON.parse(json) as { 'Query Text': string; Plan: PlanNode };
      plans.push({ query: told['Query Text'], plan: told.Plan });
    } catch {
      // A line that another process wrote into the middle.
    }
  }
  return plans;
}

/** Relations, partitions each by itself, that are too large to be read whole. */
export async function largeRelations(pool: Pool): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > $1`,
    [SMALL_ROWS],
  );
  return new Set(rows.map(({ name }) => name));
}

/**
 * What each kind of statement cost at most, and which would cost more with a larger book.
 *
 * @param rowsMax what a scan may look at: less where there is less to do
 */
export function judgePlans(
  plans: readonly StatementPlan[],
  large: ReadonlySet<string>,
  rowsMax = ROWS_READ_MAX,
): StatementCost[] {
  const costs = new Map<string, StatementCost>();
  for (const { query, plan } of plans) {
    const name = query.replaceAll(/\s+/g, ' ').trim();
    const cost = costs.get(name) ?? {
      query: name,
      times: 0,
      rowsRead: 0,
      pages: 0,
      faults: new Set<string>(),
    };
    costs.set(name, cost);
    cost.times += 1;
    cost.pages = Math.max(
      cost.pages,
      (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
    );
    for (const node of nodesOf(plan)) judgeNode(node, cost, large, rowsMax);
  }
  return [...costs.values()].sort((a, b) => b.rowsRead - a.rowsRead);
}

function judgeNode(
  node: PlanNode,
  cost: StatementCost,
  large: ReadonlySet<string>,
  rowsMax: number,
): void {
  const relation = node['Relation Name'];
  if (relation === undefined || !node['Node Type'].includes('Scan')) return;
  const loops = node['Actual Loops'] ?? 0;
  const perLoop =
    (node['Actual Rows'] ?? 0) +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  const read = Math.round(perLoop * loops);
  cost.rowsRead = Math.max(cost.rowsRead, read);
  if (node['Node Type'] === 'Seq Scan' && large.has(relation))
    cost.faults.add(`reads all of ${relation}`);
  if (read > rowsMax) cost.faults.add(`looks at ${String(read)} rows of ${relation}`);
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
