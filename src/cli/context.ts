import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { readSettings, type Settings } from '../config/env';
import { readMasterKeys, type MasterKeys } from '../config/master-key';
import type { Office } from '../db/office';
import { createPool, type Pool } from '../db/pool';
import { RefusedError } from '../db/refused';
import { openVault, type Vault } from '../db/vault';
import { createEgressGuard, type EgressGuard, type EgressGuardOptions } from '../lib/egress';
import { renderText, type Printable } from './render-text';

/** Where a command's words go and where its settings come from: the process, or a test. */
export interface CliIo {
  stdout(text: string): void;
  stderr(text: string): void;
  /** The process's own unless told. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Names of hosts: the system's resolver, unless a test brings one of its own. */
  readonly resolve?: EgressGuardOptions['resolve'];
}

/** What a command needs, opened when it first asks for it. */
export interface CliContext {
  settings(): Settings & { readonly DATABASE_URL: string };
  pool(): Pool;
  egress(): EgressGuard;
  masterKeys(): MasterKeys;
  /** Opens the book's secrets; reading commands do without. */
  vault(): Promise<Vault>;
  /** What a change is made through: the book, its secrets, and who makes it. */
  office(command: Command): Promise<Office>;
  /** Declares a command that answers with one value; `--json` prints it as one JSON document. */
  command(parent: Command, usage: string, description: string): Command;
  /** The command's answer on standard output: text for people, or JSON. */
  /** The same for a command that changes something: `--as NAME` says who, else it is the user of the machine. */
  changing(parent: Command, usage: string, description: string): Command;
  answer(command: Command, value: Printable, text?: string): void;
  /** Remarks for people; on standard error, so that the answer can be piped. */
  remark(text: string): void;
  /** Names of the current command's arguments, as `PREFIX` stands for `prefix`. */
  argumentNames(): ReadonlySet<string>;
  fail(exitCode: number): void;
  exitCode(): number;
  close(): Promise<void>;
}

/** One command runs one statement after the other. */
const POOL_MAX = 2;

export function createContext(io: CliIo): CliContext {
  let settings: (Settings & { readonly DATABASE_URL: string }) | undefined;
  let pool: Pool | undefined;
  let exitCode = 0;
  let argumentNames: ReadonlySet<string> = new Set();

  let vault: Promise<Vault> | undefined;

  const readOnce = () => (settings ??= readSettings(['DATABASE_URL'], io.environment));

  const openPool = () =>
    (pool ??= createPool({
      databaseUrl: readOnce().DATABASE_URL,
      max: POOL_MAX,
      applicationName: 'roundhouse cli',
    }));
  const isDevelopment = () => readOnce().ROUNDHOUSE_ENV === 'development';
  const masterKeys = () => readMasterKeys(readOnce());
  const openOnce = async () => (vault ??= openVault({ pool: openPool(), keys: masterKeys() }));

  return {
    settings: readOnce,
    pool: openPool,
    masterKeys,
    vault: openOnce,
    office: async (command) => ({
      pool: openPool(),
      actor: actorOf(command.opts<{ as?: string }>().as),
      vault: await openOnce(),
      development: isDevelopment(),
    }),
    egress: () =>
      createEgressGuard({
        allowHttp: isDevelopment(),
        allowCidrs: readOnce().EGRESS_ALLOW_CIDRS,
        ...(io.resolve && { resolve: io.resolve }),
      }),
    changing(parent, usage, description) {
      return this.command(parent, usage, description).option(
        '--as <NAME>',
        'who does this, for the audit log; by default the user of this machine',
      );
    },
    command(parent, usage, description) {
      const command = parent
        .command(usage)
        .description(description)
        .option('--json', 'answer with one JSON document')
        // A second word where one is expected is a mistake, not something to pass over.
        .allowExcessArguments(false);
      command.hook('preAction', (_parent, current) => {
        argumentNames = new Set(current.registeredArguments.map((argument) => argument.name()));
      });
      return command;
    },
    answer(command, value, text) {
      const asJson = command.opts<{ json?: boolean }>().json === true;
      io.stdout(asJson ? `${JSON.stringify(value, null, 2)}\n` : (text ?? renderText(value)));
    },
    remark: (text) => io.stderr(`${text}\n`),
    argumentNames: () => argumentNames,
    fail: (code) => {
      exitCode = code;
    },
    exitCode: () => exitCode,
    async close() {
      await pool?.end();
    },
  };
}

const ACTOR = /^[^\p{Cc}]{1,64}$/u;

/**
 * Who the audit log names: the name given, or the machine's user; a container may have no name for its user.
 *
 * @throws RefusedError naming `field`
 */
export function actorOf(given: string | undefined, field = 'as'): string {
  if (given !== undefined) {
    if (ACTOR.test(given)) return given;
    throw new RefusedError(field, 'must be 1 to 64 characters on one line');
  }
  try {
    return userInfo().username.slice(0, 64) || 'cli';
  } catch {
    return 'cli';
  }
}
