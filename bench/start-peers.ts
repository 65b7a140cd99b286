import { dirname, join } from 'node:path';
import { msToTs } from '@temporalio/common/lib/time';
import { childEnvironment } from '../src/config/child-environment';
import { sleep } from '../src/lib/clock';
import { freePorts } from '../src/stack/ports';
import { startProcess } from '../src/stack/running-process';
import { API_KEY, peerPlayers } from './accounts';
import type { PeerConfig } from './peers/front';
import type { TextbookConfig } from './peers/textbook-worker';
import { startNode } from './processes';
import type { Stage } from './stage';
import type { Subject } from './subject';
import { createWalletDesk } from './wallet/client';

/** Any secret does: the wallet takes the one it is told. */
const SECRET = 'bench-peer-secret';

/** Restate's server makes its files at the first start. */
const START_TIMEOUT_MS = 60_000;

async function prepare(stage: Stage, name: Subject['name']) {
  const wallet = createWalletDesk(stage.walletPort, name);
  await wallet.accept(SECRET);
  const [port = 0] = await freePorts(1);
  const players = peerPlayers();
  const config: PeerConfig = {
    port,
    apiKey: API_KEY,
    players,
    walletUrl: wallet.url,
    secret: SECRET,
    databaseUrl: await stage.database(name),
  };
  const subject = {
    name,
    callbackUrls: [`http://127.0.0.1:${String(port)}`],
    apiKey: API_KEY,
    players,
    wallet,
    database: name,
    temporal: null,
  };
  return { config, subject };
}

/** (e) One process and a table. */
export async function startForwarder(stage: Stage): Promise<Subject> {
  const { config, subject } = await prepare(stage, 'forwarder');
  const script = 'bench/peers/forwarder.ts';
  const forwarder = stage.keep(await startNode(stage.home, { name: 'forwarder', script, config }));
  return { ...subject, processes: { forwarder } };
}

/** (b) A process that takes requests in and a worker, as Roundhouse has them; a namespace of its own. */
export async function startTextbook(stage: Stage): Promise<Subject> {
  const { config, subject } = await prepare(stage, 'textbook');
  const namespace = 'textbook';
  await stage.temporalConnection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const full: TextbookConfig = {
    ...config,
    temporalAddress: stage.temporal.address,
    namespace,
    taskQueue: 'textbook',
  };
  const start = async (name: string, script: string) =>
    stage.keep(await startNode(stage.home, { name, script, config: full }));
  const [front, worker] = await Promise.all([
    start('textbook', 'bench/peers/textbook.ts'),
    start('textbook-worker', 'bench/peers/textbook-worker.ts'),
  ]);
  const workflowId = (playerId: string, round: string) => `${playerId}/${round}`;
  return {
    ...subject,
    processes: { front, worker },
    database: null,
    temporal: { namespace, workflowId },
  };
}

/** (c) One process; its workflows live in a database of ours. */
export async function startDbos(stage: Stage): Promise<Subject> {
  const { config, subject } = await prepare(stage, 'dbos');
  const script = 'bench/peers/dbos.ts';
  const dbos = stage.keep(await startNode(stage.home, { name: 'dbos', script, config }));
  return { ...subject, processes: { dbos } };
}

/** (d) One process and the Restate server, which keeps everything in files of its own. */
export async function startRestate(stage: Stage): Promise<Subject> {
  const { config, subject } = await prepare(stage, 'restate');
  const [ingressPort = 0, adminPort = 0, nodePort = 0, endpointPort = 0] = await freePorts(4);
  const server = startProcess({
    name: 'restate-server',
    command: restateServer(),
    args: ['--node-name', 'bench', '--base-dir', stage.home.path('restate')],
    env: childEnvironment({
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${String(ingressPort)}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${String(adminPort)}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${String(nodePort)}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${String(nodePort)}`,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
    }),
    logFile: stage.home.logFile('restate-server'),
  });
  stage.home.remember(server);
  stage.keep(server);
  const adminUrl = `http://127.0.0.1:${String(adminPort)}`;
  await untilHealthy(`${adminUrl}/health`);
  await untilHealthy(`http://127.0.0.1:${String(ingressPort)}/restate/health`);
  const full = {
    ...config,
    endpointPort,
    adminUrl,
    ingressUrl: `http://127.0.0.1:${String(ingressPort)}`,
  };
  const script = 'bench/peers/restate.ts';
  const restate = stage.keep(
    await startNode(stage.home, { name: 'restate', script, config: full }),
  );
  return { ...subject, processes: { restate, server }, database: null };
}

/** The program out of the package for this system; the one npm links is a script that starts it. */
function restateServer(): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  const manifest = require.resolve(`${name}/package.json`, { paths: [__dirname] });
  return join(dirname(manifest), 'bin', 'restate-server');
}

async function untilHealthy(url: string): Promise<void> {
  const end = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const status = await fetch(url).then(
      (reply) => reply.status,
      () => 0,
    );
    if (status === 200) return;
    if (Date.now() > end) throw new Error(`${url} did not answer`);
    await sleep(100);
  }
}
