import { WALLET_ENDPOINTS, type WalletEndpoint } from './wallet-request';

/**
 * Ways the wallet can misbehave on demand:
 * `slow` decides after `delay_ms`; `error500` answers 500 and decides nothing; `hang` never answers and decides
 * nothing; `lose_answer` decides, commits, and then cuts the connection; `decline` refuses for funds.
 */
export const FAULT_MODES = ['none', 'slow', 'error500', 'hang', 'lose_answer', 'decline'] as const;
export type FaultMode = (typeof FAULT_MODES)[number];

/** Enough for any run; a fault that is to last is switched off with mode `none`. */
export const FAULT_COUNT_MAX = 1_000_000;
export const FAULT_DELAY_MAX_MS = 600_000;
/** Longer than one attempt of a caller that gives a wallet two seconds. */
export const DEFAULT_SLOW_MS = 3_000;

export interface Fault {
  readonly mode: FaultMode;
  /** How many of the next calls it meets. */
  readonly count: number;
  readonly delayMs: number;
}

export type SetFault = Fault & { readonly endpoint: WalletEndpoint };

export interface FaultSwitchboard {
  set(endpoint: WalletEndpoint, fault: Fault): void;
  /** The fault of the next call, which uses it up; undefined when the call is to go well. */
  take(endpoint: WalletEndpoint): Fault | undefined;
  /** What is switched on now, in the order of the endpoints. */
  list(): SetFault[];
}

/** @param changed called after each change, a fault used up included */
export function createFaultSwitchboard(changed: () => void): FaultSwitchboard {
  const faults = new Map<WalletEndpoint, Fault>();
  return {
    set(endpoint, fault) {
      if (fault.mode === 'none' || fault.count === 0) faults.delete(endpoint);
      else faults.set(endpoint, fault);
      changed();
    },
    take(endpoint) {
      const fault = faults.get(endpoint);
      if (!fault) return undefined;
      if (fault.count <= 1) faults.delete(endpoint);
      else faults.set(endpoint, { ...fault, count: fault.count - 1 });
      changed();
      return fault;
    },
    list: () =>
      WALLET_ENDPOINTS.flatMap((endpoint) => {
        const fault = faults.get(endpoint);
        return fault ? [{ endpoint, ...fault }] : [];
      }),
  };
}
