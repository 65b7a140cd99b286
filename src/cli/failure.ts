import { SettingsError } from '../config/env';
import { CatalogueError } from '../activities/sync-catalogue';
import { MigrationError } from '../db/migrate';
import { MasterKeyError } from '../db/vault';
import { RefusedError } from '../db/refused';
import { isDatabaseUnavailable } from '../db/unavailable';

export const EXIT_DONE = 0;
/** The command was understood and refused, or failed, or the audit found a contradiction. */
export const EXIT_REFUSED = 1;
export const EXIT_BAD_INPUT = 2;

/** PostgreSQL: a table that does not exist. */
const UNDEFINED_TABLE = '42P01';

export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

/**
 * Turns whatever a command threw into one sentence and an exit code. A stack trace is printed only for
 * what must be a bug of ours.
 *
 * @param argumentNames the command's arguments, so that a fault names `PREFIX` and not `--prefix`
 */
export function describeFailure(error: unknown, argumentNames: ReadonlySet<string>): Failure {
  if (error instanceof RefusedError) {
    const text = `${placeOf(error.field, argumentNames)}: ${error.reason}`;
    return { text, exitCode: EXIT_BAD_INPUT };
  }
  if (error instanceof SettingsError) {
    const hint = error.faults.some((fault) => fault.startsWith('DATABASE_URL'))
      ? '\nSet DATABASE_URL, or run "npm start" here: its database is found by itself.'
      : '';
    return { text: error.message + hint, exitCode: EXIT_REFUSED };
  }
  if (
    error instanceof CatalogueError ||
    error instanceof MigrationError ||
    error instanceof MasterKeyError
  ) {
    return { text: error.message, exitCode: EXIT_REFUSED };
  }
  if (isDatabaseUnavailable(error)) {
    const text = `the database of DATABASE_URL cannot be reached (${causeOf(error)}); is it running?`;
    return { text, exitCode: EXIT_REFUSED };
  }
  if (error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE) {
    const text = 'the database has no book of this version: run "roundhouse migrate" first';
    return { text, exitCode: EXIT_REFUSED };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text, exitCode: EXIT_REFUSED };
}

/** `wallet_url` is `--wallet-url` on the command line, unless the command takes it as an argument. */
function placeOf(field: string, argumentNames: ReadonlySet<string>): string {
  const argument = field.toUpperCase();
  return argumentNames.has(argument) ? argument : `--${field.replaceAll('_', '-')}`;
}

function causeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'no answer';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'message' in error ? String(error.message) : 'no answer';
}
