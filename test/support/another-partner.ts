import { createPartner, partnerByPrefix } from '../../src/db/partners';
import { findOrCreatePlayer } from '../../src/db/players';
import { productsFor } from '../../src/db/catalogue';
import { createSession } from '../../src/db/sessions';
import type { TestPlayer, TestRoundhouse } from './roundhouse';
import { startTestWallet, type TestWallet } from './test-wallet';

export interface AnotherPartner {
  readonly wallet: TestWallet;
  readonly apiKey: string;
  /** With a session that a stake opens. */
  readonly player: TestPlayer;
}

/** A second partner of a house, with a wallet and a player of its own. */
export async function anotherPartner(
  house: TestRoundhouse,
  prefix: string,
  settings: Record<string, unknown>,
): Promise<AnotherPartner> {
  let secret = '';
  const wallet = await startTestWallet(() => secret);
  const { apiKey, agentSecret } = await createPartner(house.office, {
    prefix,
    currency: 'EUR',
    walletUrl: wallet.url,
    settings: { breaker: { calls_min: 1_000 }, ...settings },
  });
  secret = agentSecret;
  const partner = await partnerByPrefix(house.pool, prefix);
  if (!partner) throw new Error('no partner');
  const [product] = await productsFor(house.pool, partner);
  if (!product) throw new Error('no product');
  const { player } = await findOrCreatePlayer(house.pool, partner, 'p1');
  const { token } = await createSession(house.pool, {
    playerId: player.playerId,
    partnerId: partner.id,
    connectionId: house.connection.id,
    productId: product.id,
    gameId: '11',
    currency: 'EUR',
    isDemo: false,
    isMobile: false,
    nowMs: Date.now(),
  });
  return { wallet, apiKey, player: { id: player.playerId, userAgent: `${prefix}.p1`, token } };
}
