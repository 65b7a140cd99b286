import { betId } from '../domain/bet-id';
import { decide, type Decision, type RoundEvent } from '../domain/round';
import type { RoundView } from '../contracts/round';
import { assert } from '../lib/assert';
import type { RoundRows } from '../domain/round/rows';
import { stillBalance } from '../domain/round/still-balance';
import { otherCallsBetween } from './attempts';
import type { Db, Pool, PoolClient } from './pool';
import { lockRound, type RoundContext } from './round-rows';
import { saveRound, snapshot } from './save-round';
import { pipelinedTransaction } from './transaction';
import { viewOf } from './round-view';

/** The book's side of one decision: what was decided, and the round as it now stands. */
export interface Entry<Event extends RoundEvent> {
  readonly result: Decision<Event>['result'];
  readonly view: RoundView;
  readonly context: RoundContext;
  /** The database's clock when the round was locked: every decision of every process uses this one. */
  readonly nowMs: number;
  /** Whether the decision changed the round: then whoever drives it has to hear of the new view. */
  readonly changed: boolean;
  /** What the decision found wrong with a wallet, a line each. */
  readonly alarms: readonly string[];
}

/** Work that belongs into the same transaction as the decision, after it and before the commit. */
export type Beside<Event extends RoundEvent> = (
  client: PoolClient,
  decision: Decision<Event>,
  context: RoundContext,
  nowMs: number,
) => Promise<void>;

/** A decision inside a transaction that is already open. */
export type DecideHere = <Event extends RoundEvent>(
  roundId: string,
  event: Event,
  beside?: Beside<Event>,
) => Promise<Entry<Event>>;

export interface Book {
  /**
   * Takes one decision on a round: locks it, reads it whole, decides, writes back what changed with its
   * journal line, commits. Nothing else may hold the transaction open.
   */
  decideOn<Event extends RoundEvent>(
    roundId: string,
    event: Event,
    beside?: Beside<Event>,
  ): Promise<Entry<Event>>;

  /** Several decisions on rounds in one transaction: all of them are committed, or none. */
  together<Result>(
    work: (decide: DecideHere, client: PoolClient) => Promise<Result>,
  ): Promise<Result>;

  /** The same inside the caller's transaction. */
  decideIn<Event extends RoundEvent>(
    client: PoolClient,
    roundId: string,
    event: Event,
    beside?: Beside<Event>,
  ): Promise<Entry<Event>>;

  readonly pool: Pool;
  readonly installation: string;
}

/**
 * @param installation the installation's id, part of every bet_id
 * @param timeScale multiplies the waits between background repeats; 1 but in fault tests
 */
export function createBook(deps: {
  pool: Pool;
  installation: string;
  random?: () => number;
  timeScale?: number;
}): Book {
  const { pool, installation } = deps;
  const random = deps.random ?? Math.random;
  const timeScale = deps.timeScale ?? 1;

  async function decideIn<Event extends RoundEvent>(
    client: PoolClient,
    roundId: string,
    event: Event,
    beside?: Beside<Event>,
  ): Promise<Entry<Event>> {
    const locked = await lockRound(client, roundId);
    assert(locked, `no round ${roundId}`);
    const { context, nowMs, rows } = locked;
    const before = snapshot(rows);
    const balanceStood = await balanceStands(client, event, rows, context);
    const decision = decide(rows, event, {
      terms: context.terms,
      nowMs,
      random: random(),
      breaker: context.breaker,
      timeScale,
      sessionEndsMs: context.sessionEndsMs,
      earlierRoundsOpen: locked.earlierRoundsOpen,
      balanceStood,
      ownBetIdOf: (transactionRef) =>
        betId({
          installation,
          connection: context.connectionId,
          kind: 'payout',
          playerId: context.playerId,
          roundRef: context.roundRef,
          transactionRef,
        }),
    });
    const version = await saveRound(client, { locked, before, decision });
    await beside?.(client, decision, context, nowMs);
    return {
      result: decision.result,
      view: viewOf(decision.draft, version),
      context,
      nowMs,
      changed: decision.facts.length > 0,
      alarms: decision.facts
        .filter((fact) => fact.kind === 'alarm')
        .map((fact) => `${fact.about}: call ${fact.call}, ${fact.text}`),
    };
  }

  async function together<Result>(
    work: (decide: DecideHere, client: PoolClient) => Promise<Result>,
  ): Promise<Result> {
    return pipelinedTransaction(pool, (client) =>
      work((roundId, event, beside) => decideIn(client, roundId, event, beside), client),
    );
  }

  const decideOn: DecideHere = (roundId, event, beside) =>
    together((decide) => decide(roundId, event, beside));

  return { decideOn, decideIn, together, pool, installation };
}

/** SPEC §5: a reply whose balance did not move though it had to, with no other call of the player between. */
async function balanceStands(
  client: PoolClient,
  event: RoundEvent,
  rows: RoundRows,
  { terms, playerId }: RoundContext,
): Promise<boolean> {
  if (event.type !== 'attempt_ended') return false;
  const still = stillBalance(rows, event.call, event.outcome, terms.exponent);
  return still !== undefined && !(await otherCallsBetween(client, playerId, still));
}

/** Whether a bet of this id belongs to the partner. */
export async function findBet(db: Db, partnerId: number, betIdText: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'SELECT 1 FROM bets b JOIN rounds r ON r.id = b.round_id WHERE b.id = $1 AND r.partner_id = $2',
    [betIdText, partnerId],
  );
  return rowCount === 1;
}
