import { readSettings } from '../../config/env';
import { systemClock } from '../../lib/clock';
import { createLogger } from '../../lib/log';
import { runService, type Service } from '../../lib/run-service';
import { createSandboxPartner } from './sandbox-partner';

/** The sandbox casino as a process: its wallet and its storefront. */
async function startSandboxPartner(): Promise<Service> {
  const settings = readSettings([
    'SANDBOX_PARTNER_DATABASE_URL',
    'SANDBOX_PARTNER_API_URL',
    'SANDBOX_PARTNER_API_KEY',
    'SANDBOX_PARTNER_PREFIX',
    'SANDBOX_PARTNER_AGENT_SECRET',
  ]);
  const log = createLogger('sandbox-partner', settings.LOG_LEVEL);
  const casino = createSandboxPartner({
    databaseUrl: settings.SANDBOX_PARTNER_DATABASE_URL,
    apiUrl: settings.SANDBOX_PARTNER_API_URL,
    apiKey: settings.SANDBOX_PARTNER_API_KEY,
    prefix: settings.SANDBOX_PARTNER_PREFIX,
    agentSecret: settings.SANDBOX_PARTNER_AGENT_SECRET,
    currency: settings.SANDBOX_PARTNER_CURRENCY,
    publicBaseUrl: `http://localhost:${settings.SANDBOX_PARTNER_PORT}`,
    log,
    clock: systemClock,
  });
  const port = await casino.listen(settings.SANDBOX_PARTNER_PORT, settings.SANDBOX_HOST);
  log.info({ port, currency: settings.SANDBOX_PARTNER_CURRENCY }, 'listening');
  return casino;
}

runService('sandbox partner', startSandboxPartner);
