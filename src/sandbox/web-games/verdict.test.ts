import { CALL_DEFAULTS } from './settings';
import { verdictOn, type CallHistory, type Reply } from './verdict';

const NOW = 1_000_000;
const code = (value: number): Reply => ({
  is: 'answer',
  code: value,
  message: undefined,
  balance: undefined,
  externalSessionId: undefined,
  bytes: Buffer.alloc(0),
});
const NONE: Reply = { is: 'none', why: 'timeout', bytes: Buffer.alloc(0) };
const call = (over: Partial<CallHistory> = {}): CallHistory => ({
  kind: 'credit',
  attempts: 1,
  doubtful: false,
  internalErrors: 0,
  internalSinceMs: undefined,
  ...over,
});
const verdict = (history: CallHistory, reply: Reply, now = NOW) =>
  verdictOn(history, reply, now, CALL_DEFAULTS);

test.each(['credit', 'debit'] as const)('code 0 ends a %s, on any attempt', (kind) => {
  expect(verdict(call({ kind }), code(0))).toEqual({ is: 'accepted' });
  expect(verdict(call({ kind, attempts: 99, doubtful: true }), code(0)).is).toBe('accepted');
});

test.each([2, 4, 5, 8, 10, 11, 14])('code %i ends a Credit unpaid', (value) => {
  expect(verdict(call(), code(value))).toEqual({ is: 'refused' });
});

test.each([4, 5, 8, 10, 11, 14])('code %i ends a Debit, visibly refused', (value) => {
  expect(verdict(call({ kind: 'debit' }), code(value))).toEqual({ is: 'refused' });
});

test.each([1, 2, 3, 77])('code %i never ends a Debit', (value) => {
  const tired = call({ kind: 'debit', attempts: 500, internalErrors: 499, internalSinceMs: 0 });
  expect(verdict(tired, code(value))).toMatchObject({ is: 'repeat', delayMs: 60_000 });
});

test('no answer is repeated for ever, and leaves doubt', () => {
  for (const kind of ['credit', 'debit'] as const) {
    expect(verdict(call({ kind, attempts: 500 }), NONE)).toMatchObject({
      is: 'repeat',
      delayMs: 60_000,
      doubtful: true,
    });
  }
});

test('code 1 ends a Credit after two repeats, when no attempt went unanswered', () => {
  expect(verdict(call(), code(1))).toMatchObject({ is: 'repeat', internalErrors: 1 });
  const third = call({ attempts: 3, internalErrors: 2, internalSinceMs: NOW - 1_500 });
  expect(verdict(third, code(1))).toEqual({ is: 'refused' });
});

test('code 1 after an unanswered attempt has to stand for a while: the partner may be starting up', () => {
  const doubtful = { doubtful: true, attempts: 4, internalErrors: 2 };
  expect(verdict(call({ ...doubtful, internalSinceMs: NOW - 19_999 }), code(1)).is).toBe('repeat');
  expect(verdict(call({ ...doubtful, internalSinceMs: NOW - 20_000 }), code(1)).is).toBe('refused');
});

test('another missing answer begins the run of code 1 anew', () => {
  const history = call({ attempts: 4, internalErrors: 2, internalSinceMs: NOW - 90_000 });
  expect(verdict(history, NONE)).toMatchObject({ internalErrors: 0, internalSinceMs: undefined });
});

test('repeats come quickly while the player waits, then ever more slowly', () => {
  const delays = (kind: 'credit' | 'debit') =>
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempts) => {
      const result = verdict(call({ kind, attempts }), NONE);
      return result.is === 'repeat' ? result.delayMs : -1;
    });
  expect(delays('credit')).toEqual([500, 1e3, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 6e4]);
  expect(delays('debit')).toEqual([1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 6e4, 6e4, 6e4]);
});
