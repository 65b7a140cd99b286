import { createServer, type Server } from 'node:http';
import { symlink, rename, mkdir, writeFile, rm, mkdtemp } from 'node:fs/promises';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import tls, {
  connect as connectTls,
  TLSSocket,
  type ConnectionOptions,
  type SecureVersion,
} from 'node:tls';
import pino, { type Logger } from 'pino';
import { putTlsInFront, type TlsFront } from '../../src/api/tls-front';
import type { CertificateFiles } from '../../src/lib/certificate-files';
import { askFrom } from '../support/ask-from';
import { certificateFolder, type CertificateFolder } from '../support/certificate-folder';
import { eventually } from '../support/eventually';
import { createTestAuthority } from '../support/test-authority';

const authority = createTestAuthority();
const ca = authority.ca;

let folder: CertificateFolder;
let running: Running;
beforeAll(async () => {
  folder = await certificateFolder(authority.issue('localhost'));
  running = await serve(folder.files);
});
afterAll(async () => {
  await running?.close();
  await folder?.remove();
});

interface Running {
  readonly port: number;
  readonly server: Server;
  readonly front: TlsFront;
  readonly lines: string[];
  close(): Promise<void>;
}

/** A server that answers whether the request came by TLS, its path and its body. */
async function serve(files: CertificateFiles, helloMs = 60_000): Promise<Running> {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const server = createServer({ requestTimeout: 600, connectionsCheckingInterval: 100 });
  server.on('request', (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () =>
      response.end(`${String(request.socket instanceof TLSSocket)} ${String(request.url)} ${body}`),
    );
  });
  const log: Logger = pino(sink);
  const front = putTlsInFront(server, { files, log, pollMs: 20, helloMs });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    server,
    front,
    lines,
    close: () =>
      new Promise((resolve) => {
        front.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const ended = (socket: Socket) =>
  new Promise<void>((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });

/** The serial number of the certificate that a new connection is shown. */
async function serialShown(port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options });
  await new Promise<void>((resolve, reject) => {
    socket.on('secureConnect', resolve);
    socket.on('error', reject);
  });
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

describe('one port', () => {
  test('speaks TLS', async () => {
    const answer = await askFrom({ ...running, ca, method: 'POST', path: '/a', body: 'bytes' });
    expect(answer).toMatchObject({ status: 200, text: 'true /a bytes' });
  });

  test('hands plain http on as what it is', async () => {
    const { port } = running;
    const answer = await askFrom({ port, method: 'POST', path: '/b', body: 'x'.repeat(100_000) });
    expect(answer.text).toBe(`false /b ${'x'.repeat(100_000)}`);
  });

  test('puts a request together that comes byte by byte', async () => {
    const socket = connectTcp(running.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    for (const byte of 'GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n') {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    await closed;
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*false \/slow /);
  });

  test('keeps a connection for many requests', async () => {
    const socket = connectTls({ ...running, host: '127.0.0.1', servername: 'localhost', ca });
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n');
    await eventually(() => expect(text).toMatch(/true \/1 [^]*true \/2 /));
    socket.write('GET /3 HTTP/1.1\r\nhost: a\r\n\r\n');
    await eventually(() => expect(text).toContain('true /3 '));
    socket.destroy();
  });
});

describe('TLS versions', () => {
  // What the process or its flags allow by themselves is not what this server relies on.
  const defaults = tls as { DEFAULT_MIN_VERSION: SecureVersion };
  const least = defaults.DEFAULT_MIN_VERSION;
  let lax: Running;
  beforeAll(async () => {
    defaults.DEFAULT_MIN_VERSION = 'TLSv1';
    lax = await serve(folder.files);
  });
  afterAll(async () => {
    defaults.DEFAULT_MIN_VERSION = least;
    await lax.close();
  });
  const ciphers = 'DEFAULT@SECLEVEL=0';

  test.each(['TLSv1', 'TLSv1.1'] as const)('a client of %s is turned away', async (version) => {
    const asked = serialShown(lax.port, { minVersion: version, maxVersion: version, ciphers });
    await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/PROTOCOL_VERSION/) });
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('a client of %s is served', async (version) => {
    const asked = serialShown(lax.port, { minVersion: version, maxVersion: version });
    await expect(asked).resolves.toEqual(expect.any(String));
  });
});

describe('a client that says nothing', () => {
  let strict: Running;
  beforeAll(async () => {
    strict = await serve(folder.files, 150);
  });
  afterAll(() => strict.close());

  test.each([
    ['not one byte', []],
    ['the first byte of TLS', [0x16]],
    ['half a handshake', [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]],
    ['garbage', [0xff, 0x00, 0xff]],
    ['half a request', [...Buffer.from('POST / HTT')]],
    [
      'a request without its body',
      [...Buffer.from('POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n')],
    ],
  ])('is cut off: %s', async (_, bytes) => {
    const socket = connectTcp(strict.port, '127.0.0.1');
    if (bytes.length > 0) socket.write(Buffer.from(bytes));
    await ended(socket);
  });

  test('is cut off after its handshake too', async () => {
    const socket = connectTls({ ...strict, host: '127.0.0.1', servername: 'localhost', ca });
    await ended(socket);
  });

  test('does not hold up the end of the server', async () => {
    const own = await serve(folder.files);
    const silent = connectTcp(own.port, '127.0.0.1');
    const cut = ended(silent);
    await eventually(
      () =>
        own.server.getConnections((_, count) => count) && expect(silent.readyState).toBe('open'),
    );
    await askFrom({ ...own, ca, path: '/' });
    own.front.close();
    await new Promise<void>((resolve) => own.server.close(() => resolve()));
    await cut;
  });

  test('that leaves in the middle of its handshake is not kept', async () => {
    // The limits of the first server are far longer than this test.
    const count = () =>
      new Promise<number>((resolve) => running.server.getConnections((_, held) => resolve(held)));
    const socket = connectTcp(running.port, '127.0.0.1');
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await eventually(async () => expect(await count()).toBe(1));
    socket.end();
    await eventually(async () => expect(await count()).toBe(0), 5_000);
  });

  test('that resets at once breaks nothing', async () => {
    for (let turn = 0; turn < 20; turn++) {
      const socket = connectTcp(strict.port, '127.0.0.1');
      await new Promise((resolve) => socket.on('connect', resolve));
      if (turn % 2 === 0) socket.write(Buffer.from([0x16]));
      socket.resetAndDestroy();
    }
    expect((await askFrom({ ...strict, ca, path: '/' })).status).toBe(200);
  });
});

describe('a new certificate', () => {
  test('is used for new connections, and those under way stay', async () => {
    const kept = connectTls({ ...running, host: '127.0.0.1', servername: 'localhost', ca });
    let text = '';
    kept.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const closed = jest.fn();
    kept.on('close', closed);
    await new Promise((resolve) => kept.on('secureConnect', resolve));
    // A response waits in the middle of the change.
    kept.write('POST /kept HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab');
    const before = await serialShown(running.port);
    await folder.write(authority.issue('localhost'));
    await eventually(async () => expect(await serialShown(running.port)).not.toBe(before));
    kept.write('cd');
    await eventually(() => expect(text).toContain('true /kept abcd'));
    expect(closed).not.toHaveBeenCalled();
    kept.destroy();
  });

  test('that does not fit its key is told once, and the old one stays', async () => {
    const before = await serialShown(running.port);
    const next = authority.issue('localhost');
    const told = () => running.lines.filter((line) => line.includes('the old stays'));
    await folder.write({ cert: next.cert });
    await eventually(() => expect(told().join()).toContain('KEY_VALUES_MISMATCH'));
    expect(await serialShown(running.port)).toBe(before);
    await folder.write({ key: next.key });
    await eventually(async () => expect(await serialShown(running.port)).not.toBe(before));
    expect(told()).toHaveLength(1);
  });

  test('arrives by a swapped symbolic link, as Kubernetes does it', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'roundhouse-tls-'));
    const write = async (name: string) => {
      await mkdir(join(dir, name));
      const { cert, key } = authority.issue('localhost');
      await writeFile(join(dir, name, 'tls.crt'), cert);
      await writeFile(join(dir, name, 'tls.key'), key);
    };
    await write('one');
    await write('two');
    await symlink('one', join(dir, '..data'));
    for (const file of ['tls.crt', 'tls.key']) await symlink(`..data/${file}`, join(dir, file));
    const own = await serve({ certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') });
    const before = await serialShown(own.port);
    await symlink('two', join(dir, '..new'));
    await rename(join(dir, '..new'), join(dir, '..data'));
    await rm(join(dir, 'one'), { recursive: true });
    await eventually(async () => expect(await serialShown(own.port)).not.toBe(before));
    await own.close();
    await rm(dir, { recursive: true });
  });
});
