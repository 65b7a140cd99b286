/** A program that runs until it is told to stop. */
export interface Service {
  /** Ends it in order: what it has begun is finished or handed over. */
  close(): Promise<void>;
  /** How long `close` waits, in milliseconds, for others to turn away before it begins; 0 when not given. */
  readonly drainMs?: number;
}

/**
 * A stop that takes longer, drain apart, is not going to end; the process leaves, and nothing committed is lost. The
 * last answers have 10 s, and after them a worker's last calls 15 s.
 */
const STOP_MS_MAX = 30_000;

/**
 * Runs a service as a process: starts it, tells a parent process that it is ready, ends it on SIGTERM,
 * SIGINT, or when the parent is gone. A start that fails is told on standard error and exits with 1; of a
 * fault in the configuration only its message.
 */
export function runService(name: string, start: () => Promise<Service>): void {
  let service: Service | undefined;
  let stopping = false;

  const leave = (error?: unknown) => {
    if (error !== undefined) process.stderr.write(`${name}: ${explain(error)}\n`);
    process.exit(error === undefined ? 0 : 1);
  };
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_MS_MAX + (service?.drainMs ?? 0)).unref();
    // A start under way is waited for: what it opens must be closed.
    void started.then(() => service?.close()).then(() => leave(), leave);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', stop);

  const started = start().then((running) => {
    service = running;
    if (!stopping) process.send?.({ ready: true });
  });
  started.catch(leave);
}

/** Faults of what was given, not of the program: their message says what to do. */
const FOR_PEOPLE = ['SettingsError', 'MasterKeyError'];

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return FOR_PEOPLE.includes(error.name) ? error.message : (error.stack ?? error.message);
}
