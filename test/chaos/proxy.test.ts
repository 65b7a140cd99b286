import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { freePort } from '../../src/stack/ports';
import { startProxy, type Proxy } from './proxy';
import { createRandom } from './random';

/** An echo behind a proxy, and what its server saw. */
async function echoThroughProxy() {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: targetPort } = server.address() as AddressInfo;
  const port = await freePort();
  const proxy = await startProxy({ port, targetPort, random: createRandom(1, 'test') });
  return {
    proxy,
    async close() {
      await proxy.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client that keeps what it gets and how its connection ended. */
async function dial(proxy: Proxy) {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  const seen = { text: '', pieces: 0, end: '' };
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve((seen.end ||= 'end')));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      resolve((seen.end ||= String(error.code))),
    );
  });
  socket.on('data', (chunk: Buffer) => {
    seen.text += chunk.toString();
    seen.pieces += 1;
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
    socket.once('error', () => resolve());
  });
  return {
    socket,
    seen,
    ended,
    async until(text: string) {
      while (!seen.text.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

describe('a link of the chaos machine', () => {
  let link: Awaited<ReturnType<typeof echoThroughProxy>>;
  beforeEach(async () => (link = await echoThroughProxy()));
  afterEach(() => link.close());

  test('passes bytes and the end of a connection both ways', async () => {
    const client = await dial(link.proxy);
    client.socket.end('hello');
    expect(await client.ended).toBe('end');
    expect(client.seen.text).toBe('hello');
  });

  test('keeps the order of the bytes when it delays and then slices them', async () => {
    const client = await dial(link.proxy);
    const text = Array.from({ length: 400 }, (_, index) => `${String(index)};`).join('');
    link.proxy.disturb('down', { kind: 'delay', msMin: 1, msMax: 60 });
    client.socket.write('first,');
    link.proxy.disturb('up', { kind: 'slice', bytesMax: 7 });
    client.socket.write(text);
    link.proxy.disturb('down', { kind: 'pass' });
    await client.until(text.slice(-6));
    expect(client.seen.text).toBe(`first,${text}`);
    client.socket.destroy();
  });

  test('resets every connection when it is cut, and takes new ones', async () => {
    const clients = await Promise.all([dial(link.proxy), dial(link.proxy)]);
    for (const { socket, until } of clients) {
      socket.write('x');
      await until('x');
    }
    expect(link.proxy.cut()).toBe(2);
    expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual([
      'ECONNRESET',
      'ECONNRESET',
    ]);
    const next = await dial(link.proxy);
    next.socket.write('y');
    await next.until('y');
    next.socket.destroy();
  });

  test('refuses connections until it is told to welcome them', async () => {
    await link.proxy.refuse();
    expect(await (await dial(link.proxy)).ended).toBe('ECONNREFUSED');
    await link.proxy.welcome();
    const client = await dial(link.proxy);
    client.socket.end('z');
    expect(await client.ended).toBe('end');
  });

  test('ends one direction alone: what the server still says arrives', async () => {
    const client = await dial(link.proxy);
    client.socket.write('before');
    await client.until('before');
    expect(link.proxy.halfClose('up')).toBe(1);
    // The echo server answers the end with its own, which comes through the direction left open.
    expect(await client.ended).toBe('end');
    expect(client.seen.text).toBe('before');
    client.socket.destroy();
  });
});
