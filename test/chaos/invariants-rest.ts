import { LEAVES_OPEN, type Index, type OpenCase } from './invariants-evidence';

/** I5: nothing is open, undecided or owed but what an open case names, and no closed round's workflow runs. */
export function terminal(index: Index): string[] {
  const { ours, workflows } = index.evidence;
  const found: string[] = [];
  const named = (about: { roundId: string; betId?: string | null; operationId?: number }) =>
    ours.openCases.some((one) => isAbout(one, about));
  for (const row of ours.obligations) {
    if (row.status === 'open' && !named(row)) {
      found.push(
        `call ${row.betId}/${row.verb}/${String(row.number)} of round ${row.roundId} is still owed`,
      );
    }
  }
  for (const bet of ours.bets) {
    const isOpen = bet.form === 'stake' && bet.decision === 'open';
    if (isOpen && !named({ ...bet, betId: bet.id })) {
      found.push(`bet ${bet.id} of round ${bet.roundId} is undecided, ${bet.outcome}`);
    }
  }
  for (const row of ours.operations) {
    const isOpen = row.payoutState === 'owed' || row.payoutState === 'waiting';
    if (isOpen && !named({ ...row, operationId: row.id })) {
      found.push(`payout ${String(row.id)} of round ${row.roundId} is ${String(row.payoutState)}`);
    }
  }
  for (const round of ours.rounds) {
    if (round.status === 'closing' && !named({ roundId: round.id })) {
      found.push(`round ${round.id} is still closing`);
    }
  }
  found.push(...unended(index, named));
  const closed = new Map(
    ours.rounds
      .filter(({ status }) => status === 'closed')
      .map((round) => [round.workflowId, round]),
  );
  for (const workflow of workflows) {
    const round = closed.get(workflow.id);
    if (workflow.running && round && !named({ roundId: round.id })) {
      found.push(`workflow ${workflow.id} runs, and its round ${round.id} is closed`);
    }
  }
  return found;
}

/** Rule 10: each bet that counts, of a round that is closed, has been ended at the wallet. */
function unended(index: Index, named: (about: { roundId: string }) => boolean): string[] {
  const { ours } = index.evidence;
  const closed = new Set(
    ours.rounds.filter(({ status }) => status === 'closed').map(({ id }) => id),
  );
  return ours.bets
    .filter(
      (bet) =>
        closed.has(bet.roundId) &&
        bet.outcome === 'done' &&
        (ours.wants[bet.partner]?.betEnd ?? true) &&
        index.moved(bet.id, 'bet-end').length === 0 &&
        !named(bet),
    )
    .map((bet) => `bet ${bet.id} of closed round ${bet.roundId} was never ended`);
}

function isAbout(
  one: OpenCase,
  about: { roundId: string; betId?: string | null; operationId?: number },
): boolean {
  if (!LEAVES_OPEN.has(one.kind)) return false;
  return (
    (typeof about.betId === 'string' && one.betId === about.betId) ||
    (about.operationId !== undefined && one.operationId === about.operationId) ||
    one.roundId === about.roundId
  );
}

/** I6: every answer was the first one for ever, and still is when it is asked for again. */
export function sticky({ evidence }: Index): string[] {
  return [...evidence.provider.violations, ...evidence.reasked];
}

/** I9: no partner's wallet hears of another partner's player, or bet. */
export function tenancy(index: Index): string[] {
  const found: string[] = [];
  for (const line of index.evidence.wallet) {
    const { partner, endpoint, bet_id, user_agent } = line;
    const name = `${partner}/${endpoint} ${bet_id}`;
    if (user_agent.split('.')[0] !== partner) found.push(`${name} is about ${user_agent}`);
    const owner = index.bets.get(bet_id)?.partner;
    if (owner !== undefined && owner !== partner) found.push(`${name} is a bet of ${owner}`);
  }
  return found;
}

/** I11: attempts, histories and partitions stay within their limits. */
export function bounded({ evidence }: Index): string[] {
  const { limits, ours, workflows } = evidence;
  return [
    ...ours.obligations
      .filter(({ attempts }) => attempts > limits.attemptsMax)
      .map(({ betId, verb, attempts }) => `call ${betId}/${verb}: ${String(attempts)} attempts`),
    ...workflows
      .filter(({ historyLength }) => historyLength > limits.historyLengthMax)
      .map(({ id, historyLength }) => `workflow ${id}: ${String(historyLength)} events`),
    ...Object.entries(ours.restRows)
      .filter(([, rows]) => rows > 0)
      .map(([table, rows]) => `${table} has ${String(rows)} rows: no month was made for them`),
  ];
}

/** I13: every history is played back without a difference: a round that cannot be would never go on. */
export function replayed({ evidence }: Index): string[] {
  return [...evidence.unreplayable];
}

/** I12: everything was at rest soon after the last fault. */
export function drained({ evidence }: Index): string[] {
  const { drainMs, limits } = evidence;
  if (drainMs === null || !Number.isFinite(drainMs)) return ['it never came to rest'];
  return drainMs <= limits.drainMsMax
    ? []
    : [`it took ${String(Math.round(drainMs))} ms to come to rest`];
}
