/** What every subject is told about the world it is measured in: the same parties, players and keys. */

/** The connection's key, as both sides of the provider document sign with it. */
export const API_KEY = 'bench-connection-key';
export const CONNECTION_KEY = 'bench';
export const PREFIX = 'BEN1';
/** A second partner, with a wallet of its own, where a run wants one. */
export const NEIGHBOUR_PREFIX = 'BEN2';
export const GAME = '11';

/** As many as the most rounds in flight: a player plays one round at a time. */
export const PLAYERS = 32;

/** One round: a stake of 1, and a win of 2.50 in a won one. Decimal text, as it stands on the wire. */
export const STAKE = '1.00';
export const WIN = '2.50';

export interface BenchPlayer {
  /** The number the provider knows the player by. */
  readonly id: string;
  readonly token: string;
  /** The name the wallet knows the player by. */
  readonly userAgent: string;
}

/** The players of the peers; Roundhouse makes its own, with sessions in its book. */
export function peerPlayers(): BenchPlayer[] {
  return Array.from({ length: PLAYERS }, (_, index) => ({
    id: String(100_000_000 + index),
    token: `t${String(index)}`.padEnd(32, '0'),
    userAgent: `${PREFIX}.p${String(index)}`,
  }));
}
