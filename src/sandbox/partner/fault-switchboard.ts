import type { WalletEndpoint } from './wallet-request';

/**
 * Ways the wallet can misbehave on demand:
 * `slow` decides after `delay_ms`; `error500` answers 500 and decides nothing; `hang` never answers and decides
 * nothing; `lose_answer` decides, commits, and then cuts the connection; `decline` refuses for funds.
 */
export const FAULT_MODES = ['none', 'slow', 'error500', 'hang', 'lose_answer', 'decline'] as const;
export type FaultMode = (typeof FAULT_MODES)[number];

export interface Fault {
  readonly mode: FaultMode;
  /** How many of the next calls it meets. */
  readonly count: number;
  readonly delayMs: number;
}

export interface FaultSwitchboard {
  set(endpoint: WalletEndpoint, fault: Fault): void;
  /** The fault of the next call, which uses it up; undefined when the call is to go well. */
  take(endpoint: WalletEndpoint): Fault | undefined;
  /** What is switched on now. */
  list(): (Fault & { readonly endpoint: WalletEndpoint })[];
}

export function createFaultSwitchboard(): FaultSwitchboard {
  const faults = new Map<WalletEndpoint, Fault>();
  return {
    set(endpoint, fault) {
      if (fault.mode === 'none' || fault.count === 0) faults.delete(endpoint);
      else faults.set(endpoint, fault);
    },
    take(endpoint) {
      const fault = faults.get(endpoint);
      if (!fault) return undefined;
      if (fault.count <= 1) faults.delete(endpoint);
      else faults.set(endpoint, { ...fault, count: fault.count - 1 });
      return fault;
    },
    list: () => [...faults].map(([endpoint, fault]) => ({ endpoint, ...fault })),
  };
}
