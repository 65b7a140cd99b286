import type { Command } from 'commander';
import { rotateApiKey } from '../db/partner-keys';
import { activateAgentSecret, rotateAgentSecret } from '../db/partner-secrets';
import { RefusedError } from '../db/refused';
import type { CliContext } from './context';
import { overlapOf, type OverlapFlags } from './flag-values';

/** `partner rotate-key|rotate-secret` (SPEC §6). */
export function addRotations(group: Command, context: CliContext): void {
  addRotateKey(group, context);
  addRotateSecret(group, context);
}

function addRotateKey(group: Command, context: CliContext): void {
  context
    .changing(group, 'rotate-key', 'make a new API key; the old one is valid for a while')
    .argument('<PREFIX>')
    .option('--overlap <D>', 'how long the old key is valid (default 24h)')
    .option('--now', 'end every older key now')
    .action(async (prefix: string, flags: OverlapFlags, command: Command) => {
      const overlapMs = overlapOf(flags);
      const made = await rotateApiKey(await context.office(command), prefix, overlapMs);
      context.answer(command, {
        prefix,
        key_id: made.keyId,
        api_key: made.apiKey,
        ending: made.ending.map((key) => ({
          key_id: key.keyId,
          expires_at: key.expiresAt.toISOString(),
        })),
      });
      context.remark('Keep api_key now: it is not shown again.');
    });
}

type SecretFlags = OverlapFlags & { readonly activate?: boolean; readonly replace?: boolean };

function addRotateSecret(group: Command, context: CliContext): void {
  context
    .changing(group, 'rotate-secret', 'make the next AGENT_SECRET, or begin to sign with it')
    .argument('<PREFIX>')
    .option('--overlap <D>', 'how long calls are still signed with the old one (default 24h)')
    .option('--activate', 'sign with the one that waits, from now on')
    .option('--replace', 'withdraw the one that waits, and make another')
    .action(async (prefix: string, flags: SecretFlags, command: Command) => {
      if (flags.activate && (flags.replace || flags.overlap !== undefined)) {
        throw new RefusedError('activate', 'makes no secret: it goes with no other flag');
      }
      const overlapMs = overlapOf(flags);
      const office = await context.office(command);
      if (flags.activate) {
        const { version } = await activateAgentSecret(office, prefix);
        context.answer(command, { prefix, version, state: 'signing' });
        context.remark('Calls are signed with it within 5 s; the old one may be forgotten then.');
        return;
      }
      const replace = flags.replace === true;
      const next = await rotateAgentSecret(office, prefix, { overlapMs, replace });
      context.answer(command, {
        prefix,
        version: next.version,
        agent_secret: next.agentSecret,
        signs_from: next.signsFrom.toISOString(),
      });
      context.remark(
        'Keep agent_secret now: it is not shown again. Until signs_from the wallet must accept both.',
      );
    });
}
