import type { Command } from 'commander';
import {
  createPartner,
  listPartners,
  partnerByPrefix,
  updatePartner,
  type Partner,
  type PartyStatus,
} from '../db/partners';
import { RefusedError } from '../db/refused';
import { listApiKeys } from '../db/partner-keys';
import { listAgentSecrets } from '../db/partner-secrets';
import type { CliContext } from './context';
import { callableUrl, given, ipWhitelistOf, settingsOf, somethingToChange } from './flag-values';
import { addRotations } from './partner-rotations';
import type { Printable } from './render-text';

interface PartnerFlags {
  readonly walletUrl?: string;
  readonly ipWhitelist?: string;
  readonly settings?: string;
}

/** `partner create|update|show|list|suspend|resume|rotate-key|rotate-secret` (SPEC §6). */
export function addPartnerCommands(program: Command, context: CliContext): void {
  const group = program.command('partner').description('our customers and their wallets');
  addCreate(group, context);
  addUpdate(group, context);
  addStatus(group, context, 'suspend', 'suspended', 'take no further launch and no further stake');
  addStatus(group, context, 'resume', 'active', 'end a suspension');
  addRotations(group, context);

  context
    .command(group, 'show', 'one partner with its settings, defaults filled in')
    .argument('<PREFIX>')
    .action(async (prefix: string, _flags: unknown, command: Command) => {
      const partner = await partnerByPrefix(context.pool(), prefix);
      if (!partner) throw new RefusedError('prefix', `there is no partner ${prefix}`);
      const { api_keys, agent_secrets } = await credentialsView(context, partner.id);
      context.answer(command, { ...partnerView(partner), api_keys, agent_secrets });
    });

  context
    .command(group, 'list', 'every partner')
    .action(async (_flags: unknown, command: Command) => {
      const partners = await listPartners(context.pool());
      const rows = partners.map((partner) => {
        const { prefix, status, currency, wallet_url, ip_whitelist } = partnerView(partner);
        return { prefix, status, currency, wallet_url, ip_whitelist };
      });
      context.answer(command, rows);
    });
}

function addCreate(group: Command, context: CliContext): void {
  context
    .changing(group, 'create', 'create a partner; its keys are shown this once')
    .requiredOption('--prefix <P>', 'the prefix of its players, such as LAG1')
    .requiredOption('--currency <C>', 'its one currency, for ever')
    .requiredOption('--wallet-url <U>', 'the base URL of its wallet')
    .option('--ip-whitelist <L>', 'addresses and CIDR ranges its calls may come from, by comma')
    .option('--settings <JSON>', 'settings that differ from the defaults')
    .action(
      async (flags: PartnerFlags & { prefix: string; currency: string }, command: Command) => {
        const { prefix, currency } = flags;
        const created = await createPartner(await context.office(command), {
          prefix,
          currency,
          walletUrl: await callableUrl(context, 'wallet_url', flags.walletUrl ?? ''),
          ...given({
            ipWhitelist: ipWhitelistOf(flags.ipWhitelist),
            settings: settingsOf(flags.settings),
          }),
        });
        const partner = await partnerByPrefix(context.pool(), prefix);
        if (!partner) throw new Error(`partner ${prefix} was created and is not there`);
        const { prefix: _same, ...rest } = partnerView(partner);
        context.answer(command, {
          prefix,
          api_key: created.apiKey,
          agent_secret: created.agentSecret,
          ...rest,
        });
        context.remark('Keep api_key and agent_secret now: they are not shown again.');
      },
    );
}

function addUpdate(group: Command, context: CliContext): void {
  context
    .changing(group, 'update', 'change a partner; in force within seconds')
    .argument('<PREFIX>')
    .option('--wallet-url <U>', 'the base URL of its wallet')
    .option('--ip-whitelist <L>', 'replaces the list; empty: any address')
    .option('--settings <JSON>', 'merged key by key; null puts a key back to its default')
    .action(async (prefix: string, flags: PartnerFlags, command: Command) => {
      const { walletUrl } = flags;
      const change = given({
        walletUrl:
          walletUrl === undefined ? undefined : await callableUrl(context, 'wallet_url', walletUrl),
        ipWhitelist: ipWhitelistOf(flags.ipWhitelist),
        settings: settingsOf(flags.settings),
      });
      somethingToChange(change, ['wallet_url', 'ip_whitelist', 'settings']);
      const partner = await updatePartner(await context.office(command), prefix, change);
      context.answer(command, partnerView(partner));
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
    .argument('<PREFIX>')
    .action(async (prefix: string, _flags: unknown, command: Command) => {
      const partner = await updatePartner(await context.office(command), prefix, { status });
      context.answer(command, partnerView(partner));
    });
}

/** What a partner signs in with and we sign with: when, never what. */
async function credentialsView(context: CliContext, partnerId: number) {
  const keys = await listApiKeys(context.pool(), partnerId);
  const secrets = await listAgentSecrets(context.pool(), partnerId);
  return {
    api_keys: keys.map((key) => ({
      key_id: key.keyId,
      created_at: key.createdAt.toISOString(),
      last_used_at: key.lastUsedAt?.toISOString() ?? null,
      expires_at: key.expiresAt?.toISOString() ?? null,
      legacy: key.legacy,
    })),
    agent_secrets: secrets.map((secret) => ({
      version: secret.version,
      state: secret.state,
      created_at: secret.createdAt.toISOString(),
      signs_from: secret.signsFrom.toISOString(),
    })),
  };
}

/** A partner as the CLI prints it: the field names of SPEC §6. */
function partnerView(partner: Partner) {
  return {
    prefix: partner.prefix,
    status: partner.status,
    currency: partner.currency,
    wallet_url: partner.walletUrl,
    ip_whitelist: partner.ipWhitelist,
    created_at: partner.createdAt.toISOString(),
    updated_at: partner.updatedAt.toISOString(),
    settings: partner.settings satisfies Printable,
  };
}
