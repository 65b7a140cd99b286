import { resolve } from 'node:path';
import type { Settings } from '../config/env';
import { addressesOf } from './addresses';
import type { StackDatabases } from './databases';
import type { Demo } from './seed';

/** What every process of the stack shares, and the command line needs to talk to the same stack. */
export function sharedEnvironment(
  settings: Settings,
  databases: StackDatabases,
  temporalAddress: string | undefined,
): Record<string, string> {
  return {
    ROUNDHOUSE_ENV: settings.ROUNDHOUSE_ENV,
    ROUNDHOUSE_HOME: settings.ROUNDHOUSE_HOME,
    DATABASE_URL: databases.roundhouse,
    // The file's name only: the key itself is written nowhere else.
    ...(settings.MASTER_KEY_FILE === undefined
      ? {}
      : { MASTER_KEY_FILE: resolve(settings.MASTER_KEY_FILE) }),
    TEMPORAL_ADDRESS: temporalAddress ?? String(settings.TEMPORAL_ADDRESS),
    TEMPORAL_NAMESPACE: settings.TEMPORAL_NAMESPACE,
    API_PORT: String(settings.API_PORT),
    // No load balancer stands before it, and Ctrl-C is waited for.
    API_DRAIN_MS: '0',
    PUBLIC_BASE_URL: settings.PUBLIC_BASE_URL ?? addressesOf(settings).api,
    SANDBOX_PROVIDER_PORT: String(settings.SANDBOX_PROVIDER_PORT),
    SANDBOX_PARTNER_PORT: String(settings.SANDBOX_PARTNER_PORT),
    METRICS_PORT: String(settings.METRICS_PORT),
  };
}

/** What only the two sandbox processes need: their books, and the credentials of the demo. */
export function sandboxEnvironment(
  settings: Settings,
  demo: Demo,
  databases: StackDatabases,
): Record<string, string> {
  return {
    SANDBOX_PROVIDER_DATABASE_URL: databases.sandboxProvider,
    SANDBOX_PROVIDER_PARTNER_ID: demo.connection.partner_id,
    SANDBOX_PROVIDER_API_KEY: demo.connection.api_key,
    SANDBOX_PROVIDER_CALLBACK_URL: demo.connection.callback_base,
    SANDBOX_PARTNER_DATABASE_URL: databases.sandboxPartner,
    SANDBOX_PARTNER_API_URL: demo.api,
    SANDBOX_PARTNER_API_KEY: demo.partner.api_key,
    SANDBOX_PARTNER_PREFIX: demo.partner.prefix,
    SANDBOX_PARTNER_AGENT_SECRET: demo.partner.agent_secret,
    SANDBOX_PARTNER_CURRENCY: settings.SANDBOX_PARTNER_CURRENCY,
  };
}
