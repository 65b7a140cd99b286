import { createServer, connect, type Socket } from 'node:net';
import { sleep } from '../../src/lib/clock';
import type { Random } from './random';

/** `up` is towards the server, `down` is back to the client. */
export type Direction = 'up' | 'down';

/** What happens to the bytes that go one way. */
export type Disturbance =
  | { readonly kind: 'pass' }
  /** Each piece waits its turn, this long. */
  | { readonly kind: 'delay'; readonly msMin: number; readonly msMax: number }
  /** Each piece is cut into small ones that leave one by one. */
  | { readonly kind: 'slice'; readonly bytesMax: number };

/** A TCP link between two processes, which can be disturbed. */
export interface Proxy {
  readonly port: number;
  disturb(direction: Direction, disturbance: Disturbance): void;
  /** Resets every connection there is; new ones are welcome. Answers how many. */
  cut(): number;
  /** Ends one direction of every connection there is, and leaves the other. Answers how many. */
  halfClose(direction: Direction): number;
  /** Refuses new connections, as a port does that nobody listens on, and resets those there are. */
  refuse(): Promise<void>;
  /** Takes connections again. */
  welcome(): Promise<void>;
  connections(): number;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly halfClosed: Set<Direction>;
}

const PASS: Disturbance = { kind: 'pass' };

/** Listens on `port` of the loopback interface and joins each connection to one of its own to `target`. */
export async function startProxy(options: {
  readonly port: number;
  readonly targetPort: number;
  readonly random: Random;
}): Promise<Proxy> {
  const { port, targetPort, random } = options;
  const pairs = new Set<Pair>();
  const ways: Record<Direction, Disturbance> = { up: PASS, down: PASS };
  const server = createServer({ allowHalfOpen: true }, join);

  function join(client: Socket): void {
    const target = connect({ host: '127.0.0.1', port: targetPort, allowHalfOpen: true });
    const pair: Pair = { client, server: target, halfClosed: new Set() };
    pairs.add(pair);
    pump(pair, client, target, 'up');
    pump(pair, target, client, 'down');
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      socket.setNoDelay(true);
      // What breaks on one side breaks on the other: a reset stays a reset.
      socket.on('error', () => reset(other));
      socket.on('close', () => {
        if (!other.destroyed && !other.writableEnded) other.end();
        if (client.destroyed && target.destroyed) pairs.delete(pair);
      });
    }
  }

  function pump(pair: Pair, source: Socket, sink: Socket, direction: Direction): void {
    let ahead: Promise<void> | undefined;
    const write = (chunk: Buffer) => {
      if (pair.halfClosed.has(direction) || sink.destroyed || sink.writableEnded) return;
      if (!sink.write(chunk)) {
        source.pause();
        sink.once('drain', () => source.resume());
      }
    };
    const inTurn = (work: () => Promise<void>) => {
      const turn = (ahead ?? Promise.resolve()).then(work).then(() => {
        if (ahead === turn) ahead = undefined;
        source.resume();
      });
      ahead = turn;
    };
    source.on('data', (chunk: Buffer) => {
      const way = ways[direction];
      // Bytes never overtake each other: whatever waits is waited for.
      if (way.kind === 'pass' && ahead === undefined) return write(chunk);
      source.pause();
      inTurn(() => disturbed(way, chunk, write));
    });
    source.on('end', () => {
      inTurn(async () => {
        if (!sink.destroyed && !sink.writableEnded) sink.end();
        await Promise.resolve();
      });
    });
  }

  async function disturbed(
    way: Disturbance,
    chunk: Buffer,
    write: (piece: Buffer) => void,
  ): Promise<void> {
    if (way.kind === 'delay') await sleep(random.int(way.msMin, way.msMax));
    if (way.kind !== 'slice') return write(chunk);
    for (let at = 0; at < chunk.length;) {
      const end = Math.min(at + random.int(1, way.bytesMax), chunk.length);
      write(chunk.subarray(at, end));
      at = end;
      // The other side's loop gets a turn, so that it really sees pieces.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  const cut = () => {
    const count = pairs.size;
    for (const pair of pairs) {
      reset(pair.client);
      reset(pair.server);
    }
    return count;
  };

  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: '127.0.0.1' }, () => {
        server.off('error', reject);
        resolve();
      });
    });

  const stopListening = () =>
    new Promise<void>((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      cut();
    });

  await listen();
  return {
    port,
    disturb(direction, disturbance) {
      ways[direction] = disturbance;
    },
    cut,
    halfClose(direction) {
      for (const pair of pairs) {
        pair.halfClosed.add(direction);
        const sink = direction === 'up' ? pair.server : pair.client;
        if (!sink.destroyed && !sink.writableEnded) sink.end();
      }
      return pairs.size;
    },
    refuse: stopListening,
    async welcome() {
      if (!server.listening) await listen();
    },
    connections: () => pairs.size,
    close: stopListening,
  };
}

function reset(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
}
