import type { Client } from '@temporalio/client';
import type { CatalogueActivities } from '../contracts/catalogue-sync';
import type { RoundActivities } from '../contracts/round';
import type { SweepActivities } from '../contracts/sweep';
import type { Book } from '../db/book';
import type { EgressGuard } from '../lib/egress';
import type { Logger } from '../lib/log';
import { createCallWallet } from './call-wallet';
import { createClosePreviousRounds } from './close-previous-rounds';
import { createSweepBook } from './sweep-book';
import { createSyncCatalogue } from './sync-catalogue';
import { createTickRound } from './tick-round';
import type { Wallets } from './wallets';

export type Activities = RoundActivities & SweepActivities & CatalogueActivities;

/** All activities of the worker. The four wallet verbs are one mechanism under four readable names. */
export function createActivities(deps: {
  book: Book;
  wallets: Wallets;
  client: Client;
  egress: EgressGuard;
  log: Logger;
}): Activities {
  const callWallet = createCallWallet(deps);
  return {
    takeStake: callWallet,
    payOut: callWallet,
    endBet: callWallet,
    reportBet: callWallet,
    tickRound: createTickRound(deps),
    closePreviousRounds: createClosePreviousRounds(deps),
    sweepBook: createSweepBook(deps),
    ...createSyncCatalogue({ pool: deps.book.pool, egress: deps.egress, log: deps.log }),
  };
}
