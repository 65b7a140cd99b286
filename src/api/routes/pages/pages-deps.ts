import type { Pool } from 'pg';
import type { Clock } from '../../../lib/clock';
import type { Logger } from '../../../lib/log';
import type { Limits } from '../../limits/limits';
import type { Links } from './links';

export interface PagesDeps {
  readonly pool: Pool;
  readonly publicBaseUrl: string;
  readonly links: Links;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Pick<Logger, 'error'>;
}
