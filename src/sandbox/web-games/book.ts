import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Pool } from 'pg';
import {
  startRound,
  findRound,
  operationsOf,
  unfinishedRounds,
  beginAttempt,
  noteRepeat,
  recordAnswer,
} from './round-book';
import {
  savePartner,
  findPartner,
  openSession,
  findSession,
  findSessionInPlay,
  steerSession,
} from './session-book';
import { playedRounds } from './spin-history';
import { inTransaction } from './transaction';

export type Book = ReturnType<typeof createBook>;

/**
 * The provider's book in PostgreSQL. A call to a partner is a committed row before its first byte
 * leaves, and its answer, the round's next call and the balance shown are committed together: a kill at
 * any moment leaves either an unanswered call, which is repeated, or a finished step.
 */
export function createBook(pool: Pool) {
  return {
    prepare: prepare.bind(null, pool),
    savePartner: savePartner.bind(null, pool),
    partner: findPartner.bind(null, pool),
    openSession: openSession.bind(null, pool),
    session: findSession.bind(null, pool),
    sessionInPlay: findSessionInPlay.bind(null, pool),
    steerSession: steerSession.bind(null, pool),
    startRound: startRound.bind(null, pool),
    round: findRound.bind(null, pool),
    playedRounds: playedRounds.bind(null, pool),
    operationsOf: operationsOf.bind(null, pool),
    unfinishedRounds: unfinishedRounds.bind(null, pool),
    beginAttempt: beginAttempt.bind(null, pool),
    noteRepeat: noteRepeat.bind(null, pool),
    recordAnswer: recordAnswer.bind(null, pool),
  };
}

/** Creates what is missing; safe at every start, and when two start at once. */
async function prepare(pool: Pool): Promise<void> {
  const schema = readFileSync(path.join(__dirname, 'schema.sql'), 'utf8');
  await inTransaction(pool, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock(hashtext('web_games schema'))");
    await client.query(schema);
  });
}
