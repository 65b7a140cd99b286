/**
 * Rounds are played through the whole stack, logging as much as it can, with every kind of mistake in between;
 * then everything it has written (logs, Temporal's histories and file, every table of the book) is searched for
 * the secrets and the personal data that passed through it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { databaseUrl } from '../../src/stack/databases';
import { freePort } from '../../src/stack/ports';
import { play, readFourBooks, runCli } from '../support/four-books';
import { createTestStack, untilReady, type TestStack } from '../support/stack';
import { filesBelow, historiesOf, leaksOf, tablesOf, type Written } from '../support/written-text';

jest.setTimeout(600_000);

const PASSWORD = 'pa55w0rd-of-a-player';
const TRUSTED_NETWORK = '198.18.7.0/24';
const PERSONAL = {
  'a first name': 'Firstname-Xq7',
  'a last name': 'Lastname-Xq7',
  'a telephone number': '+66-555-019-8877',
  'a player’s address': '198.51.100.177',
};

let stack: TestStack;
let metricsPort: number;
const secrets: Record<string, string> = { 'a password': PASSWORD };

beforeAll(async () => {
  stack = await createTestStack();
  metricsPort = await freePort();
  const variables = { API_METRICS_PORT: String(metricsPort), EGRESS_ALLOW_CIDRS: TRUSTED_NETWORK };
  await untilReady(stack.launch([], { LOG_LEVEL: 'trace', ...variables }));
});
afterAll(() => stack?.dispose());

function bookUrl(): string {
  const text = readFileSync(join(stack.home, 'stack.json'), 'utf8');
  return (JSON.parse(text) as { environment: { DATABASE_URL: string } }).environment.DATABASE_URL;
}

function ask(path: string, body: unknown, headers: Record<string, string> = {}) {
  const { api, partner } = stack.demo();
  return fetch(`${api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': partner.api_key, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    redirect: 'manual',
  });
}

/** A player signs up, and launches a game. */
async function launch(): Promise<string> {
  const player = {
    user_agent: 'zz-player-ref',
    password: PASSWORD,
    firstname: PERSONAL['a first name'],
    lastname: PERSONAL['a last name'],
    phone: PERSONAL['a telephone number'],
    ip: PERSONAL['a player’s address'],
  };
  expect((await ask('/create-user', player)).status).toBe(200);
  const { api, partner } = stack.demo();
  const listed = await fetch(`${api}/game/provider`, { headers: { 'x-api-key': partner.api_key } });
  const [product] = (await listed.json()) as { provider_name: string }[];
  const opened = await ask('/game/open-game', {
    user_agent: `${partner.prefix}.zz-player-ref`,
    game_provider: product?.provider_name,
    game_id: '0',
    redirect_url: 'https://casino.example.com/',
    mobile: false,
    ip: PERSONAL['a player’s address'],
  });
  const text = await opened.text();
  const token = /token=([A-Za-z0-9_-]{30,})/.exec(text)?.[1];
  if (token === undefined) throw new Error(`no launch: ${opened.status} ${text}`);
  expect((await fetch(`${api}/launch?token=${token}`)).status).toBe(200);
  return token;
}

/** What clients get wrong, each with something secret in it. */
async function mistakes(token: string): Promise<void> {
  const { connection, partner } = stack.demo();
  await ask('/create-user', `{"user_agent":"zz","password":"${PASSWORD}"`);
  await ask('/create-user', { user_agent: 'no such / player', password: PASSWORD });
  await ask('/create-user', { password: PASSWORD }, { 'x-api-key': `${partner.api_key}x` });
  await ask(`/nowhere?token=${token}`, { password: PASSWORD });
  await ask('/create-user', { password: PASSWORD.repeat(5_000) });
  const path = `/providers/${connection.key}`;
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const money = (amount: string, hash: string) =>
    `{"transaction_id":9,"player_id":100000000,"round_id":9,"token":"${token}","is_close":false,` +
    `"game_id":1,"amount":${amount},"hash":"${hash}"}`;
  const hash = md5(`Debit/1000000009` + `19${token}${connection.api_key}`);
  secrets['a hash'] = hash;
  for (const [method, body] of [
    ['Credit', money('1', 'f'.repeat(32))],
    ['Debit', money('1.23456', hash)],
    ['Debit', money('1', hash)],
    ['Debit', money('1', hash).slice(0, -5)],
    ['Authorization', `{"player_id":100000000,"game_id":"1","token":"${token}","hash":"${hash}"}`],
  ] as const) {
    expect((await ask(`${path}/${method}`, body)).status).toBe(200);
  }
  await ask(`${path}/Nothing?token=${token}`, '{}');
}

/** Every token the provider was given, from its own book. */
async function tokensPlayed(): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl(bookUrl(), 'sandbox_provider') });
  await client.connect();
  try {
    const { rows } = await client.query<{ token: string }>(
      'SELECT token FROM web_games.sessions WHERE NOT demo',
    );
    return rows.map(({ token }) => token);
  } finally {
    await client.end();
  }
}

async function everythingWritten(): Promise<Written[]> {
  const ofOthers = ['demo.json', 'master.key', 'postgres'];
  const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  return [
    { where: 'the metrics of the API', bytes: Buffer.from(await metrics.text()) },
    ...filesBelow(stack.home, (path) => !ofOthers.includes(path)),
    ...(await tablesOf(bookUrl())),
    ...(await historiesOf(`127.0.0.1:${String(stack.ports.TEMPORAL_PORT)}`)),
  ];
}

test('no secret, token or personal data is in any log, history or table', async () => {
  const { partner, connection } = stack.demo();
  const cli = (...args: string[]) => runCli(stack, args).json as Record<string, string>;
  secrets['the API key'] = partner.api_key.split('_')[3] ?? '';
  secrets['the AGENT_SECRET'] = partner.agent_secret;
  secrets["the provider's key"] = connection.api_key;
  secrets['the master key'] = readFileSync(join(stack.home, 'master.key'), 'utf8').trim();

  const token = await launch();
  secrets['a launch token'] = token;
  await mistakes(token);
  const run = play(stack, [
    '--rounds',
    '25',
    '--seed',
    '5',
    '--players',
    '3',
    '--concurrency',
    '2',
  ]);
  expect((await run.ended).code).toBe(0);
  (await tokensPlayed()).forEach((each, index) => (secrets[`token ${index} of a session`] = each));

  // A rotation of each kind; the wallet is not told of the next secret, so it is not activated.
  secrets['the next API key'] = cli('partner', 'rotate-key', 'DEMO').api_key?.split('_')[3] ?? '';
  secrets['the next AGENT_SECRET'] = cli('partner', 'rotate-secret', 'DEMO').agent_secret ?? '';
  const renewed = 'a-renewed-key-of-the-provider';
  cli('connection', 'rotate-key', connection.key, '--api-key', renewed);
  secrets["the provider's next key"] = renewed;
  const callback = cli('connection', 'rotate-callback-secret', connection.key, '--now');
  secrets['the callback secret'] = callback.callback_secret ?? '';
  // Sent right and, with a body that is broken, wrong: neither is to be found afterwards.
  secrets['a wrong callback secret'] = 'a-callback-secret-that-nobody-gave';
  for (const name of ['the callback secret', 'a wrong callback secret']) {
    const sent = { 'x-callback-secret': secrets[name] ?? '' };
    expect((await ask(`/providers/${connection.key}/Credit`, '{"amount":', sent)).status).toBe(200);
  }
  const shown = [
    ...['partner', 'connection'].map((group) =>
      JSON.stringify(cli(group, 'show', group === 'partner' ? 'DEMO' : connection.key)),
    ),
    JSON.stringify([cli('audit-log', 'show'), cli('cases', 'list'), cli('audit')]),
  ].map((text, index) => ({ where: `answer ${index} of the CLI`, bytes: Buffer.from(text) }));

  const written = [...(await everythingWritten()), ...shown];
  const where = written.map((one) => one.where);
  for (const expected of ['logs/server.log', 'temporal.db', 'table public.cases']) {
    expect(where).toContain(expected);
  }
  expect(where.filter((one) => one.startsWith('workflow round/')).length).toBeGreaterThan(10);
  expect(Object.keys(secrets).length).toBeGreaterThan(12);
  expect(leaksOf({ ...secrets, ...PERSONAL }, written)).toEqual([]);

  // What the mistakes were counted as, and where calls may go, is told by each process that needs to.
  const countedHashes = { counted: 'method="Credit",reason="hash"' };
  expect(leaksOf(countedHashes, written)).toEqual(['counted in the metrics of the API']);
  const toldNetwork = leaksOf({ network: TRUSTED_NETWORK }, written);
  expect(toldNetwork).toContain('network in logs/server.log');
  // The search itself finds what is there: in the book the player's reference, in the histories the rounds.
  expect(leaksOf({ 'a reference': 'zz-player-ref' }, written)).toContain(
    'a reference in table public.players',
  );
  const { audit } = await readFourBooks(stack);
  expect(audit.contradictions).toEqual([]);
  expect(leaksOf({ control: 'round/sandbox/' }, written).length).toBeGreaterThan(10);
});
