import type { Command } from 'commander';
import {
  dropCallbackSecrets,
  rotateCallbackSecret,
  type ShownCallbackSecret,
} from '../db/callback-secrets';
import { RefusedError } from '../db/refused';
import type { CliContext } from './context';
import { overlapOf, type OverlapFlags } from './flag-values';

type SecretFlags = OverlapFlags & { readonly secret?: string; readonly off?: boolean };

/** `connection rotate-callback-secret`: the optional header X-Callback-Secret of a provider's calls. */
export function addRotateCallbackSecret(group: Command, context: CliContext): void {
  context
    .changing(
      group,
      'rotate-callback-secret',
      "make the value that the provider's calls must carry as X-Callback-Secret; it is shown this once",
    )
    .argument('<KEY>')
    .option('--secret <S>', 'a value agreed on with the provider, instead of a random one')
    .option(
      '--overlap <D>',
      'how long the old value is accepted; before the first one, how long none is (default 24h)',
    )
    .option('--now', 'end every older value now, and take no call without this one')
    .option('--off', "end every value: the provider's calls need no header")
    .action(async (key: string, flags: SecretFlags, command: Command) => {
      if (flags.off && (flags.now || flags.overlap !== undefined || flags.secret !== undefined)) {
        throw new RefusedError('off', 'makes no value: it goes with no other flag');
      }
      const overlapMs = overlapOf(flags);
      const office = await context.office(command);
      if (flags.off) {
        const ended = await dropCallbackSecrets(office, key);
        context.answer(command, { key, callback_secrets: ended.map(callbackSecretView) });
        return;
      }
      const { secret } = flags;
      const made = await rotateCallbackSecret(office, key, { secret, overlapMs });
      context.answer(command, {
        key,
        version: made.version,
        // What the operator gave is not repeated: a terminal's history has it once too often already.
        ...(secret === undefined && { callback_secret: made.value }),
        callback_secrets: made.secrets.map(callbackSecretView),
      });
      if (secret === undefined) {
        context.remark('Keep callback_secret now: it is not shown again.');
      }
    });
}

/** When a value was made, is required and ends; never the value. */
export function callbackSecretView(secret: ShownCallbackSecret) {
  return {
    version: secret.version,
    created_at: secret.createdAt.toISOString(),
    required_from: secret.requiredFrom.toISOString(),
    last_used_at: secret.lastUsedAt?.toISOString() ?? null,
    expires_at: secret.expiresAt?.toISOString() ?? null,
  };
}
