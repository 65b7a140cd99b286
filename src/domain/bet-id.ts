import { createHash } from 'node:crypto';

/** What makes an operation one and the same for ever (SPEC §2). */
export interface OperationKey {
  /** Sixteen hex digits, made with the book: two installations on one wallet never share an id. */
  readonly installation: string;
  /** The connection's number. */
  readonly connection: number;
  readonly kind: 'stake' | 'payout';
  readonly playerId: string;
  readonly roundRef: string;
  readonly transactionRef: string;
}

/**
 * The `bet_id` of an operation: 24 lower-case hex characters, the start of the SHA-256 of the JSON array
 * `[1, installation, connection number, kind, player, round, transaction]` (SPEC §2). The leading 1 is the
 * version of this rule. Ids of the outside stay text, so that none loses a digit.
 */
export function betId(key: OperationKey): string {
  const source = JSON.stringify([
    1,
    key.installation,
    key.connection,
    key.kind,
    key.playerId,
    key.roundRef,
    key.transactionRef,
  ]);
  return createHash('sha256').update(source).digest('hex').slice(0, 24);
}
