// node scripts/temporal-server.mjs: the real Temporal server on a PostgreSQL, in the foreground, for
// TEMPORAL_ADDRESS. See docs/operations/temporal-server.md.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openHome, type StackHome } from '../../src/stack/home';
import { freePort } from '../../src/stack/ports';
import { startPostgres } from '../../src/stack/postgres';
import { StackError } from '../../src/stack/stack-error';
import { findTemporalServer } from './build';
import { HISTORY_SHARDS, startTemporalOnPostgres } from './start';

const USAGE = `node scripts/temporal-server.mjs [options]
  --build              build the server (once) and end
  --home DIR           state: PostgreSQL's data and logs            (.roundhouse-temporal)
  --database-url URL   a PostgreSQL of yours instead; its user may make databases
  --port N             where the server listens, on loopback        (7233)
  --shards N           history shards, fixed by the first start     (${String(HISTORY_SHARDS)})
  --namespace NAME     made with its search attributes              (default)
  --server DIR         a folder with the built programs`;

const report = (line: string) => {
  process.stderr.write(`${line}\n`);
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      build: { type: 'boolean', default: false },
      home: { type: 'string', default: '.roundhouse-temporal' },
      'database-url': { type: 'string' },
      port: { type: 'string', default: '7233' },
      shards: { type: 'string', default: String(HISTORY_SHARDS) },
      namespace: { type: 'string', default: 'default' },
      server: { type: 'string' },
    },
  });
  const programs = await findTemporalServer({ dir: values.server, report });
  report(`${programs.server}\n${programs.sqlTool}`);
  if (values.build) return;
  const home = await openHome(resolve(values.home), report);
  const ends: (() => Promise<unknown>)[] = [() => home.release()];
  try {
    const postgresUrl = values['database-url'] ?? (await ownPostgres(home, ends));
    const temporal = await startTemporalOnPostgres({
      programs,
      postgresUrl,
      port: Number(values.port),
      metricsPort: await freePort(),
      shards: Number(values.shards),
      namespace: values.namespace,
      logFile: home.logFile('temporal'),
      onSpawn: (running) => {
        home.remember(running);
        ends.unshift(() => running.stop('SIGTERM', 30_000));
      },
    });
    report(`TEMPORAL_ADDRESS=${temporal.address} TEMPORAL_NAMESPACE=${values.namespace}`);
    await Promise.race([
      temporal.exited,
      ...(['SIGINT', 'SIGTERM'] as const).map(
        // Not once: a second signal would end us before our servers.
        (signal) => new Promise((stop) => process.on(signal, stop)),
      ),
    ]);
  } finally {
    for (const end of ends) await end();
  }
}

async function ownPostgres(home: StackHome, ends: (() => Promise<unknown>)[]): Promise<string> {
  const postgres = await startPostgres({
    dir: await home.postgresDir(report),
    port: await freePort(),
    logFile: home.logFile('postgres'),
    onSpawn: (running) => home.remember(running),
  });
  ends.unshift(() => postgres.stop());
  return postgres.url('postgres');
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const isPlain = error instanceof StackError || error instanceof TypeError;
    const text = error instanceof Error ? (isPlain ? error.message : error.stack) : String(error);
    report(`${text ?? ''}${error instanceof TypeError ? `\n${USAGE}` : ''}`);
    process.exit(1);
  },
);
