import type { RunningProcess } from '../src/stack/running-process';
import type { BenchPlayer } from './accounts';
import type { WalletDesk } from './wallet/client';

export type SubjectName = 'roundhouse' | 'apart' | 'textbook' | 'dbos' | 'restate' | 'forwarder';

/** One of the things that are measured, running and ready. */
export interface Subject {
  readonly name: SubjectName;
  /** Where the provider sends Credit and Debit: several are called in turn. */
  readonly callbackUrls: readonly string[];
  readonly apiKey: string;
  readonly players: readonly BenchPlayer[];
  readonly wallet: WalletDesk;
  /** Processes of its own, by the name a table gives them; servers it shares with others are not here. */
  readonly processes: Readonly<Record<string, RunningProcess>>;
  /** Its database, where it has one. */
  readonly database: string | null;
  /** Its Temporal namespace and the workflow of a round, where it has them. */
  readonly temporal: {
    readonly namespace: string;
    workflowId(playerId: string, round: string): string;
  } | null;
  /** A check of its own books, beside the one that every subject has to pass: faults in words. */
  audit?(expected: { readonly staked: bigint; readonly paid: bigint }): Promise<string[]>;
}
