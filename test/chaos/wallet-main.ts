import { startChaosWallet } from './wallet';

/**
 * The fake wallet as a process of its own, so that it can be killed like one.
 *
 *     CHAOS_WALLET_PORT        where it listens
 *     CHAOS_WALLET_JOURNAL     its journal; beside it, `<journal>.control` keeps the rates in force
 *     CHAOS_WALLET_SECRETS     {"CHA1": "<agent secret>", ...}
 *     CHAOS_SEED               chooses what happens to each request
 *     CHAOS_WALLET_ATTEMPT_MS  the caller's limit for one attempt (2000)
 */
async function main(): Promise<void> {
  const env = process.env;
  const wallet = await startChaosWallet({
    port: Number(required('CHAOS_WALLET_PORT')),
    journalFile: required('CHAOS_WALLET_JOURNAL'),
    secrets: JSON.parse(required('CHAOS_WALLET_SECRETS')) as Record<string, string>,
    seed: Number(required('CHAOS_SEED')),
    ...(env.CHAOS_WALLET_ATTEMPT_MS === undefined
      ? {}
      : { attemptMs: Number(env.CHAOS_WALLET_ATTEMPT_MS) }),
  });
  process.stdout.write(`the wallet listens at ${wallet.url}\n`);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
});
