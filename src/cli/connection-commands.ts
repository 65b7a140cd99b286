import type { Command } from 'commander';
import { syncConnection } from '../activities/sync-catalogue';
import { listCallbackSecrets } from '../db/callback-secrets';
import {
  listConnectionKeys,
  rotateConnectionKey,
  type ShownConnectionKey,
} from '../db/connection-keys';
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
import { addRotateCallbackSecret, callbackSecretView } from './callback-secret-command';
import type { CliContext } from './context';
import {
  callableUrl,
  given,
  ipWhitelistOf,
  overlapOf,
  settingsOf,
  somethingToChange,
  type OverlapFlags,
} from './flag-values';
import type { Printable } from './render-text';

interface ConnectionFlags {
  readonly baseUrl?: string;
  readonly partnerId?: string;
  readonly apiKey?: string;
  readonly ipWhitelist?: string;
  readonly settings?: string;
}

/** `connection create|update|show|list|sync|suspend|resume|rotate-key|rotate-callback-secret` (SPEC §6). */
export function addConnectionCommands(program: Command, context: CliContext): void {
  const group = program.command('connection').description('integrations with game providers');
  addCreate(group, context);
  addUpdate(group, context);
  addSync(group, context);
  addStatus(group, context, 'suspend', 'suspended', 'offer none of its games and take no stake');
  addStatus(group, context, 'resume', 'active', 'end a suspension');
  addRotateKey(group, context);
  addRotateCallbackSecret(group, context);

  context
    .command(group, 'show', 'one connection with its settings, defaults filled in')
    .argument('<KEY>')
    .action(async (key: string, _flags: unknown, command: Command) => {
      const connection = await connectionByKey(context.pool(), key);
      if (!connection) throw new RefusedError('key', `there is no connection ${key}`);
      const api_keys = (await listConnectionKeys(context.pool(), connection.id)).map(keyView);
      const secrets = await listCallbackSecrets(context.pool(), connection.id);
      const callback_secrets = secrets.map(callbackSecretView);
      context.answer(command, {
        ...connectionView(context, connection),
        api_keys,
        callback_secrets,
      });
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
    .changing(group, 'create', 'create a connection; give its callback_base to the provider')
    .argument('<KEY>', 'names it in paths and commands, such as web-games-1')
    .requiredOption('--dialect <D>', `the provider's protocol: ${DIALECTS.join(', ')}`)
    .requiredOption('--base-url <U>', "the base URL of the provider's service")
    .requiredOption('--partner-id <N>', 'our number at the provider')
    .requiredOption('--api-key <S>', 'the key both sides sign with')
    .option('--ip-whitelist <L>', 'addresses and CIDR ranges its calls may come from, by comma')
    .option('--settings <JSON>', 'settings that differ from the defaults')
    .action(async (key: string, flags: ConnectionFlags & { dialect: string }, command: Command) => {
      const connection = await createConnection(await context.office(command), {
        key,
        dialect: flags.dialect,
        baseUrl: await callableUrl(context, 'base_url', flags.baseUrl ?? ''),
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
    .changing(group, 'update', 'change a connection; in force within seconds')
    .argument('<KEY>')
    .option('--base-url <U>', "the base URL of the provider's service")
    .option('--partner-id <N>', 'our number at the provider')
    .option('--api-key <S>', 'replaces the key both sides sign with, at once')
    .option('--ip-whitelist <L>', 'replaces the list; an empty one needs the setting any_address')
    .option('--settings <JSON>', 'merged key by key; null puts a key back to its default')
    .action(async (key: string, flags: ConnectionFlags, command: Command) => {
      const { baseUrl, partnerId, apiKey } = flags;
      const change = given({
        baseUrl:
          baseUrl === undefined ? undefined : await callableUrl(context, 'base_url', baseUrl),
        partnerId,
        apiKey,
        ipWhitelist: ipWhitelistOf(flags.ipWhitelist),
        settings: settingsOf(flags.settings),
      });
      somethingToChange(change, ['base_url', 'partner_id', 'api_key', 'ip_whitelist', 'settings']);
      const connection = await updateConnection(await context.office(command), key, change);
      context.answer(command, connectionView(context, connection));
    });
}

function addSync(group: Command, context: CliContext): void {
  context
    .command(group, 'sync', "take over the provider's catalogue now")
    .argument('<KEY>')
    .action(async (key: string, _flags: unknown, command: Command) => {
      const result = await syncConnection(
        {
          pool: context.pool(),
          vault: await context.vault(),
          egress: context.egress(),
          log: createLogger('cli', 'silent'),
        },
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
    .changing(group, name, description)
    .argument('<KEY>')
    .action(async (key: string, _flags: unknown, command: Command) => {
      const connection = await updateConnection(await context.office(command), key, { status });
      context.answer(command, connectionView(context, connection));
    });
}

function addRotateKey(group: Command, context: CliContext): void {
  context
    .changing(
      group,
      'rotate-key',
      "sign with a new key; the provider's calls may use either for a while",
    )
    .argument('<KEY>')
    .requiredOption('--api-key <S>', 'the new key both sides sign with')
    .option('--overlap <D>', 'how long the old key is still accepted (default 24h)')
    .option('--now', 'end every older key now')
    .action(async (key: string, flags: OverlapFlags & { apiKey: string }, command: Command) => {
      const { apiKey } = flags;
      const keys = await rotateConnectionKey(await context.office(command), key, {
        apiKey,
        overlapMs: overlapOf(flags),
      });
      context.answer(command, { key, api_keys: keys.map(keyView) });
    });
}

function keyView(key: ShownConnectionKey) {
  return {
    version: key.version,
    created_at: key.createdAt.toISOString(),
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    expires_at: key.expiresAt?.toISOString() ?? null,
  };
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
