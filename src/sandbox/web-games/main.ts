import { readSettings } from '../../config/env';
import { createLogger } from '../../lib/log';
import { runService, type Service } from '../../lib/run-service';
import { createWebGamesService } from './web-games-service';

/** The sandbox provider as a process of its own. */
async function startWebGames(): Promise<Service> {
  const settings = readSettings([
    'SANDBOX_PROVIDER_DATABASE_URL',
    'SANDBOX_PROVIDER_PARTNER_ID',
    'SANDBOX_PROVIDER_API_KEY',
    'SANDBOX_PROVIDER_CALLBACK_URL',
  ]);
  const port = settings.SANDBOX_PROVIDER_PORT;
  const service = createWebGamesService({
    databaseUrl: settings.SANDBOX_PROVIDER_DATABASE_URL,
    publicBaseUrl: `http://localhost:${String(port)}`,
    log: createLogger('sandbox-provider', settings.LOG_LEVEL),
    poolMax: settings.DATABASE_POOL_MAX,
    partner: {
      partnerId: settings.SANDBOX_PROVIDER_PARTNER_ID,
      partnerApiUrl: settings.SANDBOX_PROVIDER_CALLBACK_URL,
      apiKey: settings.SANDBOX_PROVIDER_API_KEY,
    },
  });
  await service.listen(port, settings.SANDBOX_HOST);
  return service;
}

runService('sandbox provider', startWebGames);
