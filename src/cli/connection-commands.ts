import type { Command } from 'commander';
import { syncConnection } from '../activities/sync-catalogue';
import {
  connectionByKey,
  createConnection,
  DIALECTS,
  listConnections,
  updateConnection,
  type Connection,
} from '../db/connections';
import type { PartyStatus } from '../db/partners';
import { RefusedError } from '../db/refused';
import { createLogger } from '../lib/log';
import type { CliContext } from './context';
import { callableUrl, given, ipWhitelistOf, settingsOf, somethingToChange } from './flag-values';
import type { Printable } from './render-text';

interface ConnectionFlags {
  readonly baseUrl?: string;
  readonly partnerId?: string;
  readonly apiKey?: string;
  readonly ipWhitelist?: string;
  readonly settings?: string;
}

/** `connection create|update|show|list|sync|suspend|resume` (SPEC §6). */
export function addConnectionCommands(program: Command, context: CliContext): void {
  const group = program.command('connection').description('integrations with game providers');
  addCreate(group, context);
  addUpdate(group, context);
  addSync(group, context);
  addStatus(group, context, 'suspend', 'suspended', 'offer none of its games and take no stake');
  addStatus(group, context, 'resume', 'active', 'end a suspension');

  context
    .command(group, 'show', 'one connection with its settings, defaults filled in')
    .argument('<KEY>')
    .action(async (key: string, _flags: unknown, command: Command) => {
      const connection = await connectionByKey(context.pool(), key);
      if (!connection) throw new RefusedError('key', `there is no connection ${key}`);
      context.answer(command, connectionView(context, connection));
    });

  context
    .command(group, 'list', 'every connection')
    .action(async (_flags: unknown, command: Command) => {
      const connections = await listConnections(context.pool());
      const rows = connections.map((connection) => {
        const {
          settings: _settings,
          ip_whitelist: _list,
          ...columns
        } = connectionView(context, connection);
        const { created_at: _created, updated_at: _updated, ...row } = columns;
        return row;
      });
      context.answer(command, rows);
    });
}

function addCreate(group: Command, context: CliContext): void {
  context
    .command(group, 'create', 'create a connection; give its callback_base to the provider')
    .argument('<KEY>', 'names it in paths and commands, such as web-games-1')
    .requiredOption('--dialect <D>', `the provider's protocol: ${DIALECTS.join(', ')}`)
    .requiredOption('--base-url <U>', "the base URL of the provider's service")
    .requiredOption('--partner-id <N>', 'our number at the provider')
    .requiredOption('--api-key <S>', 'the key both sides sign with')
    .option('--ip-whitelist <L>', 'addresses and CIDR ranges its calls may come from, by comma')
    .option('--settings <JSON>', 'settings that differ from the defaults')
    .action(async (key: string, flags: ConnectionFlags & { dialect: string }, command: Command) => {
      const connection = await createConnection(context.pool(), {
        key,
        dialect: flags.dialect,
        baseUrl: callableUrl(context.egress(), 'base_url', flags.baseUrl ?? ''),
        partnerId: flags.partnerId ?? '',
        apiKey: flags.apiKey ?? '',
        ...given({
          ipWhitelist: ipWhitelistOf(flags.ipWhitelist),
          settings: settingsOf(flags.settings),
        }),
      });
      context.answer(command, connectionView(context, connection));
    });
}

function addUpdate(group: Command, context: CliContext): void {
  context
    .command(group, 'update', 'change a connection; in force within seconds')
    .argument('<KEY>')
    .option('--base-url <U>', "the base URL of the provider's service")
    .option('--partner-id <N>', 'our number at the provider')
    .option('--api-key <S>', 'replaces the key both sides sign with, at once')
    .option('--ip-whitelist <L>', 'replaces the list; empty: any address')
    .option('--settings <JSON>', 'merged key by key; null puts a key back to its default')
    .action(async (key: string, flags: ConnectionFlags, command: Command) => {
      const { baseUrl, partnerId, apiKey } = flags;
      const change = given({
        baseUrl:
          baseUrl === undefined ? undefined : callableUrl(context.egress(), 'base_url', baseUrl),
        partnerId,
        apiKey,
        ipWhitelist: ipWhitelistOf(flags.ipWhitelist),
        settings: settingsOf(flags.settings),
      });
      somethingToChange(change, ['base_url', 'partner_id', 'api_key', 'ip_whitelist', 'settings']);
      const connection = await updateConnection(context.pool(), key, change);
      context.answer(command, connectionView(context, connection));
    });
}

function addSync(group: Command, context: CliContext): void {
  context
    .command(group, 'sync', "take over the provider's catalogue now")
    .argument('<KEY>')
    .action(async (key: string, _flags: unknown, command: Command) => {
      const result = await syncConnection(
        { pool: context.pool(), egress: context.egress(), log: createLogger('cli', 'silent') },
        key,
      );
      const { total: games, newProducts: new_products, ...rest } = result;
      context.answer(command, { ...rest, games, new_products });
    });
}

function addStatus(
  group: Command,
  context: CliContext,
  name: string,
  status: PartyStatus,
  description: string,
): void {
  context
    .command(group, name, description)
    .argument('<KEY>')
    .action(async (key: string, _flags: unknown, command: Command) => {
      const connection = await updateConnection(context.pool(), key, { status });
      context.answer(command, connectionView(context, connection));
    });
}

/** A connection as the CLI prints it; its API key never leaves the book again. */
function connectionView(context: CliContext, connection: Connection) {
  return {
    key: connection.key,
    status: connection.status,
    dialect: connection.dialect,
    base_url: connection.baseUrl,
    partner_id: connection.partnerId,
    // What the provider is to be told as partner_api_url: no method behind it, no slash at its end.
    callback_base: `${context.settings().PUBLIC_BASE_URL ?? ''}/providers/${connection.key}`,
    ip_whitelist: connection.ipWhitelist,
    catalogue_synced_at: connection.catalogueSyncedAt?.toISOString() ?? null,
    catalogue_error: connection.catalogueError,
    created_at: connection.createdAt.toISOString(),
    updated_at: connection.updatedAt.toISOString(),
    settings: connection.settings satisfies Printable,
  };
}
