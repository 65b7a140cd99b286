// npm run fuzz: starts a whole stack, lets schemathesis read our OpenAPI documents and call everything they
// describe, and looks afterwards whether the book still agrees. Started by scripts/fuzz.mjs.
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCli } from '../support/four-books';
import { createTestStack, untilReady, type TestStack } from '../support/stack';
import { gatherFacts } from './facts';
import { accountOf, type CallLine, type Finding, type SurfaceAccount } from './account';

const ROOT = join(__dirname, '..', '..');
const FOLDER = join(ROOT, '.cache', 'fuzz');

/** The fuzzer has no end of its own when a server hangs at every call. */
const SURFACE_MS_MAX = 600_000;

interface Surface {
  readonly name: string;
  /** Where its OpenAPI document is, and what its paths are relative to. */
  readonly document: string;
  readonly base: string;
}

const SURFACES: readonly Surface[] = [
  { name: 'provider', document: '/docs/providers/json', base: '/providers' },
  { name: 'partner', document: '/docs/json', base: '' },
];

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function main(schemathesis: string): Promise<boolean> {
  await mkdir(FOLDER, { recursive: true });
  const stack = await createTestStack();
  const stop = () => void stack.dispose().finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    say('fuzz: starting a stack of its own (its report will be in .cache/fuzz)');
    // Each call names a client address of its own (hooks.py).
    await untilReady(stack.launch([], { TRUSTED_PROXY_CIDRS: '127.0.0.1' }));
    const facts = await gatherFacts(stack);
    say('fuzz: calling everything that both documents describe');
    const factsFile = join(stack.home, 'fuzz-facts.json');
    await writeFile(factsFile, JSON.stringify(facts), { mode: 0o600 });
    const accounts = await Promise.all(
      SURFACES.map((surface) => fuzz(schemathesis, stack, surface, factsFile)),
    );
    accounts.forEach(tell);
    const audit = runCli(stack, ['audit']).code === 0;
    say(`fuzz: the book ${audit ? 'agrees with itself' : 'CONTRADICTS ITSELF'} (roundhouse audit)`);
    return await report(accounts, audit);
  } finally {
    await stack.dispose();
  }
}

async function fuzz(
  schemathesis: string,
  stack: TestStack,
  surface: Surface,
  factsFile: string,
): Promise<SurfaceAccount> {
  const { api, partner } = stack.demo();
  const file = (name: string) => join(FOLDER, `${surface.name}-${name}`);
  const [calls, run, text] = [file('calls.jsonl'), file('run.json'), file('output.txt')];
  await Promise.all([calls, run, text].map((path) => rm(path, { force: true })));
  const { code, output } = await command(
    schemathesis,
    [
      '--config-file',
      join(__dirname, 'schemathesis.toml'),
      'run',
      `${api}${surface.document}`,
      `--url=${api}${surface.base}`,
      '--no-color',
      '--report=json',
      `--report-json-path=${run}`,
    ],
    {
      // The state folder in it makes the fuzzer one of the stack's processes, which end together.
      ...stack.environment,
      SCHEMATHESIS_HOOKS: join(__dirname, 'hooks.py'),
      PYTHONDONTWRITEBYTECODE: '1',
      FUZZ_API_KEY: partner.api_key,
      FUZZ_FACTS: factsFile,
      FUZZ_CALLS: calls,
    },
  );
  await writeFile(text, output);
  if (code !== 0) say(`fuzz: what schemathesis saw is in ${text}`);
  const document = (await (await fetch(`${api}${surface.document}`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const lines = (await readFile(calls, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const findings = await findingsOf(run);
  return accountOf({
    surface: surface.name,
    operations,
    calls: lines.map((line) => JSON.parse(line) as CallLine),
    findings,
    ended: code === 0 ? 'well' : `schemathesis ended with ${String(code)}`,
  });
}

function tell({ surface, operations, faults }: SurfaceAccount): void {
  say(`fuzz: the ${surface} surface`);
  for (const operation of operations) {
    say(`  ${operation.faults.length === 0 ? 'ok    ' : 'FAILED'} ${operation.summary}`);
    operation.faults.forEach((fault) => say(`         ${fault}`));
  }
  faults.forEach((fault) => say(`  FAILED ${fault}`));
}

async function findingsOf(file: string): Promise<Finding[]> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const { failures = [], errors = [] } = JSON.parse(text) as {
    failures?: { title: string; operations: string[] }[];
    errors?: { title: string; operations?: string[] }[];
  };
  return [...failures, ...errors].flatMap(({ title, operations = ['schemathesis'] }) =>
    operations.map((operation) => ({ operation, title })),
  );
}

function command(
  program: string,
  args: readonly string[],
  variables: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: FOLDER,
      env: variables,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: SURFACE_MS_MAX,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** One promise for each operation and one for the book; what fails beside them counts as one each. */
async function report(accounts: readonly SurfaceAccount[], audit: boolean): Promise<boolean> {
  const operations = accounts.flatMap((account) => account.operations);
  const good = operations.filter(({ faults }) => faults.length === 0).length;
  const stray = accounts.flatMap(({ faults }) => faults).length;
  const passed = good + (audit ? 1 : 0);
  const failed = operations.length - good + stray + (audit ? 0 : 1);
  const summary = { passed, failed, audit, surfaces: accounts };
  await writeFile(join(FOLDER, 'report.json'), `${JSON.stringify(summary, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify({ fuzz: { passed, failed } })}\n`);
  return failed === 0;
}

main(process.argv[2] ?? '').then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    say(`fuzz: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exit(1);
  },
);
