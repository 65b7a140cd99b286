import { cutToMinor } from '../money';
import type { WalletOutcome } from '../wallet-outcome';
import { parseObligationId, type BetRow, type ObligationRow, type RoundRows } from './rows';

/** Two calls of one player between which the wallet's balance stood still, though the second had to move it. */
export interface StillBalance {
  readonly before: { readonly betId: string; readonly verb: 'take' | 'give' };
  readonly call: { readonly betId: string; readonly verb: 'take' | 'give' };
}

/**
 * SPEC §5: whether a reply tells the balance that the wallet told before it, although it took or gave
 * something. Known from the round alone; whether another call of the player lay between, is not.
 *
 * @param exponent the currency's; balances are compared in minor units, whatever digits a wallet adds
 */
export function stillBalance(
  rows: RoundRows,
  call: string,
  outcome: WalletOutcome,
  exponent: number,
): StillBalance | undefined {
  const key = parseObligationId(call);
  const bet = rows.bets.find((row) => row.id === key?.betId);
  if (!key || !bet || outcome.kind !== 'done' || outcome.balance === undefined) return undefined;
  if (key.verb !== 'take' && key.verb !== 'give') return undefined;
  if (movedBy(bet, key.verb) === 0n) return undefined;
  const before = lastTold(rows.bets);
  if (!before?.lastBalance) return undefined;
  const [told, now] = [before.lastBalance, outcome.balance].map((text) =>
    cutToMinor(text, exponent),
  );
  if (told === undefined || told !== now) return undefined;
  return {
    before: { betId: before.id, verb: before.paid ? 'give' : 'take' },
    call: { betId: bet.id, verb: key.verb },
  };
}

function movedBy(bet: BetRow, verb: ObligationRow['verb']): bigint {
  return verb === 'take' || bet.decision === 'failed' ? bet.stake : bet.payout;
}

function lastTold(bets: readonly BetRow[]): BetRow | undefined {
  return bets
    .filter((bet) => bet.lastBalance !== null)
    .reduce<BetRow | undefined>(
      (last, bet) => (!last || bet.updatedMs >= last.updatedMs ? bet : last),
      undefined,
    );
}
