import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { askRound, driveRound, wakeDrain } from '../../src/contracts/drive-round';
import type { Ask, RoundToDrive } from '../../src/contracts/round';
import { LateError } from '../../src/lib/clock';
import { temporalAddress, TEST_NAMESPACE } from '../support/temporal';

/** Far shorter than what the SDK's client goes on trying for. */
const DEADLINE_MS = 300;

/** What the API reaches Temporal through, so that it can go away. */
let door: Server;
const sockets = new Set<Socket>();
let connection: NativeConnection;
let client: Client;
beforeAll(async () => {
  const { hostname, port } = new URL(`tcp://${temporalAddress()}`);
  door = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  // As the API talks to it.
  connection = await NativeConnection.connect({
    address: `127.0.0.1:${String((door.address() as AddressInfo).port)}`,
  });
  client = new Client({ connection, namespace: TEST_NAMESPACE });
});
afterAll(async () => {
  await connection?.close();
  for (const socket of sockets) socket.destroy();
  door?.close();
});

const round: RoundToDrive = {
  key: { connection: 'sandbox', playerId: '100000000', roundRef: '1' },
  attributes: { partner: 'LAG1', product: 'Novomatic', game: 'a game' },
  summary: 'a round',
  drain: null,
  known: {
    round: '1',
    view: {
      version: 1,
      status: 'open',
      betIds: [],
      statement: [],
      calls: [],
      closesPrevious: false,
      tickAtMs: null,
      drained: false,
      atRest: false,
    },
  },
};

const ask: Ask = {
  kind: 'stake',
  label: 'stake 10.00 EUR',
  operationId: 1,
  round: '1',
  gameId: '11',
  betId: 'a'.repeat(24),
  transactionRef: '1',
  amount: '1000',
  betAmount: null,
  isClose: false,
  untilMs: 0,
};

test('whoever hands work to a Temporal that is away hears so at the deadline, not when the SDK gives up', async () => {
  door.close();
  for (const socket of sockets) socket.destroy();
  const outcomes = await Promise.allSettled([
    driveRound(client, round, [], DEADLINE_MS),
    askRound(client, round, ask, DEADLINE_MS),
    wakeDrain(client, { prefix: 'LAG1', partnerId: 1, attemptMsMax: 2_000 }, DEADLINE_MS),
  ]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LateError) });
  }
});
