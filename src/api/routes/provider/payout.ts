import type { NewRound } from '../../../contracts/round';
import type { Beside } from '../../../db/book';
import { openStrayCase } from '../../../db/cases';
import type { Connection } from '../../../db/connections';
import { moneyRequestFacts, type MoneyRequestFacts } from '../../../db/money-request';
import type { Partner } from '../../../db/partners';
import { findOrCreateRound } from '../../../db/rounds';
import { pipelinedTransaction } from '../../../db/transaction';
import { parseAmount } from '../../../domain/money';
import type { CaseKind } from '../../../domain/round/draft';
import type { AnswerResult } from '../../../domain/round/rows';
import type { ProviderRefusal } from '../../../lib/metrics';
import type { WebGamesCode } from '../../../protocols/web-games/codes';
import { decodeDebit, type PayoutRequest } from '../../../protocols/web-games/decode';
import { encodeMoney, encodeRefusal } from '../../../protocols/web-games/encode';
import type { MoneyAnswer } from '../../money-answer';
import { openAmountConflict } from './amount-conflict';
import { isKnownPlayer } from './known-player';
import { maskedBody } from './masked-body';
import { plainRequest } from './plain-request';
import type { ProviderAnswer, ProviderDeps, ProviderMethod } from './provider-deps';

type DebitRefusal = Exclude<WebGamesCode<'Debit'>, 0>;

/**
 * Debit (provider document, section 5): pays a payout. Never refused for the token, the session, a block,
 * a disabled game or a suspension (SPEC §4 rule 6): what the player won is owed.
 */
export const askPayout: ProviderMethod = async (deps, { connection, isSigned, bodyText }) => {
  const decoded = decodeDebit(bodyText);
  if (!decoded.ok) return refuseFor('shape', 1, decoded.message);
  const { request } = decoded;
  if (!isSigned('Debit', request.hashValues, request.hash)) return refuseFor('hash', 10);
  const bytes = maskedBody(bodyText, request);
  const { book } = deps;
  const { pool } = book;

  const key = {
    connectionId: connection.id,
    kind: 'payout',
    playerId: request.playerId,
    roundRef: request.roundId,
    transactionRef: request.transactionId,
  } as const;
  await deps.desk.asked(key);
  const facts = await moneyRequestFacts(pool, key, request.token, request.gameId);
  const { known, named, session } = facts;
  if (known) {
    const amount = parseAmount(request.amountText, known.exponent);
    if (!amount.ok) {
      await openAmountConflict(deps, known, request, bodyText);
      return refuse(1, 'amount is not the one of this transaction');
    }
    const event = eventOf(request, facts.operationId, amount.minor, known.exponent, bytes);
    return encode(await deps.desk.settle(await book.decideOn(known.roundId, event), 'payout'));
  }

  if (!named) return refuseFor('player', 11);
  const { player, partner } = named;
  const amount = parseAmount(request.amountText, partner.exponent);
  const told = { request, bytes, amount: amount.ok ? amount.minor : null, partner };
  if (
    facts.round === undefined &&
    !(await isKnownPlayer(pool, connection, player.playerId, session?.playerId))
  ) {
    // Answered as if there were no such player; but money was named, so a person hears of it.
    if (told.amount !== 0n) await stray(deps, connection, 'ownership_mismatch', told);
    return refuseFor('player', 11);
  }
  if (
    session &&
    (session.connectionId !== connection.id || session.playerId !== request.playerId)
  ) {
    await stray(deps, connection, 'ownership_mismatch', told);
    return refuseFor('ownership', 10, 'the token belongs to somebody else');
  }
  if (!amount.ok) {
    await stray(deps, connection, 'payout_precision', told);
    return refuse(1, 'amount does not fit the currency');
  }
  const round = roundOf(facts, connection, request, partner);
  if (round === undefined) {
    if (amount.minor > 0n) await stray(deps, connection, 'orphan_payout', told);
    return refuse(8);
  }
  const event = eventOf(request, facts.operationId, amount.minor, partner.exponent, bytes, {
    untilMs: facts.nowMs + connection.settings.answer_deadline_ms,
  });
  const beside: Beside<typeof event> = () => deps.failpoint('intent_uncommitted', 'payout');
  const write = () =>
    typeof round === 'string'
      ? book.decideOn(round, event, beside)
      : pipelinedTransaction(pool, async (client) =>
          book.decideIn(client, await findOrCreateRound(client, round), event, beside),
        );
  const { playerId, roundId: roundRef } = request;
  const plain = plainRequest({ connection, partner, playerId, roundRef, facts, round, event });
  return encode(await deps.desk.settleNew(plain, key, write, 'payout'));
};

/** Rule 8: a payout without any round makes one only where the connection says so. */
function roundOf(
  { round, session }: MoneyRequestFacts,
  connection: Connection,
  request: PayoutRequest,
  partner: Partner,
): string | NewRound | undefined {
  if (round) return round.id;
  if (connection.settings.orphan_payout !== 'carrier') return undefined;
  return {
    connectionId: connection.id,
    playerId: request.playerId,
    roundRef: request.roundId,
    partnerId: partner.id,
    sessionId: session?.id ?? null,
    gameId: request.gameId,
    currency: partner.currency,
  };
}

function eventOf(
  request: PayoutRequest,
  operationId: number,
  amount: bigint,
  exponent: number,
  bytes: string,
  due: { untilMs?: number } = {},
) {
  // A related bet amount that does not fit the currency only loses its use as a hint (rule 7).
  const betAmount =
    request.betAmountText === undefined ? undefined : parseAmount(request.betAmountText, exponent);
  return {
    type: 'payout',
    request: {
      operationId,
      transactionRef: request.transactionId,
      amount,
      gameId: request.gameId,
      betAmount: betAmount?.ok ? betAmount.minor : null,
      isClose: request.isClose,
      bytes,
      ...due,
    },
  } as const;
}

function encode({ result, balance, operationId, note }: MoneyAnswer): ProviderAnswer {
  if (result !== 'accepted') return refuse(CODES[result], note);
  return {
    body: encodeMoney({ balance: balance ?? '0', externalSessionId: operationId ?? 0 }),
    ...(operationId === null ? {} : { accepted: { operationId } }),
  };
}

/** A payout is never refused for funds, a block or a token; what remains has these codes (SPEC §5). */
const CODES: Record<Exclude<AnswerResult, 'accepted'>, DebitRefusal> = {
  failed: 1,
  insufficient_funds: 1,
  player_blocked: 1,
  player_unknown: 11,
  round_closed: 5,
  round_unknown: 8,
};

async function stray(
  deps: ProviderDeps,
  connection: Connection,
  kind: CaseKind,
  told: { request: PayoutRequest; bytes: string; amount: bigint | null; partner: Partner },
): Promise<void> {
  const { request, bytes, amount, partner } = told;
  const { playerId, roundId, transactionId } = request;
  await openStrayCase(deps.book.pool, {
    kind,
    subject: [connection.key, playerId, roundId, transactionId].join('/'),
    roundId: null,
    amount,
    currency: partner.currency,
    evidence: { amount: request.amountText, game: request.gameId, request: bytes },
  });
}

function refuse(code: DebitRefusal, detail?: string): ProviderAnswer {
  return { body: encodeRefusal('Debit', code, detail) };
}

/** A refusal at the door, which is counted. */
function refuseFor(refused: ProviderRefusal, code: DebitRefusal, detail?: string): ProviderAnswer {
  return { ...refuse(code, detail), refused };
}
