import { readSettings, SettingsError } from '../../config/env';
import { createLogger } from '../../lib/log';
import { createWebGamesService } from './web-games-service';

/** The sandbox provider as a process of its own: `node dist/sandbox/web-games/main.js`. */
async function main(): Promise<void> {
  const settings = readSettings([
    'SANDBOX_PROVIDER_DATABASE_URL',
    'SANDBOX_PROVIDER_PARTNER_ID',
    'SANDBOX_PROVIDER_API_KEY',
    'SANDBOX_PROVIDER_CALLBACK_URL',
  ]);
  const log = createLogger('sandbox-provider', settings.LOG_LEVEL);
  const port = settings.SANDBOX_PROVIDER_PORT;
  const service = createWebGamesService({
    databaseUrl: settings.SANDBOX_PROVIDER_DATABASE_URL,
    publicBaseUrl: `http://localhost:${String(port)}`,
    log,
    poolMax: settings.DATABASE_POOL_MAX,
    partner: {
      partnerId: settings.SANDBOX_PROVIDER_PARTNER_ID,
      partnerApiUrl: settings.SANDBOX_PROVIDER_CALLBACK_URL,
      apiKey: settings.SANDBOX_PROVIDER_API_KEY,
    },
  });

  let ending = false;
  const end = (reason: string) => {
    if (ending) return;
    ending = true;
    log.info({ reason }, 'the sandbox provider is ending');
    service.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the end was not a clean one');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  // Whoever started us is gone: nobody could stop us any more.
  process.on('disconnect', () => end('disconnect'));

  await service.listen(port);
  process.send?.({ ready: true });
}

main().catch((error: unknown) => {
  const text =
    error instanceof SettingsError
      ? error.message
      : `the sandbox provider cannot start: ${error instanceof Error ? error.message : String(error)}`;
  process.stderr.write(`${text}\n`);
  process.exit(1);
});
