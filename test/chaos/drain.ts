import type { Client } from '@temporalio/client';
import type { Pool } from '../../src/db/pool';
import { sleep } from '../../src/lib/clock';

/** What is not at rest yet. */
export interface Unrest {
  readonly calls: number;
  readonly stakes: number;
  readonly payouts: number;
  readonly rounds: number;
  readonly workflows: number;
  /** The first of them by name. */
  readonly examples: readonly string[];
}

const EXAMPLES_MAX = 10;
const POLL_MS = 500;

/**
 * What the book still has to do, and which rounds' workflows still run. With `exceptCases`, rounds that an
 * open case names are left out: they wait for a person.
 */
async function readUnrest(pool: Pool, client: Client, exceptCases: boolean): Promise<Unrest> {
  const { rows } = await pool.query<{ what: keyof Unrest; example: string }>(
    `WITH looked_at AS (
       SELECT r.* FROM rounds r WHERE NOT ($1 AND EXISTS (
         SELECT 1 FROM cases c WHERE c.round_id = r.id AND c.status = 'open')))
     SELECT 'calls' AS what, 'call ' || o.bet_id || '/' || o.verb || '/' || o.number || ' of round ' ||
            o.round_id || ': ' || o.attempts || ' attempts, ' || coalesce(o.last_failure, '-') AS example
       FROM obligations o JOIN looked_at r ON r.id = o.round_id WHERE o.status = 'open'
     UNION ALL
     SELECT 'stakes', 'bet ' || b.id || ' of round ' || b.round_id || ': ' || b.outcome || '/' || b.decision
       FROM bets b JOIN looked_at r ON r.id = b.round_id WHERE b.form = 'stake' AND b.decision = 'open'
     UNION ALL
     SELECT 'payouts', 'operation ' || p.id || ' of round ' || p.round_id || ': ' || p.payout_state
       FROM operations p JOIN looked_at r ON r.id = p.round_id WHERE p.payout_state IN ('waiting', 'owed')
     UNION ALL
     SELECT 'rounds', 'round ' || r.id || ': ' || r.status || ', due ' || coalesce(r.due_at::text, 'never')
       FROM looked_at r WHERE r.status <> 'closed'`,
    [exceptCases],
  );
  const count = (what: string) => rows.filter((row) => row.what === what).length;
  const book = {
    calls: count('calls'),
    stakes: count('stakes'),
    payouts: count('payouts'),
    rounds: count('rounds'),
  };
  const examples = rows.map(({ example }) => example);
  // Temporal is asked only when the book has come to rest: its list lags behind by a moment anyway.
  const workflows: string[] = [];
  if (rows.length === 0 && !exceptCases) {
    const query = 'WorkflowType = "roundWorkflow" AND ExecutionStatus = "Running"';
    for await (const { workflowId } of client.workflow.list({ query })) {
      workflows.push(`workflow ${workflowId}`);
    }
  }
  return {
    ...book,
    workflows: workflows.length,
    examples: [...examples, ...workflows].slice(0, EXAMPLES_MAX),
  };
}

export const isAtRest = (unrest: Unrest) =>
  unrest.calls + unrest.stakes + unrest.payouts + unrest.rounds + unrest.workflows === 0;

/** Waits until everything is at rest, or `patienceMs` is over; answers what is left then. */
export async function untilAtRest(
  pool: Pool,
  client: Client,
  exceptCases: boolean,
  patienceMs: number,
): Promise<Unrest> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const unrest = await readUnrest(pool, client, exceptCases);
    if (isAtRest(unrest) || Date.now() > end) return unrest;
    await sleep(POLL_MS);
  }
}
