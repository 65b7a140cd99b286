import type { Pool } from 'pg';
import type { Clock } from '../../../lib/clock';
import type { Logger } from '../../../lib/log';
import type { Cashier } from '../cashier';
import type { FaultSwitchboard } from '../fault-switchboard';
import type { LiveFeed } from '../live-feed';
import type { Money } from '../money-text';
import type { PlayerAccountReader } from '../player-account';
import type { RoundhouseClient } from '../roundhouse-client';
import type { WalletBook } from '../wallet-book';
import type { SessionCookie } from './session-cookie';

/** What the storefront's pages work with. */
export interface StorefrontDeps {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly money: Money;
  readonly prefix: string;
  /** How browsers reach this casino, without a slash at its end. */
  readonly publicBaseUrl: string;
  readonly roundhouse: RoundhouseClient;
  readonly accounts: PlayerAccountReader;
  readonly cashier: Cashier;
  readonly book: WalletBook;
  readonly faults: FaultSwitchboard;
  readonly feed: LiveFeed;
  readonly cookie: SessionCookie;
  readonly log: Logger;
  /** Aborted when the casino closes: ends live streams. */
  readonly closing: AbortSignal;
}
