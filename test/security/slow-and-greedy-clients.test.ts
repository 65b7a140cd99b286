import { spawn, type ChildProcess } from 'node:child_process';
import { Agent } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openFilesMax } from '../../src/lib/open-files';
import { sleep } from '../../src/lib/clock';
import { askUrlFrom } from '../support/ask-from';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';

/** What the client opens at most, and what it keeps for itself of its files. */
const IDLE_SOCKETS_MAX = 10_000;
const IDLE_SOCKETS_MIN = 200;
const FILES_OF_CLIENT = 1_500;
const SOCKETS_PER_ADDRESS_MAX = 1_000;
/** Of the client's other kinds together, and those of this process. */
const OTHER_SOCKETS_MAX = 650;
/** A player's kept connection, and one of the set-up. */
const HONEST_SOCKETS_MAX = 2;
/** Generous: without the bounds, thousands of sockets and hundreds of megabytes of bodies are held. */
const GROWTH_BYTES_MAX = 250_000_000;
/** A collection of everything takes a good part of a tenth of a second. */
const LOOK_MS = 1_000;

/** Less than a hundredth of what is looked for. */
const SETTLED_BYTES = 2_000_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Count {
  readonly opened: number;
  readonly open: number;
  readonly connected: number;
  readonly answers: Readonly<Record<string, number>>;
}

const SLOW = 'slow reader';

let house: TestRoundhouse;
let player: TestPlayer;
let greedy: ChildProcess | undefined;
beforeAll(async () => {
  house = await startRoundhouse({ connection: { answer_deadline_ms: 30_000 } });
  player = await house.newPlayer();
});
afterAll(async () => {
  greedy?.kill('SIGKILL');
  await house?.close();
});

/** A provider on one kept connection from an address of its own, that plays until it is told to stop. */
async function plays(until: () => boolean): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let connections = 0;
  const createConnection = agent.createConnection.bind(agent);
  agent.createConnection = (...options) => {
    connections += 1;
    return createConnection(...options);
  };
  let spins = 0;
  while (!until()) {
    spins += 1;
    const id = String(1_000 + spins);
    const call = { token: player.token, player: player.id, round: id, transaction: id };
    for (const [method, amount] of [
      ['Credit', '1'],
      ['Debit', '2'],
    ] as const) {
      const body = house.provider.body(method, { ...call, amount, close: method === 'Debit' });
      const url = `${house.baseUrl}/providers/sandbox/${method}`;
      const { status, text } = await askUrlFrom('127.0.0.2', url, { body, agent });
      expect({ status, text }).toEqual({ status: 200, text: expect.stringMatching(/"code":0/) });
    }
    await sleep(100);
  }
  agent.destroy();
  expect(connections).toBe(1);
  return spins;
}

test('slow heads and bodies, idle sockets, huge bodies and heads, garbage and slow readers: all are cut, memory is flat, play goes on', async () => {
  const files = openFilesMax() - FILES_OF_CLIENT;
  const idle = Math.max(IDLE_SOCKETS_MIN, Math.min(IDLE_SOCKETS_MAX, files));
  // What is held, not what waits to be collected: other files ran in this process before.
  const memory = () => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  // What other files left behind goes in several turns; measured before that, a growth would hide behind it.
  let before = memory();
  for (let last = Infinity; last - before > SETTLED_BYTES; await sleep(100)) {
    last = before;
    before = memory();
  }
  let peak = before;
  let stop = false;
  const watch = setInterval(() => (peak = Math.max(peak, memory())), LOOK_MS);
  const played = plays(() => stop);

  const { port } = new URL(house.baseUrl);
  const script = path.join(__dirname, 'greedy-client.mjs');
  greedy = spawn(process.execPath, [script, port, String(idle)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let counts: Record<string, Count> = {};
  if (greedy.stdout) {
    createInterface(greedy.stdout).on('line', (line) => {
      counts = JSON.parse(line) as typeof counts;
    });
  }

  let connectionsMost = 0;
  await eventually(async () => {
    const connections = await house.connections();
    connectionsMost = Math.max(connectionsMost, connections);
    expect(counts.idle?.opened).toBe(idle);
    // A client that does not read does not see its end either: the server's count is the one that tells.
    const left = Object.entries(counts).filter(([kind, { open }]) => open > 0 && kind !== SLOW);
    expect(left.map(([kind, { open }]) => `${kind}: ${open}`)).toEqual([]);
    expect(connections).toBeLessThanOrEqual(HONEST_SOCKETS_MAX);
  }, 150_000).finally(() => (stop = true));
  clearInterval(watch);
  expect(await played).toBeGreaterThan(3);

  // Each kind within its address's bound; the rest of the idle ones were closed as they were accepted.
  expect(connectionsMost).toBeLessThanOrEqual(SOCKETS_PER_ADDRESS_MAX + OTHER_SOCKETS_MAX);
  const answers = (kind: string) => Object.keys(counts[kind]?.answers ?? {});
  expect(answers('slow head')).toEqual(['408 {"error":"Request Timeout"}']);
  expect(answers('slow body')).toEqual(['200 {"code":1,"message":"Request Timeout"}']);
  for (const kind of ['huge body', 'endless body']) {
    for (const answer of answers(kind)) {
      expect(['nothing', '200 {"code":1,"message":"body is too large"}']).toContain(answer);
    }
  }
  expect(answers('huge head')).toEqual(['431 {"error":"Request Header Fields Too Large"}']);
  expect(answers('huge callback head')).toEqual([
    '200 {"code":1,"message":"Request Header Fields Too Large"}',
  ]);
  expect(answers('garbage')).toEqual(['400 {"error":"request: cannot be read"}']);
  process.stderr.write(`greedy clients: memory grew by ${Math.round((peak - before) / 1e6)} MB\n`);
  expect(peak - before).toBeLessThan(GROWTH_BYTES_MAX);
});

test('garbage behind a stake is never its answer', async () => {
  house.wallet.script('/bet', 'hang');
  const body = house.provider.body('Credit', {
    token: player.token,
    player: player.id,
    round: '9',
    transaction: '9',
    amount: '1',
  });
  const { connect } = await import('node:net');
  const { port } = new URL(house.baseUrl);
  const told = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), '127.0.0.1', () => {
      const head = `POST /providers/sandbox/Credit HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}`;
      socket.write(`${head}\r\n\r\n${body}garbage\r\n\r\n`);
    });
    socket.on('data', (data) => (text += data.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
  expect(told).toBe('');
});
