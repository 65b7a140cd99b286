import { done, GAME, playRound, START_MS, TERMS, toldOf } from '../../../test/support/played-round';

/** Decision 0012: the round's hand and the process that holds a request may both write it down. */
const request = (operationId: number, transactionRef = 's') => ({
  operationId,
  betId: 'b'.repeat(24),
  transactionRef,
  amount: 500n,
  gameId: GAME,
  isClose: false,
});

test('a stake that both hands write is one request: nothing is counted, moved or said twice', () => {
  const round = playRound();
  const first = round.apply({ type: 'stake', request: request(7) });
  const facts = round.facts.length;
  round.wait(1_000);
  expect(round.apply({ type: 'stake', request: request(7) })).toEqual(first);
  expect(round.facts).toHaveLength(facts);
  expect(round.rows.operations).toMatchObject([
    { id: 7, requests: 1, deadlineMs: START_MS + 4_500 },
  ]);
  expect(round.rows.bets).toHaveLength(1);
});

test('who writes it late gets the answer that is there by then', () => {
  const round = playRound();
  round.apply({ type: 'stake', request: request(7) });
  const take = {
    type: 'attempt_starts',
    call: `${'b'.repeat(24)}/take/1`,
    driver: 'round',
  } as const;
  round.apply(take);
  round.apply({ type: 'attempt_ended', call: take.call, attempt: 1, outcome: done('95') });
  expect(round.apply({ type: 'stake', request: request(7) })).toMatchObject({
    result: 'accepted',
    balance: '95',
    operationId: 7,
  });
});

test('a repeat meanwhile makes the first request wait no longer than it was going to', () => {
  const round = playRound();
  const untilMs = START_MS + TERMS.answerDeadlineMs;
  round.apply({ type: 'stake', request: { ...request(7), untilMs } });
  round.wait(4_000);
  round.apply({ type: 'stake', request: request(8) });
  expect(round.apply({ type: 'stake', request: { ...request(7), untilMs } })).toMatchObject({
    untilMs,
  });
});

test('another number is another request: the repeat of the first', () => {
  const round = playRound();
  round.apply({ type: 'stake', request: request(7) });
  expect(round.apply({ type: 'stake', request: request(8) })).toMatchObject({ operationId: 7 });
  expect(round.rows.operations).toMatchObject([{ id: 7, requests: 2 }]);
});

test('a payout that both hands write is owed once', () => {
  const round = playRound();
  round.takeStake('s', 500n);
  const payout = { ...request(9, 'p'), amount: 900n, betAmount: null };
  const first = round.apply({ type: 'payout', request: payout });
  expect(round.apply({ type: 'payout', request: payout })).toEqual(first);
  expect(round.rows.operations.filter((row) => row.kind === 'payout')).toMatchObject([
    { id: 9, requests: 1 },
  ]);
  expect(round.rows.obligations.filter((row) => row.verb === 'give')).toHaveLength(1);
});

test('the answer is due when it was due as the request came, however late it is written', () => {
  const round = playRound();
  round.wait(1_000);
  const untilMs = START_MS + TERMS.answerDeadlineMs;
  const reply = round.apply({ type: 'stake', request: { ...request(7), untilMs } });
  expect(reply).toMatchObject({ kind: 'wait', untilMs });
  const later = { ...request(8, 'other'), untilMs: untilMs + 60_000 };
  expect(
    round.apply({ type: 'stake', request: { ...later, betId: 'c'.repeat(24) } }),
  ).toMatchObject({
    untilMs: round.nowMs + TERMS.answerDeadlineMs,
  });
});

test('a stake that was written after its time is never sent', () => {
  const round = playRound();
  const untilMs = START_MS - 1;
  round.apply({ type: 'stake', request: { ...request(7), untilMs } });
  expect(round.begin(`${'b'.repeat(24)}/take/1`)).toBeUndefined();
  expect(toldOf(round.apply({ type: 'deadline', operationId: 7, untilMs }))).toBe('failed');
});
