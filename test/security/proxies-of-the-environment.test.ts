/**
 * A proxy would connect for us to wherever a URL says, past every check of an address, and read each wallet call
 * on its way (S4). What the environment names is therefore used by nobody.
 */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createWalletBench } from '../support/wallet-bench';

const ROOT = join(__dirname, '..', '..');
const { listening, httpWallet, close } = createWalletBench();
afterEach(close);

test('no proxy of the environment sees a wallet call or a catalogue, in whatever spelling it is named', async () => {
  const trapped: string[] = [];
  const trap = createServer((request, response) => {
    trapped.push(`${String(request.method)} ${String(request.url)}`);
    response.end('{"balance":5}');
  });
  trap.on('connect', (request, socket) => {
    trapped.push(`CONNECT ${String(request.url)}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
  });
  const proxy = await listening(trap);
  const seen: string[] = [];
  const wallet = await httpWallet((request, response) => {
    seen.push(request.url ?? '');
    const isCatalogue = request.url?.startsWith('/GetListGames');
    response.end(isCatalogue ? '{"code":0,"message":"Ok","games":[]}' : '{"balance":5}');
  });
  const names = [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'npm_config_proxy',
    'npm_config_https_proxy',
  ];
  const spellings = names.flatMap((name) => [name, name.toLowerCase()]);
  const control = 'http://control.example/';
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...['-r', './scripts/typescript.cjs', 'test/support/calls-behind-a-proxy.ts', control],
      ...[wallet.url, wallet.url.replace('http:', 'https:')],
    ],
    {
      cwd: ROOT,
      timeout: 120_000,
      env: {
        PATH: process.env.PATH,
        NODE_USE_ENV_PROXY: '1',
        ...Object.fromEntries(spellings.map((name) => [name, proxy.url])),
      },
    },
  );
  // The wallet speaks no TLS, so the two calls to its https address end there.
  expect(JSON.parse(stdout)).toEqual(['done', 'true', 'not_sent', 'false']);
  expect(seen).toEqual(['/balance', expect.stringMatching(/^\/GetListGames/)]);
  // The trap works: whoever believes the environment goes into it.
  expect(new Set(trapped)).toEqual(new Set(['CONNECT control.example:80']));
});
