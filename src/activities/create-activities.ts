import type { Client } from '@temporalio/client';
import type { CatalogueActivities } from '../contracts/catalogue-sync';
import type { DrainActivities } from '../contracts/drain';
import type { RoundActivities, RoundLocalActivities } from '../contracts/round';
import type { SealActivities } from '../contracts/seal';
import type { SweepActivities } from '../contracts/sweep';
import type { Book } from '../db/book';
import type { Vault } from '../db/vault';
import type { EgressGuard } from '../lib/egress';
import { createFailpoints, type Failpoints } from '../lib/failpoints';
import type { Logger } from '../lib/log';
import { createAttemptCall, createAttemptSteps, createFinishAttempt } from './attempt-call';
import { createBreakers } from './breakers';
import { createCallWallet } from './call-wallet';
import { createClosePreviousRounds } from './close-previous-rounds';
import { createDrainCalls } from './drain-calls';
import { createFirstAttempts } from './first-attempts';
import type { Hands } from './hands';
import { createSealJournal } from './seal-journal';
import { createSweepBook } from './sweep-book';
import { createSyncCatalogue } from './sync-catalogue';
import { createTellDrain } from './tell-drain';
import { createTickRound } from './tick-round';
import type { Wallets } from './wallets';

export type Activities = RoundActivities &
  RoundLocalActivities &
  DrainActivities &
  SweepActivities &
  SealActivities &
  CatalogueActivities;

/**
 * All activities of the worker. The four wallet verbs are one mechanism under four readable names.
 *
 * @returns `settled` as well: resolves when nothing that an activity left behind is under way any more
 */
export function createActivities(deps: {
  book: Book;
  vault: Vault;
  wallets: Wallets;
  client: Client;
  egress: EgressGuard;
  log: Logger;
  failpoint?: Failpoints;
  timeScale?: number;
  /** How long first attempts may hold a workflow's task; tests that count are more patient than players. */
  localWaitMs?: number;
  /** Where the API of the same process meets them. */
  hands?: Hands;
}): { readonly activities: Activities; settled(): Promise<void> } {
  const { book, wallets, client, log } = deps;
  const failpoint = deps.failpoint ?? createFailpoints(undefined);
  const timeScale = deps.timeScale ?? 1;
  const breakers = createBreakers({ pool: book.pool, log });
  const steps = createAttemptSteps({ wallets, breakers, failpoint, log });
  const attempt = createAttemptCall({ book, steps, finish: createFinishAttempt({ book, steps }) });
  const tellDrain = createTellDrain({ client, log });
  const first = createFirstAttempts({
    book,
    steps,
    wallets,
    tellDrain,
    failpoint,
    hands: deps.hands,
    log,
    localWaitMs: deps.localWaitMs,
  });
  const callWallet = createCallWallet({ attempt, join: first.join, tellDrain });
  const activities = {
    makeFirstAttempts: first.makeFirstAttempts,
    takeStake: callWallet,
    payOut: callWallet,
    endBet: callWallet,
    reportBet: callWallet,
    tickRound: createTickRound(deps),
    closePreviousRounds: createClosePreviousRounds({ book, client, failpoint }),
    drainCalls: createDrainCalls({
      book,
      client,
      attempt: createAttemptCall({ book, steps, finish: first.finish }),
      failpoint,
      timeScale,
      log,
    }),
    sweepBook: createSweepBook({ book, client, timeScale, log }),
    sealJournal: createSealJournal({ book, log }),
    ...createSyncCatalogue({ pool: book.pool, vault: deps.vault, egress: deps.egress, log }),
  };
  return { activities, settled: first.settled };
}
