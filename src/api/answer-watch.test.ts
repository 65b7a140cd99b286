import type { FastifyBaseLogger } from 'fastify';
import type { Pool } from '../db/pool';
import { createAnswerWatch, type AnswerWatch } from './answer-watch';

/** A book in which each operation's answer appears at its own time, by the fake clock. */
function bookOfAnswers() {
  const storedAtMs = new Map<number, number>();
  let looks = 0;
  const query = ({ values: [ids] }: { values: [readonly number[]] }) => {
    looks += 1;
    const rows = ids
      .filter((id) => (storedAtMs.get(id) ?? Infinity) <= performance.now())
      .map((id) => ({ id, answer_result: 'accepted', answer_balance: '1.00' }));
    return Promise.resolve({ rows });
  };
  const watch = createAnswerWatch({
    pool: { query } as unknown as Pool,
    log: { warn: () => undefined } as unknown as FastifyBaseLogger,
  });
  return { watch, storedAtMs, looks: () => looks };
}

let nextId = 1;

/** Waits for an answer that takes `tookMs`. How long after it was stored it was told. */
async function lateness(
  { watch, storedAtMs }: { watch: AnswerWatch; storedAtMs: Map<number, number> },
  tookMs: number,
): Promise<number> {
  const id = nextId++;
  const storedMs = performance.now() + tookMs;
  storedAtMs.set(id, storedMs);
  const answer = await watch.wait(id, 10_000);
  expect(answer).toEqual({ result: 'accepted', balance: '1.00' });
  return performance.now() - storedMs;
}

async function lane(times: number, wait: () => Promise<number>): Promise<number[]> {
  const late: number[] = [];
  for (let turn = 0; turn < times; turn++) late.push(await wait());
  return late;
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

async function played<Result>(work: Promise<Result>): Promise<Result> {
  await jest.advanceTimersByTimeAsync(600_000);
  return work;
}

test('nobody looks before an answer can be expected: half a dozen looks for one, told a sixteenth late', async () => {
  const book = bookOfAnswers();
  const likely = () => lateness(book, 120 + 80 * Math.abs(Math.sin(nextId)));
  await played(lane(200, likely));
  const before = book.looks();
  const late = await played(lane(100, likely));
  expect(book.looks() - before).toBeLessThan(650);
  expect(mean(late)).toBeLessThan(160 / 12);
});

test('requests that wait at once are looked for at once', async () => {
  const book = bookOfAnswers();
  const lanes = (times: number) =>
    Promise.all(
      Array.from({ length: 8 }, () =>
        lane(times, () => lateness(book, 120 + 80 * Math.abs(Math.sin(nextId)))),
      ),
    );
  await played(lanes(50));
  const before = book.looks();
  await played(lanes(50));
  expect((book.looks() - before) / 400).toBeLessThan(1.5);
});

test('a wallet that is slow makes no answer of another one late', async () => {
  const book = bookOfAnswers();
  const both = Promise.all([
    lane(100, () => lateness(book, 40)),
    ...Array.from({ length: 8 }, () => lane(3, () => lateness(book, 3_000))),
  ]);
  const [quick] = await played(both);
  expect(Math.max(...quick.slice(20))).toBeLessThanOrEqual(20);
});

test('when answers become quick again, they are told quickly again', async () => {
  const book = bookOfAnswers();
  await played(lane(100, () => lateness(book, 1_000)));
  const late = await played(lane(30, () => lateness(book, 20)));
  expect(Math.max(...late)).toBeLessThanOrEqual(320);
  expect(Math.max(...late.slice(25))).toBeLessThanOrEqual(20);
});

test('an answer that this process has stored is told at once, to all who wait for it and without a look', async () => {
  const { watch, looks } = bookOfAnswers();
  const waits = [1, 2].map(() => watch.wait(7_000, 10_000, undefined, true));
  await jest.advanceTimersByTimeAsync(400);
  watch.tell(7_000, { result: 'accepted', balance: '2.00' });
  watch.tell(7_001, { result: 'accepted', balance: '3.00' });
  expect(await Promise.all(waits)).toEqual([
    { result: 'accepted', balance: '2.00' },
    { result: 'accepted', balance: '2.00' },
  ]);
  expect(looks()).toBe(0);
  expect(jest.getTimerCount()).toBeLessThanOrEqual(1);
});

test('one that was to be told and was stored by another process is looked for', async () => {
  const { watch, storedAtMs } = bookOfAnswers();
  storedAtMs.set(7_002, performance.now() + 100);
  const waiting = watch.wait(7_002, 10_000, undefined, true);
  const late = waiting.then(() => performance.now() - (storedAtMs.get(7_002) ?? 0));
  expect(await played(late)).toBeLessThan(500);
  expect(await waiting).toEqual({ result: 'accepted', balance: '1.00' });
});
