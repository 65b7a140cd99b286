import type { Pool } from 'pg';
import type { Clock } from '../../../lib/clock';
import type { Logger } from '../../../lib/log';
import type { Links } from './links';

export interface PagesDeps {
  readonly pool: Pool;
  readonly publicBaseUrl: string;
  readonly links: Links;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error'>;
}
