import type { Ask } from '../contracts/round';
import type { Answer } from '../domain/round/rows';

/** What a request that is offered to a hand came to: written down, or left to who holds it. */
export type Taken = 'written' | 'left';

/**
 * Where API and worker meet when one process has both (docs/decisions/0015): rounds whose hand is open here, and
 * answers that were stored here.
 */
export interface Hands {
  /** A hand takes requests of its round until it is closed; a newer one of the round takes its place. */
  open(workflowId: string, take: (ask: Ask) => Promise<Taken>): { close(): void };
  /** Undefined when no hand of the round is open in this process. */
  offer(workflowId: string, ask: Ask): Promise<Taken> | undefined;
  /** Tells an answer that was committed to whoever waits for it here. */
  answered(operationId: number, answer: Answer): void;
  onAnswer(listener: (operationId: number, answer: Answer) => void): void;
  /** How many hands are open. */
  count(): number;
}

export function createHands(): Hands {
  const takers = new Map<string, (ask: Ask) => Promise<Taken>>();
  const listeners: ((operationId: number, answer: Answer) => void)[] = [];
  return {
    open(workflowId, take) {
      takers.set(workflowId, take);
      return {
        close() {
          if (takers.get(workflowId) === take) takers.delete(workflowId);
        },
      };
    },
    offer: (workflowId, ask) => takers.get(workflowId)?.(ask),
    answered(operationId, answer) {
      for (const tell of listeners) tell(operationId, answer);
    },
    onAnswer(listener) {
      listeners.push(listener);
    },
    count: () => takers.size,
  };
}
