import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { AuditReport } from '../../src/db/audit';
import { formatAmount, parseAmount } from '../../src/domain/money';
import type { TestStack } from './stack';

const ROOT = join(__dirname, '..', '..');
const EXPONENT = 2;

/** What the four books say of all rounds played, as net amounts of the player's money, and their faults. */
export interface FourBooks {
  /** Stakes and payouts the provider was told are accepted. */
  readonly provider: { staked: string; paid: string };
  readonly ours: { staked: string; paid: string };
  /** What left and entered the players' accounts, less stakes that were taken and given back. */
  readonly wallet: { staked: string; paid: string };
  readonly history: { staked: string; paid: string };
  readonly walletViolations: number;
  readonly walletBalanced: boolean;
  readonly providerUnanswered: number;
  readonly audit: AuditReport;
}

interface ProviderPage {
  operations: { kind: 'credit' | 'debit'; status: string; amount: string }[];
  next_after: string | null;
}

interface WalletPage {
  balanced: boolean;
  violations: { count: number };
  bets: {
    bet_id: string;
    bet: string;
    settled: string | null;
    history: { distinct_creates: number; record: Record<string, unknown> | null };
  }[];
  next: string | number | null;
}

const minor = (text: string) => {
  const amount = parseAmount(text, EXPONENT);
  if (!amount.ok) throw new Error(`not an amount: ${text}`);
  return amount.minor;
};
const told = (staked: bigint, paid: bigint) => ({
  staked: formatAmount(staked, EXPONENT),
  paid: formatAmount(paid, EXPONENT),
});

/** Runs the CLI that an operator would run; answers its JSON and its exit code. */
export function runCli(
  stack: TestStack,
  args: readonly string[],
): { code: number | null; json: unknown } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'bin', 'roundhouse'), ...args, '--json'],
    { env: stack.environment, encoding: 'utf8' },
  );
  if (stdout.trim() === '') throw new Error(`roundhouse ${args.join(' ')}: ${stderr}`);
  return { code: status, json: JSON.parse(stdout) };
}

/** Plays rounds the way `npm run play` does. Resolves with its exit code and last JSON line. */
export function play(
  stack: TestStack,
  args: readonly string[],
): { ended: Promise<{ code: number | null; summary: string }>; kill(): void } {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'dist', 'sandbox', 'web-games', 'play.js'), '--json', ...args],
    {
      env: { ...stack.environment, ROUNDHOUSE_HOME: stack.home },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<{ code: number | null; summary: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, summary: output })),
  );
  return { ended, kill: () => void child.kill('SIGKILL') };
}

/** Reads all four books. The wallet's and the provider's are read from themselves, not from ours. */
export async function readFourBooks(stack: TestStack): Promise<FourBooks> {
  const { connection } = stack.demo();
  const provider = await readProvider(stack, String(connection.partner_id));
  const wallet = await readWallet(stack);
  const { json } = runCli(stack, ['audit']);
  const report = json as AuditReport;
  let staked = 0n;
  let paid = 0n;
  for (const day of report.days) {
    staked += minor(day.book.staked);
    paid += minor(day.book.paid);
  }
  const unanswered = (await get(
    stack.ports.SANDBOX_PROVIDER_PORT,
    `/sandbox/unanswered?partner_id=${connection.partner_id}`,
  )) as { count: number };
  return {
    provider,
    ours: told(staked, paid),
    ...wallet,
    providerUnanswered: unanswered.count,
    audit: report,
  };
}

async function readProvider(stack: TestStack, partnerId: string) {
  let staked = 0n;
  let paid = 0n;
  let after: string | null = null;
  do {
    const page = (await get(
      stack.ports.SANDBOX_PROVIDER_PORT,
      `/sandbox/book?partner_id=${partnerId}&status=accepted&limit=1000${after === null ? '' : `&after=${after}`}`,
    )) as ProviderPage;
    for (const { kind, amount } of page.operations) {
      if (kind === 'credit') staked += minor(amount);
      else paid += minor(amount);
    }
    after = page.next_after;
  } while (after !== null);
  return told(staked, paid);
}

async function readWallet(stack: TestStack) {
  const sums = { staked: 0n, paid: 0n, recordStaked: 0n, recordPaid: 0n };
  let after: string | number | null = 0;
  let balanced = true;
  let violations = 0;
  do {
    const page = (await get(
      stack.ports.SANDBOX_PARTNER_PORT,
      `/sandbox/book?limit=1000&after=${String(after)}`,
    )) as WalletPage;
    balanced &&= page.balanced;
    violations = page.violations.count;
    for (const bet of page.bets) {
      const record = bet.history.record;
      // A stake taken and given back whole is told by its record: nothing won, nothing lost.
      sums.staked += minor(bet.bet);
      sums.paid += minor(bet.settled ?? '0');
      if (record) {
        sums.recordStaked += minor(String(record.used_balance));
        sums.recordPaid += minor(String(record.receive_balance));
      }
    }
    after = page.next;
  } while (after !== null);
  return {
    wallet: told(sums.staked, sums.paid),
    history: told(sums.recordStaked, sums.recordPaid),
    walletBalanced: balanced,
    walletViolations: violations,
  };
}

async function get(port: number, path: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${String(port)}${path}`);
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${await response.text()}`);
  return response.json();
}

/** Rounds whose workflows run, by workflow id. */
export async function runningRounds(stack: TestStack): Promise<string[]> {
  const connection = await Connection.connect({
    address: `127.0.0.1:${String(stack.ports.TEMPORAL_PORT)}`,
  });
  try {
    const client = new Client({ connection });
    const ids: string[] = [];
    const query = 'WorkflowType = "roundWorkflow" AND ExecutionStatus = "Running"';
    for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
    return ids;
  } finally {
    await connection.close();
  }
}
