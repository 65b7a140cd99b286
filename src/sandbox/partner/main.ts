import { readSettings, SettingsError } from '../../config/env';
import { systemClock } from '../../lib/clock';
import { createLogger } from '../../lib/log';
import { createSandboxPartner } from './sandbox-partner';

/** A stop that takes longer is not going to end: the process leaves, and the book is whole anyway. */
const STOP_TIMEOUT_MS = 10_000;

async function main(): Promise<void> {
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

  let stopping = false;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    casino.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  // Started by another process that is gone: nobody is left to stop this one.
  process.on('disconnect', () => stop('the parent process is gone'));

  const port = await casino.listen(settings.SANDBOX_PARTNER_PORT);
  log.info({ port, currency: settings.SANDBOX_PARTNER_CURRENCY }, 'listening');
  process.send?.({ ready: true });
}

main().catch((error: unknown) => {
  const known = error instanceof SettingsError;
  const text = error instanceof Error ? (known ? error.message : error.stack) : undefined;
  process.stderr.write(`sandbox partner: ${text ?? String(error)}\n`);
  process.exit(1);
});
