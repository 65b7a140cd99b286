import { TERMS } from '../../test/support/played-round';
import type { RoundView } from '../contracts/round';
import type { Book } from '../db/book';
import type { RoundContext } from '../db/round-rows';
import type { AttemptStart } from '../domain/round/attempt';
import type { WalletOutcome } from '../domain/wallet-outcome';
import { createLogger } from '../lib/log';
import type { WalletClient } from '../protocols/seamless-wallet/client';
import { createAttemptCall, createAttemptSteps, createFinishAttempt } from './attempt-call';

const BET_ID = '66a1c0f2e1b2c3d4e5f60718';
const KEPT = '{"balance":5,"bet_id":"as the first attempt had it"}';
const view = {} as RoundView;
const context = {
  userAgent: 'LAG1.1',
  partnerId: 1,
  partnerPrefix: 'LAG1',
  terms: TERMS,
} as RoundContext;

interface Stage {
  /** What fails the transaction of the attempt, between its statements and its commit. */
  readonly beforeCommit?: () => Promise<void>;
  readonly leavesWithinMs?: number | null;
}

/** One attempt between a book and a wallet that only note, in order, what is asked of them. */
function stage({ beforeCommit, leavesWithinMs = null }: Stage = {}) {
  const log: string[] = [];
  const told: WalletOutcome[] = [];
  const start: AttemptStart = {
    kind: 'send',
    attempt: 2,
    content: { verb: 'take', betId: BET_ID, amount: 500n },
    isRepeat: true,
    purpose: 'stake',
    leavesWithinMs,
  };
  const open = {
    decide: (_round: string, event: { type: string; outcome?: WalletOutcome }) => {
      if (event.outcome) told.push(event.outcome);
      const starts = event.type === 'attempt_starts';
      const result = starts ? start : { definite: true, retryInMs: 0, text: '' };
      const elapsedMs = () => 1;
      return Promise.resolve({ result, view, context, alarms: [], nowMs: 0, elapsedMs });
    },
    beginAttempt: () => {
      log.push('begin');
      return Promise.resolve(KEPT);
    },
    endAttempt: () => log.push('end'),
  };
  const together = async (work: (book: typeof open) => Promise<unknown>) => {
    try {
      const result = await work(open);
      log.push('commit');
      return result;
    } catch (error) {
      log.push('rollback');
      throw error;
    }
  };
  const wallet: Pick<WalletClient, 'call'> = {
    call: (verb, payload, { isRepeat }) => {
      log.push(`${verb} ${payload} ${isRepeat ? 'again' : 'first'}`);
      return Promise.resolve({
        outcome: { kind: 'done', text: 'HTTP 200', balance: '95' },
        sent: { bytes: Buffer.alloc(0) },
        received: {},
        durationMs: 1,
      });
    },
  };
  const steps = createAttemptSteps({
    wallets: {
      of: () => Promise.resolve(wallet as WalletClient),
      close: () => Promise.resolve(),
    },
    breakers: { note: () => Promise.resolve() },
    failpoint: async (point) => {
      if (point === 'attempt_uncommitted') await beforeCommit?.();
    },
    log: createLogger('test', 'silent'),
  });
  const book = { together } as unknown as Book;
  const attempt = createAttemptCall({ book, steps, finish: createFinishAttempt({ book, steps }) });
  return { log, told, attempt: () => attempt('7', `${BET_ID}/take/1`, 'round') };
}

test('nothing leaves before its attempt is committed, and what leaves are the bytes that the book keeps', async () => {
  const { log, attempt } = stage();
  expect(await attempt()).toMatchObject({ kind: 'definite', purpose: 'stake' });
  expect(log).toEqual(['begin', 'commit', `take ${KEPT} again`, 'end', 'commit']);
});

test('an attempt that could not be committed has sent nothing', async () => {
  const { log, attempt } = stage({ beforeCommit: () => Promise.reject(new Error('gone')) });
  await expect(attempt()).rejects.toThrow('gone');
  expect(log).toEqual(['begin', 'rollback']);
});

test('a process that was held up until the answer deadline had passed sends nothing', async () => {
  const { log, told, attempt } = stage({ leavesWithinMs: 0 });
  await attempt();
  expect(log).toEqual(['begin', 'commit', 'end', 'commit']);
  expect(told).toMatchObject([{ kind: 'not_sent', reason: 'late' }]);
});
