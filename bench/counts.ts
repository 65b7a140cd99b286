import { Client } from '@temporalio/client';
import { sleep } from '../src/lib/clock';
import type { PostgresMeter } from './measure/postgres';
import { readHistory } from './measure/temporal';
import { median } from './measure/statistics';
import type { Stage } from './stage';
import type { Seat } from './turn';

/** Medians over win rounds played one after the other. */
export interface Counts {
  readonly rounds: number;
  /** PostgreSQL transactions that wrote. */
  readonly book_commits: number;
  readonly workflow_tasks: number | null;
  /** Of these, the ones completed before both answers were given. */
  readonly workflow_tasks_before_answers: number | null;
  readonly events: number | null;
  readonly activities: number | null;
}

/** Longer than the latest note about a round (answers that were written are noted every 250 ms). */
const SETTLE_MS = 400;

/** Plays win rounds one after the other, each to its very end, and counts what each of them cost. */
export async function countRounds(
  { stage, meter }: { stage: Stage; meter: PostgresMeter },
  { subject, driver }: Seat,
  rounds: number,
): Promise<Counts> {
  const { temporal } = subject;
  const client = temporal
    ? new Client({ connection: stage.temporalConnection, namespace: temporal.namespace })
    : undefined;
  const writes: number[] = [];
  const histories: Awaited<ReturnType<typeof readHistory>>[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    const { finished } = await subject.wallet.books();
    const before = await meter.read(null);
    const goOn = (begun: number) => begun === 0;
    const played = await driver.play({ shape: 'win', inFlight: 1, goOn });
    const [round] = played.rounds;
    if (!round || !(await subject.wallet.untilFinished(finished + 1, 30_000))) {
      throw new Error(`a counted round of ${subject.name} was lost: ${played.faults.join('; ')}`);
    }
    if (client && temporal) {
      const id = temporal.workflowId(round.playerId, round.round);
      histories.push(await readHistory(client, id, round.answeredAtMs));
    }
    await sleep(SETTLE_MS);
    writes.push(Number((await meter.read(null)).writes - before.writes));
  }
  const of = (name: 'events' | 'workflowTasks' | 'workflowTasksBeforeAnswers' | 'activities') =>
    histories.length === 0 ? null : median(histories.map((history) => history[name]));
  return {
    rounds,
    book_commits: median(writes),
    workflow_tasks: of('workflowTasks'),
    workflow_tasks_before_answers: of('workflowTasksBeforeAnswers'),
    events: of('events'),
    activities: of('activities'),
  };
}
