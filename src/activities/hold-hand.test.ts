import { MockActivityEnvironment } from '@temporalio/testing';
import type { Ask } from '../contracts/round';
import type { Answered } from './attempt-call';
import { createHands, type Hands, type Taken } from './hands';
import { createLaterResults, type LaterResults } from './later-results';
import { holdHand, type BegunWork, type Work } from './hold-hand';

const WORKFLOW = 'round/sandbox/100000000/1';

/** A request by its number; nothing else of it matters here. */
const ask = (operationId: number) => ({ operationId }) as Ask;

/** The work that a hand has begun, and how each piece of it ends. */
function createDesk() {
  const begun: { work: Work; end: (how: 'over' | 'let go') => void }[] = [];
  const begin = (work: Work): BegunWork => {
    let end: (how: 'over' | 'let go') => void = () => undefined;
    const held = new Promise<'over' | 'let go'>((resolve) => (end = resolve));
    begun.push({ work, end });
    return { held, taken: Promise.resolve<Taken>('written') };
  };
  return { begun, begin };
}

/** A hand that is held for one request; `closed` tells when it has let go of the workflow's task. */
function hold({
  hands,
  isQuiet = () => true,
  later = createLaterResults(() => true),
}: {
  hands: Hands | undefined;
  isQuiet?: () => boolean;
  later?: LaterResults;
}) {
  const desk = createDesk();
  const hand = { ...desk, closed: false };
  const environment = new MockActivityEnvironment({
    workflowExecution: { workflowId: WORKFLOW, runId: 'run' },
  });
  void environment
    .run(() =>
      holdHand({
        works: [{ kind: 'ask', ask: ask(1) }],
        hands,
        hand: { later, isQuiet },
        begin: desk.begin,
        failpoint: () => Promise.resolve(),
      }),
    )
    .then(() => (hand.closed = true));
  return hand;
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('a hand whose work is done waits a moment for more, then lets go', async () => {
  const hands = createHands();
  const hand = hold({ hands });
  hand.begun[0]?.end('over');
  await pass(249);
  expect([hand.closed, hands.count()]).toEqual([false, 1]);
  await pass(1);
  expect([hand.closed, hands.count()]).toEqual([true, 0]);
});

test('what is offered meanwhile is begun at once, and the moment begins anew when it is done', async () => {
  const hands = createHands();
  const hand = hold({ hands });
  hand.begun[0]?.end('over');
  await pass(200);
  await expect(hands.offer(WORKFLOW, ask(2))).resolves.toBe('written');
  expect(hand.begun[1]?.work).toEqual({ kind: 'ask', ask: ask(2) });
  await pass(400);
  expect(hand.closed).toBe(false);
  hand.begun[1]?.end('over');
  await pass(249);
  expect(hand.closed).toBe(false);
  await pass(1);
  expect(hand.closed).toBe(true);
});

test('what is offered while the first work is under way is waited for with it', async () => {
  const hands = createHands();
  const hand = hold({ hands });
  await pass(0);
  void hands.offer(WORKFLOW, ask(2));
  hand.begun[0]?.end('over');
  await pass(1_000);
  expect(hand.closed).toBe(false);
  hand.begun[1]?.end('over');
  await pass(250);
  expect(hand.closed).toBe(true);
});

test('a hand is open for its own round only, and no more when it has let go', async () => {
  const hands = createHands();
  const hand = hold({ hands });
  await pass(0);
  expect(hands.offer('round/sandbox/100000000/2', ask(2))).toBeUndefined();
  hand.begun[0]?.end('over');
  await pass(250);
  expect(hands.offer(WORKFLOW, ask(2))).toBeUndefined();
  expect(hand.begun).toHaveLength(1);
});

test.each<[string, 'over' | 'let go', boolean]>([
  ['work goes on beside the task', 'let go', true],
  ['the round owes something, or is not open any more', 'over', false],
])('no hand waits when %s: the task is completed at once', async (_, how, isQuiet) => {
  const hand = hold({ hands: createHands(), isQuiet: () => isQuiet });
  hand.begun[0]?.end(how);
  await pass(0);
  expect(hand.closed).toBe(true);
});

test('no hand waits where nobody can offer anything', async () => {
  const hand = hold({ hands: undefined });
  hand.begun[0]?.end('over');
  await pass(0);
  expect(hand.closed).toBe(true);
});

test('no hand waits while more than fifty are open: the slots are for those who work', async () => {
  const hands = createHands();
  const others = Array.from({ length: 50 }, (_, index) =>
    hands.open(`other/${String(index)}`, () => Promise.resolve('written')),
  );
  const late = hold({ hands });
  late.begun[0]?.end('over');
  await pass(0);
  expect(late.closed).toBe(true);
  others[0]?.close();
  const other = hold({ hands });
  other.begun[0]?.end('over');
  await pass(0);
  expect(other.closed).toBe(false);
});

test('however much is offered, a task is not held on and on', async () => {
  const hands = createHands();
  const hand = hold({ hands });
  hand.begun[0]?.end('over');
  for (let turn = 1; turn <= 5; turn++) {
    await pass(200);
    void hands.offer(WORKFLOW, ask(turn + 1));
    hand.begun.at(-1)?.end('over');
  }
  await pass(0);
  expect(hand.closed).toBe(true);
});

test('a hand that is late to go does not close the one that has taken its place', async () => {
  const hands = createHands();
  const late = hold({ hands });
  await pass(0);
  const next = hold({ hands });
  await pass(0);
  late.begun[0]?.end('let go');
  await pass(0);
  expect(late.closed).toBe(true);
  void hands.offer(WORKFLOW, ask(2));
  expect(next.begun).toHaveLength(2);
});

test('what was kept for later is written when the hand closes, and the task waits for it', async () => {
  const later = createLaterResults(() => true);
  const result = { begun: { call: 'a report' } } as Answered;
  expect(later.keep([result])).toBe(true);
  const hand = hold({ hands: createHands(), later });
  hand.begun[0]?.end('over');
  await pass(250);
  expect([hand.closed, hand.begun[1]?.work]).toEqual([false, { kind: 'later' }]);
  // From now on whoever has a result writes it.
  expect(later.keep([result])).toBe(false);
  hand.begun[1]?.end('over');
  await pass(0);
  expect(hand.closed).toBe(true);
});
