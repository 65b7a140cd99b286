import type { NewRound } from '../../../contracts/round';
import type { Beside } from '../../../db/book';
import { mayStake } from '../../../db/breakers';
import { moneyRequestFacts, type MoneyRequestFacts } from '../../../db/money-request';
import { dropEmptyRound, findOrCreateRound } from '../../../db/rounds';
import { authorizeSession, sessionState, touchSession, type Session } from '../../../db/sessions';
import { pipelinedTransaction } from '../../../db/transaction';
import { betId } from '../../../domain/bet-id';
import { parseAmount } from '../../../domain/money';
import type { AnswerResult } from '../../../domain/round/rows';
import { assertNever } from '../../../lib/assert';
import type { ProviderRefusal } from '../../../lib/metrics';
import type { WebGamesCode } from '../../../protocols/web-games/codes';
import { decodeCredit, type StakeRequest } from '../../../protocols/web-games/decode';
import { encodeMoney, encodeRefusal } from '../../../protocols/web-games/encode';
import type { Asked, MoneyAnswer } from '../../money-answer';
import { openAmountConflict } from './amount-conflict';
import { isKnownPlayer } from './known-player';
import { maskedBody } from './masked-body';
import { plainRequest } from './plain-request';
import type { ProviderAnswer, ProviderDeps, ProviderMethod } from './provider-deps';

type CreditRefusal = Exclude<WebGamesCode<'Credit'>, 0>;

/**
 * Credit (provider document, section 4): takes a stake. Order of checks as SPEC §3 has it: shape, hash,
 * stored answer, then player, session, round and game. A provider that hangs up is waited for no longer: what the
 * wallet says from then on is not confirmed by itself (rule 4), and a repeat or the revive window decides.
 */
export const askStake: ProviderMethod = async (deps, { connection, isSigned, bodyText, gone }) => {
  const decoded = decodeCredit(bodyText);
  if (!decoded.ok) return refuseFor('shape', 1, decoded.message);
  const { request } = decoded;
  if (!isSigned('Credit', request.hashValues, request.hash)) return refuseFor('hash', 10);

  const key = {
    connectionId: connection.id,
    kind: 'stake',
    playerId: request.playerId,
    roundRef: request.roundId,
    transactionRef: request.transactionId,
  } as const;
  const { desk, limits } = deps;
  const { pool } = deps.book;
  await desk.asked(key);
  const facts = await moneyRequestFacts(pool, key, request.token, request.gameId);
  const { known, session, named } = facts;
  if (known) {
    const amount = parseAmount(request.amountText, known.exponent);
    if (!amount.ok) {
      await openAmountConflict(deps, known, request, bodyText);
      return refuse(1, 'amount is not the one of this transaction');
    }
    const bytes = maskedBody(bodyText, request);
    const { operationId } = facts;
    const event = eventOf(deps, connection.id, request, {
      amount: amount.minor,
      bytes,
      operationId,
    });
    // A repeat is owed its stored answer: it is never refused for a limit, but it counts.
    const release = limits.partnerStakes.hold(String(known.partnerId));
    const answer = write(deps, known.roundId, event).then((asked) =>
      desk.settle(asked, 'stake', gone),
    );
    return encode(await answer.finally(release));
  }

  const { requests_per_second: perSecond } = connection.settings;
  if ((await limits.connectionCall(connection.id, perSecond)) > 0) {
    limits.refused(`callbacks: calls of ${connection.key}`);
    return refuseFor('rate', 1, 'too many requests; nothing was taken');
  }
  if (!(await isKnownPlayer(pool, connection, request.playerId, session?.playerId))) {
    return refuseFor('player', 11);
  }
  const nowMs = deps.clock.nowMs();
  const idleMs = connection.settings.session_idle_ms;
  if (!session) return refuseFor('token', 14);
  if (!named || !ownsSession(session, connection.id, request.playerId)) {
    return refuseFor('ownership', 14);
  }
  const { player, partner } = named;
  const state = sessionState(session, idleMs, nowMs);
  // A stake is proof of the launch as good as Authorization: it is signed, and names the same token.
  const live =
    state === 'live' ||
    (state === 'launchable' && (await authorizeSession(pool, session, idleMs, nowMs)));
  if (!live) return refuseFor('token', 14);
  if (player.blocked || partner.status !== 'active') return refuseFor('suspended', 4);
  if (connection.status !== 'active') return refuseFor('suspended', 1, 'Connection suspended');
  if (!facts.game?.isActive) return refuseFor('game', 1, 'Game is not available');
  const amount = parseAmount(request.amountText, partner.exponent);
  if (!amount.ok) return refuse(1, AMOUNT_FAULTS[amount.fault]);
  // Rule 14: nobody asks a wallet that does not answer for a stake; nothing is recorded, nothing is sent.
  if (facts.breakerStands && !(await mayStake(pool, partner.id))) {
    return refuse(1, 'the wallet does not answer; nothing was taken');
  }
  // Before anything is recorded: a wallet that hangs fills its own partner's part of the seats.
  const release = limits.partnerStakes.take(String(partner.id));
  if (!release) {
    limits.refused(`callbacks: under way for ${partner.prefix}`);
    return refuseFor('rate', 1, 'too many requests are under way; nothing was taken');
  }
  try {
    await touchSession(pool, session, idleMs, nowMs);
    const round = roundOf(facts, session, request);
    const event = eventOf(deps, connection.id, request, {
      amount: amount.minor,
      bytes: maskedBody(bodyText, request),
      operationId: facts.operationId,
      untilMs: facts.nowMs + connection.settings.answer_deadline_ms,
    });
    const { playerId, roundId: roundRef } = request;
    const plain = plainRequest({ connection, partner, playerId, roundRef, facts, round, event });
    return encode(await desk.settleNew(plain, key, () => write(deps, round, event), 'stake', gone));
  } finally {
    release();
  }
};

function ownsSession(session: Session, connectionId: number, playerId: string): boolean {
  return session.connectionId === connectionId && session.playerId === playerId && !session.isDemo;
}

/** The round that is there, or the one that is to be made. */
function roundOf(
  facts: MoneyRequestFacts,
  session: Session,
  request: StakeRequest,
): string | NewRound {
  if (facts.round) return facts.round.id;
  return {
    connectionId: session.connectionId,
    playerId: session.playerId,
    roundRef: request.roundId,
    partnerId: session.partnerId,
    sessionId: session.id,
    gameId: request.gameId,
    currency: session.currency,
  };
}

const AMOUNT_FAULTS = {
  not_a_number: 'amount must be a decimal number',
  too_many_decimals: 'amount has more decimals than the currency',
  too_large: 'amount has more than 15 digits',
} as const;

type StakeEvent = ReturnType<typeof eventOf>;

function eventOf(
  { book }: ProviderDeps,
  connectionId: number,
  request: StakeRequest,
  about: { amount: bigint; bytes: string; operationId: number; untilMs?: number },
) {
  const { playerId, roundId: roundRef, transactionId: transactionRef, gameId, isClose } = request;
  const { installation } = book;
  const key = { installation, connection: connectionId, playerId, roundRef, transactionRef };
  return {
    type: 'stake',
    request: { ...about, betId: betId({ ...key, kind: 'stake' }), transactionRef, gameId, isClose },
  } as const;
}

/** Commits the intent. */
function write(deps: ProviderDeps, round: string | NewRound, event: StakeEvent): Promise<Asked> {
  const { book, failpoint } = deps;
  const beside: Beside<StakeEvent> = () => failpoint('intent_uncommitted', 'stake');
  if (typeof round === 'string') return book.decideOn(round, event, beside);
  return pipelinedTransaction(book.pool, async (client) => {
    const roundId = await findOrCreateRound(client, round);
    const decided = await book.decideIn(client, roundId, event, beside);
    // A refused first stake makes no round: its game and session must not bind a later one.
    if (decided.result.kind === 'answer') await dropEmptyRound(client, roundId);
    return decided;
  });
}

/** The stored result in the document's codes (SPEC §5). */
function encode(answer: MoneyAnswer): ProviderAnswer {
  const { result, balance, operationId, note } = answer;
  if (result !== 'accepted') return refuse(codeOf(result), note);
  return {
    body: encodeMoney({ balance: balance ?? '0', externalSessionId: operationId ?? 0 }),
    ...(operationId === null ? {} : { accepted: { operationId } }),
  };
}

function codeOf(result: Exclude<AnswerResult, 'accepted'>): CreditRefusal {
  switch (result) {
    case 'insufficient_funds':
      return 2;
    case 'player_blocked':
      return 4;
    case 'round_closed':
      return 5;
    case 'round_unknown':
      return 8;
    case 'player_unknown':
      return 11;
    case 'failed':
      return 1;
    default:
      return assertNever(result);
  }
}

function refuse(code: CreditRefusal, detail?: string): ProviderAnswer {
  return { body: encodeRefusal('Credit', code, detail) };
}

/** A refusal at the door, which is counted. */
function refuseFor(refused: ProviderRefusal, code: CreditRefusal, detail?: string): ProviderAnswer {
  return { ...refuse(code, detail), refused };
}
