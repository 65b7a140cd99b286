import type { Client } from '@temporalio/client';
import type { CatalogueActivities } from '../contracts/catalogue-sync';
import type { DrainActivities } from '../contracts/drain';
import type { RoundActivities } from '../contracts/round';
import type { SealActivities } from '../contracts/seal';
import type { SweepActivities } from '../contracts/sweep';
import type { Book } from '../db/book';
import type { Vault } from '../db/vault';
import type { EgressGuard } from '../lib/egress';
import { createFailpoints, type Failpoints } from '../lib/failpoints';
import type { Logger } from '../lib/log';
import { createAttemptCall } from './attempt-call';
import { createBreakers } from './breakers';
import { createCallWallet } from './call-wallet';
import { createClosePreviousRounds } from './close-previous-rounds';
import { createDrainCalls } from './drain-calls';
import { createSealJournal } from './seal-journal';
import { createSweepBook } from './sweep-book';
import { createSyncCatalogue } from './sync-catalogue';
import { createTickRound } from './tick-round';
import type { Wallets } from './wallets';

export type Activities = RoundActivities &
  DrainActivities &
  SweepActivities &
  SealActivities &
  CatalogueActivities;

/** All activities of the worker. The four wallet verbs are one mechanism under four readable names. */
export function createActivities(deps: {
  book: Book;
  vault: Vault;
  wallets: Wallets;
  client: Client;
  egress: EgressGuard;
  log: Logger;
  failpoint?: Failpoints;
  timeScale?: number;
}): Activities {
  const { book, wallets, client, log } = deps;
  const failpoint = deps.failpoint ?? createFailpoints(undefined);
  const timeScale = deps.timeScale ?? 1;
  const breakers = createBreakers({ pool: book.pool, log });
  const attempt = createAttemptCall({ book, wallets, breakers, failpoint, log });
  const callWallet = createCallWallet({ attempt, client, log });
  return {
    takeStake: callWallet,
    payOut: callWallet,
    endBet: callWallet,
    reportBet: callWallet,
    tickRound: createTickRound(deps),
    closePreviousRounds: createClosePreviousRounds({ book, client, failpoint }),
    drainCalls: createDrainCalls({ book, client, attempt, failpoint, timeScale, log }),
    sweepBook: createSweepBook({ book, client, timeScale, log }),
    sealJournal: createSealJournal({ book, log }),
    ...createSyncCatalogue({ pool: book.pool, vault: deps.vault, egress: deps.egress, log }),
  };
}
