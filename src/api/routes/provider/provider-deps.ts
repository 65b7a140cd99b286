import type { Wallets } from '../../../activities/wallets';
import type { Book } from '../../../db/book';
import type { Connection } from '../../../db/connections';
import type { Vault } from '../../../db/vault';
import type { Clock } from '../../../lib/clock';
import type { Failpoints } from '../../../lib/failpoints';
import type { Metrics, ProviderRefusal } from '../../../lib/metrics';
import type { SignedMethod } from '../../../protocols/web-games/signature';
import type { Limits } from '../../limits/limits';
import type { MoneyDesk } from '../../money-desk';

export interface ProviderDeps {
  readonly book: Book;
  readonly desk: MoneyDesk;
  readonly vault: Vault;
  /** For the balance that Authorization tells; the API calls nothing else of a wallet. */
  readonly wallets: Wallets;
  readonly clock: Clock;
  readonly failpoint: Failpoints;
  /** SPEC §6: here a connection without an IP list takes calls from anywhere. */
  readonly development: boolean;
  readonly metrics: Metrics;
  readonly limits: Limits;
  /** The same book and desk on database connections that no stake can take: payouts go through them. */
  readonly payouts: { readonly book: Book; readonly desk: MoneyDesk };
}

/** Whether the hash of a request is that of one of the connection's live keys. */
export type IsSigned = (method: SignedMethod, values: readonly string[], hash: string) => boolean;

/** What a method made of a request, and what to do once the answer is out. */
export interface ProviderAnswer {
  readonly body: string;
  /** Why it was refused at the door; not for what the round, the funds or the wallet say. */
  readonly refused?: ProviderRefusal;
  /** A stored code 0 whose writing is to be noted, or whose loss the round must hear of. */
  readonly accepted?: { readonly operationId: number };
}

export type ProviderMethod = (
  deps: ProviderDeps,
  call: {
    connection: Connection;
    isSigned: IsSigned;
    bodyText: string;
    /** Aborted when the provider hangs up before its answer. */
    gone: AbortSignal;
  },
) => Promise<ProviderAnswer>;
