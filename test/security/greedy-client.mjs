// A process full of bad clients, for slow-and-greedy-clients.test.ts: `node greedy-client.mjs <port> <idle sockets>`.
// Each kind has a loopback address of its own. Once a second a line of JSON tells, by kind, how many sockets
// were opened, are open now, and what was answered on them. It ends when its standard input does.
import { connect } from 'node:net';

const [port, idleSockets] = process.argv.slice(2).map(Number);
/** @typedef {import('node:net').Socket} Socket */
/** @typedef {readonly [kind: string, address: string, count: number, abuse: (socket: Socket) => void]} Kind */
/** @type {Record<string, { opened: number, open: number, connected: number, answers: Record<string, number> }>} */
const counts = {};
/** Characters of an answer that are kept and told. */
const ANSWER_MAX = 20_000;

/**
 * Opens one socket of a kind; `abuse` does what that kind does.
 *
 * @param {string} kind
 * @param {string} localAddress
 * @param {(socket: Socket) => void} abuse
 */
function open(kind, localAddress, abuse) {
  const count = (counts[kind] ??= { opened: 0, open: 0, connected: 0, answers: {} });
  count.opened += 1;
  count.open += 1;
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  let answer = '';
  let bytes = 0;
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    count.open -= 1;
    const line = answer.split('\r\n', 1)[0];
    const body = answer.split('\r\n\r\n').at(-1);
    const key = line === '' ? 'nothing' : `${line.slice(9, 12)} ${body}`;
    count.answers[key] = (count.answers[key] ?? 0) + 1;
  };
  socket.on('connect', () => {
    count.connected += 1;
    abuse(socket);
  });
  socket.on('data', (data) => {
    bytes += data.length;
    if (bytes < ANSWER_MAX) answer += data.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.destroy());
  socket.on('close', end);
  return socket;
}

/**
 * A byte now and then, as long as the server listens.
 *
 * @param {Socket} socket
 * @param {string} text
 */
function drip(socket, text) {
  const timer = setInterval(
    () => (socket.writable ? socket.write(text) : clearInterval(timer)),
    500,
  );
  socket.on('close', () => clearInterval(timer));
}

/** @type {(path: string, length: number) => string} */
const post = (path, length) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
const CREDIT = '/providers/sandbox/Credit';
const HUGE = Buffer.alloc(5_000_000, 'x');

/** @type {readonly Kind[]} */
const KINDS = [
  [
    'slow head',
    '127.0.0.22',
    200,
    (socket) => {
      socket.write('GET /game/provider HTTP/1.1\r\nhost: x\r\n');
      drip(socket, 'a: b\r\n');
    },
  ],
  [
    'slow body',
    '127.0.0.23',
    200,
    (socket) => {
      socket.write(post(CREDIT, 60_000));
      drip(socket, '{');
    },
  ],
  [
    'huge body',
    '127.0.0.24',
    30,
    (socket) => {
      socket.write(post(CREDIT, HUGE.length));
      socket.write(HUGE);
    },
  ],
  [
    'endless body',
    '127.0.0.25',
    30,
    (socket) => {
      socket.write(`POST ${CREDIT} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
      socket.write(`${HUGE.length.toString(16)}\r\n`);
      socket.write(HUGE);
    },
  ],
  [
    'huge head',
    '127.0.0.26',
    30,
    (socket) => {
      socket.write(`GET /game/provider HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(100_000)}\r\n\r\n`);
    },
  ],
  [
    'huge callback head',
    '127.0.0.27',
    30,
    (socket) => {
      socket.write(`POST ${CREDIT} HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(100_000)}\r\n\r\n`);
    },
  ],
  [
    'garbage',
    '127.0.0.28',
    30,
    (socket) => {
      socket.write(`${'\u0000\u0001garbage '.repeat(5_000)}\r\n\r\n`);
    },
  ],
  [
    'garbage behind requests',
    '127.0.0.29',
    30,
    (socket) => {
      socket.write(
        'GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(50) + 'garbage '.repeat(1_000),
      );
    },
  ],
  [
    'slow reader',
    '127.0.0.30',
    50,
    (socket) => {
      socket.pause();
      const asset = '/docs/static/swagger-ui-bundle.js';
      socket.write(`GET ${asset} HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(20));
    },
  ],
];

// A few at a time: beyond its listen queue the system drops connections that a client takes for open.
const AT_ONCE = 50;
/** @type {Kind[]} */
const waiting = KINDS.flatMap((kind) => Array.from({ length: kind[2] }, () => kind));
/** @type {Kind} */
const idle = ['idle', '127.0.0.21', idleSockets, () => undefined];
for (let index = 0; index < idleSockets; index++) waiting.push(idle);
function next() {
  const kind = waiting.shift();
  if (!kind) return;
  const socket = open(kind[0], kind[1], kind[3]);
  let gone = false;
  const go = () => {
    if (!gone) next();
    gone = true;
  };
  socket.on('connect', go);
  socket.on('close', go);
}
for (let lane = 0; lane < AT_ONCE; lane++) next();
const tell = () => process.stdout.write(`${JSON.stringify(counts)}\n`);
setInterval(tell, 1_000);
process.stdin.on('end', () => process.exit(0)).resume();
