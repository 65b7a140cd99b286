// The supervisor behind `npm start`: takes the state folder, starts the stack, waits for a signal, ends
// the stack.
import { SettingsError, readSettings, type Settings } from '../config/env';
import { MigrationError } from '../db/migrate';
import { MasterKeyError } from '../db/vault';
import { addressTable, portsOf } from './addresses';
import { childEnvironment } from '../config/child-environment';
import { openHome, type StackHome } from './home';
import { MASTER_KEY_NAME } from './master-key';
import { requirePorts } from './ports';
import { createStack, type Stack } from './stack';
import { StackError } from './stack-error';

/** npm passes a Ctrl-C on to us that the terminal has sent us already: one keypress, two signals. */
const SAME_KEYPRESS_MS = 1_000;

const print = (line: string) => void process.stdout.write(`${line}\n`);
const printError = (line: string) => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const begin = Date.now();
  const fresh = readArguments(process.argv.slice(2));
  const settings = readSettings();
  if (settings.TLS_CERT_FILE !== undefined) {
    throw new StackError(
      'TLS_CERT_FILE: npm start speaks plain http, to this machine only; unset it',
    );
  }
  const home = await openHome(settings.ROUNDHOUSE_HOME, (line) => print(`  ${line}`));
  const signals = handleSignals(home);
  let stack: Stack | undefined;
  try {
    await requirePorts(portsOf(settings));
    if (fresh) await wipe(home, settings);
    const path = childEnvironment({}).PATH ?? '';
    stack = createStack({ settings, home, path, report: (line) => print(`  ${line}`) });
    signals.use(stack);
    const demo = await stack.start();
    if (signals.stopping()) return;
    print(`\n${addressTable(settings, demo.temporal_ui, demo.storefront)}\n`);
    print(`Ready in ${((Date.now() - begin) / 1000).toFixed(1)} s. Press Ctrl-C to stop.`);
  } catch (error) {
    // Parts that are being stopped fail in every way; the handler of the signal ends this process.
    if (signals.stopping()) return;
    printError(sentenceFor(error));
    process.exitCode = 1;
    await stack?.stop();
    await home.release();
    process.exit();
  }
}

function readArguments(args: readonly string[]): boolean {
  const unknown = args.find((argument) => argument !== '--fresh');
  if (unknown !== undefined) {
    throw new StackError(`${unknown} is not an option of npm start; there is only: -- --fresh`);
  }
  return args.includes('--fresh');
}

async function wipe(home: StackHome, settings: Settings): Promise<void> {
  print(`  Removing the state in ${home.dir}`);
  // A database of the user's own stays, and so must the key that its secrets are sealed with.
  await home.wipe(settings.DATABASE_URL === undefined ? [] : [MASTER_KEY_NAME]);
  if (settings.DATABASE_URL !== undefined) {
    print('  The database of DATABASE_URL is yours and was left as it is');
  }
}

interface SignalHandler {
  use(stack: Stack): void;
  stopping(): boolean;
}

/** The first signal ends the stack in order, a second Ctrl-C at once. */
function handleSignals(home: StackHome): SignalHandler {
  let stack: Stack | undefined;
  let firstAt: number | undefined;
  const end = async () => {
    print('\nStopping ...');
    await stack?.stop();
    await home.release();
    print('Stopped.');
    process.exit(0);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      void end();
    } else if (signal === 'SIGINT' && Date.now() - firstAt > SAME_KEYPRESS_MS) {
      stack?.kill();
      void home.release().finally(() => process.exit(130));
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // A terminal that is gone must not end us with an error before the stack is ended.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return {
    use: (started) => (stack = started),
    stopping: () => firstAt !== undefined,
  };
}

function sentenceFor(error: unknown): string {
  if (error instanceof StackError || error instanceof SettingsError) return error.message;
  if (error instanceof MasterKeyError) {
    return `The book cannot be opened: ${error.message} (or begin anew: npm start -- --fresh)`;
  }
  if (error instanceof MigrationError) {
    return `The database cannot be brought up to date: ${error.message} (or begin anew: npm start -- --fresh)`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

main().catch((error: unknown) => {
  printError(sentenceFor(error));
  process.exit(1);
});
