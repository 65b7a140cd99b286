import { DefaultLogger, Runtime, type RuntimeOptions } from '@temporalio/worker';
import type { Logger } from './log';

/** Sets the SDK up for this process, before anything of it is used: it warns into our log, and handles no signal. */
export function installRuntime(
  log: Pick<Logger, 'warn' | 'error'>,
  telemetryOptions: NonNullable<RuntimeOptions['telemetryOptions']> = {},
): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      log[level === 'ERROR' ? 'error' : 'warn']({ ...meta }, message);
    }),
    // The service ends by itself, so that a signal is handled once.
    shutdownSignals: [],
    telemetryOptions,
  });
}
