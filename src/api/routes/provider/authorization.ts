import { gameOf } from '../../../db/catalogue';
import {
  authorizeSession,
  sessionByToken,
  sessionState,
  type SessionContext,
} from '../../../db/sessions';
import { cutToMinor, formatAmount } from '../../../domain/money';
import type { ProviderRefusal } from '../../../lib/metrics';
import { decodeAuthorization } from '../../../protocols/web-games/decode';
import { encodeAuthorization, encodeRefusal } from '../../../protocols/web-games/encode';
import { isKnownPlayer } from './known-player';
import type { ProviderAnswer, ProviderDeps, ProviderMethod } from './provider-deps';

async function balanceOf({ wallets }: ProviderDeps, { partner, player }: SessionContext) {
  const wallet = await wallets.of(partner.id);
  const { outcome } = await wallet.balance(`${partner.prefix}.${player.reference}`);
  return outcome;
}

/** Authorization (provider document, section 3): opens the token's session and tells the player's balance. */
export const authorize: ProviderMethod = async (deps, { connection, isSigned, bodyText }) => {
  const { pool } = deps.book;
  const { limits } = deps;
  const decoded = decodeAuthorization(bodyText);
  if (!decoded.ok) return refuseFor('shape', 1, decoded.message);
  const { request } = decoded;
  if (!isSigned('Authorization', request.hashValues, request.hash)) return refuseFor('hash', 10);
  const { requests_per_second: perSecond } = connection.settings;
  if ((await limits.connectionCall(connection.id, perSecond)) > 0) {
    limits.refused(`callbacks: calls of ${connection.key}`);
    return refuseFor('rate', 1, 'too many requests');
  }

  const found = await sessionByToken(pool, request.token);
  if (!(await isKnownPlayer(pool, connection, request.playerId, found?.player.playerId))) {
    return refuseFor('player', 11);
  }
  const nowMs = deps.clock.nowMs();
  const idleMs = connection.settings.session_idle_ms;
  if (!found) return refuseFor('token', 14);
  if (found.connection.id !== connection.id || found.player.playerId !== request.playerId) {
    return refuseFor('ownership', 14);
  }
  const state = sessionState(found.session, idleMs, nowMs);
  if (found.session.isDemo || !['launchable', 'live'].includes(state)) {
    return refuseFor('token', 14);
  }
  if (connection.status !== 'active') return refuseFor('suspended', 1, 'Connection suspended');
  if (found.partner.status !== 'active' || found.player.blocked) {
    return refuseFor('suspended', 1, 'Player or account not permitted');
  }
  const game = await gameOf(pool, connection, request.gameId);
  if (!game?.isActive) return refuseFor('game', 1, 'Game is not available');

  const release = limits.partnerStakes.take(String(found.partner.id));
  if (!release) {
    limits.refused(`callbacks: under way for ${found.partner.prefix}`);
    return refuseFor('rate', 1, 'too many requests are under way');
  }
  const outcome = await balanceOf(deps, found).finally(release);
  if (outcome.kind === 'declined' && outcome.reason === 'player_not_found') return refuse(11);
  // Any other fault is the wallet's or ours: the player is not to blame (trap T46).
  const { exponent } = found.partner;
  const balance =
    outcome.kind === 'done' && outcome.balance !== undefined
      ? cutToMinor(outcome.balance, exponent)
      : undefined;
  if (balance === undefined) return refuse(1, 'Wallet is not available');
  if (!(await authorizeSession(pool, found.session, idleMs, nowMs))) return refuseFor('token', 14);
  return {
    body: encodeAuthorization({
      playerId: request.playerId,
      currency: found.session.currency,
      nick: `Player${request.playerId}`,
      balance: formatAmount(balance, exponent),
      externalSession: `session-${found.session.id}`,
    }),
  };
};

type AuthorizationRefusal = 1 | 10 | 11 | 14;

function refuse(code: AuthorizationRefusal, detail?: string): ProviderAnswer {
  return { body: encodeRefusal('Authorization', code, detail) };
}

/** A refusal at the door, which is counted. */
function refuseFor(
  refused: ProviderRefusal,
  code: AuthorizationRefusal,
  detail?: string,
): ProviderAnswer {
  return { ...refuse(code, detail), refused };
}
