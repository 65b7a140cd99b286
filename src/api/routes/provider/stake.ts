import type { Beside } from '../../../db/book';
import { mayStake } from '../../../db/breakers';
import { gameOf } from '../../../db/catalogue';
import { findOperation, reserveOperationId } from '../../../db/operations';
import { dropEmptyRound, findOrCreateRound } from '../../../db/rounds';
import {
  authorizeSession,
  sessionByToken,
  sessionState,
  touchSession,
  type SessionContext,
} from '../../../db/sessions';
import { transaction } from '../../../db/transaction';
import { betId } from '../../../domain/bet-id';
import { parseAmount } from '../../../domain/money';
import type { AnswerResult } from '../../../domain/round/rows';
import { assertNever } from '../../../lib/assert';
import type { ProviderRefusal } from '../../../lib/metrics';
import type { WebGamesCode } from '../../../protocols/web-games/codes';
import { decodeCredit, type StakeRequest } from '../../../protocols/web-games/decode';
import { encodeMoney, encodeRefusal } from '../../../protocols/web-games/encode';
import type { MoneyAnswer } from '../../money-desk';
import { openAmountConflict } from './amount-conflict';
import { isKnownPlayer } from './known-player';
import { maskedBody } from './masked-body';
import type { ProviderAnswer, ProviderDeps, ProviderMethod } from './provider-deps';

type CreditRefusal = Exclude<WebGamesCode<'Credit'>, 0>;

/**
 * Credit (provider document, section 4): takes a stake. Order of checks as SPEC §3 has it: shape, hash,
 * stored answer, then player, session, round and game.
 */
export const askStake: ProviderMethod = async (deps, { connection, isSigned, bodyText }) => {
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
  const known = await findOperation(deps.book.pool, key);
  if (known) {
    const amount = parseAmount(request.amountText, known.exponent);
    if (!amount.ok) {
      await openAmountConflict(deps, known, request, bodyText);
      return refuse(1, 'amount is not the one of this transaction');
    }
    const { roundId, operationId } = known;
    const asked = { request, amount: amount.minor, bytes: maskedBody(bodyText, request) };
    // A repeat is owed its stored answer: it is never refused for a limit, but it counts.
    const release = deps.limits.partnerStakes.hold(String(known.partnerId));
    return settle(deps, roundId, asked, connection.id, operationId).finally(release);
  }

  const { pool } = deps.book;
  const { limits } = deps;
  const { requests_per_second: perSecond } = connection.settings;
  if ((await limits.connectionCall(connection.id, perSecond)) > 0) {
    limits.refused(`callbacks: calls of ${connection.key}`);
    return refuseFor('rate', 1, 'too many requests; nothing was taken');
  }
  const found = await sessionByToken(pool, request.token);
  if (!(await isKnownPlayer(pool, connection, request.playerId, found))) {
    return refuseFor('player', 11);
  }
  const nowMs = deps.clock.nowMs();
  const idleMs = connection.settings.session_idle_ms;
  if (!found) return refuseFor('token', 14);
  if (!ownsSession(found, connection.id, request.playerId)) return refuseFor('ownership', 14);
  const state = sessionState(found.session, idleMs, nowMs);
  // A stake is proof of the launch as good as Authorization: it is signed, and names the same token.
  const live =
    state === 'live' ||
    (state === 'launchable' && (await authorizeSession(pool, found.session, idleMs, nowMs)));
  if (!live) return refuseFor('token', 14);
  if (found.player.blocked || found.partner.status !== 'active') return refuseFor('suspended', 4);
  if (connection.status !== 'active') return refuseFor('suspended', 1, 'Connection suspended');
  const game = await gameOf(pool, connection, request.gameId);
  if (!game?.isActive) return refuseFor('game', 1, 'Game is not available');
  const amount = parseAmount(request.amountText, found.partner.exponent);
  if (!amount.ok) return refuse(1, AMOUNT_FAULTS[amount.fault]);
  // Rule 14: nobody asks a wallet that does not answer for a stake; nothing is recorded, nothing is sent.
  if (!(await mayStake(pool, found.partner.id))) {
    return refuse(1, 'the wallet does not answer; nothing was taken');
  }
  // Before anything is recorded: a wallet that hangs fills its own partner's part of the seats.
  const release = limits.partnerStakes.take(String(found.partner.id));
  if (!release) {
    limits.refused(`callbacks: under way for ${found.partner.prefix}`);
    return refuseFor('rate', 1, 'too many requests are under way; nothing was taken');
  }
  try {
    await touchSession(pool, found.session, idleMs, nowMs);
    const asked = { request, amount: amount.minor, bytes: maskedBody(bodyText, request) };
    return await settle(deps, found, asked, connection.id);
  } finally {
    release();
  }
};

function ownsSession(found: SessionContext, connectionId: number, playerId: string): boolean {
  return (
    found.connection.id === connectionId &&
    found.player.playerId === playerId &&
    !found.session.isDemo
  );
}

const AMOUNT_FAULTS = {
  not_a_number: 'amount must be a decimal number',
  too_many_decimals: 'amount has more decimals than the currency',
  too_large: 'amount has more than 15 digits',
} as const;

/**
 * Commits the intent and waits for its answer.
 *
 * @param round the known round's number, or the session in which a new one begins
 */
async function settle(
  deps: ProviderDeps,
  round: string | SessionContext,
  asking: { request: StakeRequest; amount: bigint; bytes: string },
  connectionId: number,
  knownOperationId?: number,
): Promise<ProviderAnswer> {
  const { book, desk } = deps;
  const { request, amount, bytes } = asking;
  const { playerId, roundId: roundRef, transactionId: transactionRef, gameId } = request;
  const operationId = knownOperationId ?? (await reserveOperationId(book.pool));
  const event = {
    type: 'stake',
    request: {
      operationId,
      betId: betId({
        installation: book.installation,
        connection: connectionId,
        kind: 'stake',
        playerId,
        roundRef,
        transactionRef,
      }),
      transactionRef,
      amount,
      gameId,
      isClose: request.isClose,
      bytes,
    },
  } as const;
  const beside: Beside<typeof event> = (client) =>
    deps.desk.besideIntent(client, 'stake');
  const asked =
    typeof round === 'string'
      ? await book.decideOn(round, event, beside)
      : await transaction(book.pool, async (client) => {
          const id = await findOrCreateRound(client, {
            connectionId,
            playerId,
            roundRef,
            partnerId: round.partner.id,
            sessionId: round.session.id,
            gameId,
            currency: round.session.currency,
          });
          const decided = await book.decideIn(client, id, event, beside);
          // A refused first stake makes no round: its game and session must not bind a later one.
          if (decided.result.kind === 'answer') await dropEmptyRound(client, id);
          return decided;
        });
  const answer = await desk.settle(asked, 'stake');
  return encode(answer, asked.context.roundId);
}

/** The stored result in the document's codes (SPEC §5). */
function encode(answer: MoneyAnswer, roundId: string): ProviderAnswer {
  const { result, balance, operationId, note } = answer;
  if (result !== 'accepted') return refuse(codeOf(result), note);
  return {
    body: encodeMoney({ balance: balance ?? '0', externalSessionId: operationId ?? 0 }),
    ...(operationId === null ? {} : { accepted: { roundId, operationId } }),
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
