import { createHash } from 'node:crypto';
import { applyCatalogue } from '../../src/db/catalogue';
import { createConnection } from '../../src/db/connections';
import { createPartner, updatePartner } from '../../src/db/partners';
import { playerByUserAgent } from '../../src/db/players';
import { assert } from '../../src/lib/assert';
import { eventually } from './eventually';
import { startRoundhouse, type TestRoundhouse } from './roundhouse';
import { createTestProvider } from './test-provider';
import { startTestWallet, type TestWallet } from './test-wallet';

/** An answer over HTTP, as whoever asked sees it. */
export interface SeenAnswer {
  readonly status: number;
  readonly text: string;
}

export interface Tenant {
  readonly apiKey: string;
  readonly reference: string;
  readonly userAgent: string;
  readonly playerId: string;
  readonly token: string;
  readonly lobbyToken: string;
  readonly product: string;
  readonly gameId: string;
  readonly roundRef: string;
  readonly transactionRef: string;
  readonly betId: string;
  /** The result page's link, as detail-bet gave it. */
  readonly link: URL;
}

/**
 * Two partners on one installation, A at connection `sandbox` and B at `amber`, each with a player, sessions,
 * a round at rest and an open one, and products of its own.
 */
export interface TwoTenants {
  readonly house: TestRoundhouse;
  readonly a: Tenant;
  readonly b: Tenant;
  /** Everything that names A, or something of A's; what each is, and its text. */
  readonly idsOfA: Readonly<Record<string, string>>;
  /** A call of the partner API. */
  ask(apiKey: string, method: string, path: string, init?: RequestInit): Promise<SeenAnswer>;
  /** A call to a connection, signed with B's provider's key unless told; every value is sent as text. */
  callback(method: string, fields: Fields, options?: { connection?: string }): Promise<SeenAnswer>;
  /** What stands in the book of A, and how often A's wallet was called, as one text. */
  stateOfA(): Promise<string>;
  close(): Promise<void>;
}

export type Fields = Readonly<Record<string, string | boolean>>;

const KEY_OF_AMBER = 'amber-secret';

/** The document's order of the signed values. */
const SIGNED: Readonly<Record<string, readonly string[]>> = {
  Authorization: ['player_id', 'game_id', 'token'],
  Credit: ['player_id', 'round_id', 'game_id', 'transaction_id', 'token'],
  Debit: ['player_id', 'round_id', 'game_id', 'transaction_id', 'token'],
};

/** Long enough for a machine that is busy elsewhere: nothing here is about time. */
const PATIENT = { answer_deadline_ms: 15_000, revive_window_ms: 60_000 };

export async function startTwoTenants(): Promise<TwoTenants> {
  const house = await startRoundhouse({
    partner: { wallet_attempt_timeout_ms: 5_000 },
    connection: PATIENT,
  });
  const { pool, office } = house;
  // Numbers that stand in no other text, so that finding one in an answer means something.
  await pool.query(`ALTER SEQUENCE operations_id_seq RESTART 1234567001;
    ALTER SEQUENCE sessions_id_seq RESTART 2345678001; ALTER SEQUENCE rounds_id_seq RESTART 3456789001`);
  await applyCatalogue(pool, house.connection, [
    { gameId: '110011', title: 'Vein', launchPath: '/g', iconUrl: null, className: 'Silverware' },
  ]);
  const amber = await createConnection(office, {
    key: 'amber',
    dialect: 'web-games',
    baseUrl: 'http://127.0.0.1:9',
    partnerId: '8',
    apiKey: KEY_OF_AMBER,
    settings: PATIENT,
  });
  await applyCatalogue(pool, amber, [
    { gameId: '220022', title: 'Resin', launchPath: '/g', iconUrl: null, className: 'Amberware' },
  ]);
  await updatePartner(office, 'LAG1', { settings: { products: ['Silverware'] } });
  let secret = '';
  const walletB: TestWallet = await startTestWallet(() => secret);
  const partnerB = await createPartner(office, {
    prefix: 'BET2',
    currency: 'EUR',
    walletUrl: walletB.url,
    // It asks as fast as it can, which is no flood here.
    settings: {
      products: ['Amberware'],
      wallet_attempt_timeout_ms: 5_000,
      requests_per_second: 100_000,
    },
  });
  secret = partnerB.agentSecret;

  const ask: TwoTenants['ask'] = async (apiKey, method, path, init = {}) => {
    const headers = {
      'x-api-key': apiKey,
      ...(typeof init.body === 'string' && { 'content-type': 'application/json' }),
      ...(init.headers as Record<string, string>),
    };
    const response = await fetch(`${house.baseUrl}${path}`, {
      redirect: 'manual',
      ...init,
      method,
      headers,
    });
    return { status: response.status, text: await response.text() };
  };
  const callback: TwoTenants['callback'] = async (
    method,
    fields,
    { connection = 'amber' } = {},
  ) => {
    const values = (SIGNED[method] ?? []).map((name) => String(fields[name]));
    const source = `${method}/${values.join('')}${KEY_OF_AMBER}`;
    const hash = createHash('md5').update(source).digest('hex');
    const body = JSON.stringify({ ...fields, hash });
    return ask('', 'POST', `/providers/${connection}/${method}`, { body });
  };

  const a = await play(house, ask, {
    apiKey: house.apiKey,
    prefix: 'LAG1',
    reference: 'alice-of-a',
    product: 'Silverware',
    gameId: '110011',
    provider: house.provider,
    numbers: '7700',
  });
  const b = await play(house, ask, {
    apiKey: partnerB.apiKey,
    prefix: 'BET2',
    reference: 'bob-of-b',
    product: 'Amberware',
    gameId: '220022',
    provider: createTestProvider(() => `${house.baseUrl}/providers/amber`, KEY_OF_AMBER),
    numbers: '8800',
  });
  await eventually(async () => {
    const { rows } = await pool.query(`SELECT 1 FROM obligations WHERE status = 'open'`);
    if (rows.length > 0) throw new Error('calls are still owed');
  });
  await allNoted(house);
  return {
    house,
    a,
    b,
    idsOfA: await idsOf(house, a),
    ask,
    callback,
    stateOfA: async () => JSON.stringify([await rowsOf(house), house.wallet.calls.length]),
    async close() {
      await house.close();
      await walletB.close();
    },
  };
}

/** Answers are noted as written some moments after it: by then nothing of A changes any more. */
const allNoted = (house: TestRoundhouse) =>
  eventually(async () => {
    const { rows } = await house.pool.query(
      `SELECT 1 FROM operations WHERE answer_result = 'accepted' AND answer_written_at IS NULL`,
    );
    assert(rows.length === 0, 'an answer is not noted yet');
  });

async function play(
  house: TestRoundhouse,
  ask: TwoTenants['ask'],
  who: Pick<Tenant, 'apiKey' | 'reference' | 'product' | 'gameId'> & {
    prefix: string;
    provider: TestRoundhouse['provider'];
    numbers: string;
  },
): Promise<Tenant> {
  const { apiKey, reference, product, gameId, provider, numbers } = who;
  const post = async (path: string, body: object) => {
    const { status, text } = await ask(apiKey, 'POST', path, { body: JSON.stringify(body) });
    assert(status === 200, `${path}: ${text}`);
    return JSON.parse(text) as Record<string, string>;
  };
  const userAgent = (await post('/create-user', { user_agent: reference })).user_agent ?? '';
  const launch = async (game: string) => {
    const body = { user_agent: userAgent, game_provider: product, game_id: game };
    const { url } = await post('/game/open-game', body);
    return new URL(url ?? '').searchParams.get('token') ?? '';
  };
  const token = await launch(gameId);
  const partner = { id: await partnerId(house, who.prefix), prefix: who.prefix };
  const player = await playerByUserAgent(house.pool, partner, userAgent);
  const playerId = player?.playerId ?? '';
  const call = { token, player: playerId, round: `${numbers}01`, game: gameId };
  // A provider repeats what a busy machine made late.
  const done = (reply: () => Promise<{ code: number; text: string }>) =>
    eventually(async () => {
      const { code, text } = await reply();
      if (code !== 0) throw new Error(text);
    });
  await done(() => provider.authorization(call));
  const first = `${numbers}11`;
  await done(() => provider.credit({ ...call, transaction: first, amount: '5' }));
  await done(() =>
    provider.debit({ ...call, transaction: `${numbers}12`, amount: '7', close: true }),
  );
  const open = { ...call, round: `${numbers}02`, transaction: `${numbers}21` };
  await done(() => provider.credit({ ...open, amount: '3' }));
  const { rows } = await house.pool.query<{ bet_id: string }>(
    'SELECT bet_id FROM operations WHERE transaction_ref = $1',
    [first],
  );
  const betId = rows[0]?.bet_id ?? '';
  const { item } = await post('/bet-history/report/detail-bet', { bet_id: betId });
  return {
    ...{ apiKey, reference, userAgent, playerId, token, product, gameId, betId },
    lobbyToken: await launch('0'),
    roundRef: call.round,
    transactionRef: first,
    link: new URL(item ?? ''),
  };
}

async function partnerId(house: TestRoundhouse, prefix: string): Promise<number> {
  const { rows } = await house.pool.query<{ id: number }>(
    'SELECT id FROM partners WHERE prefix = $1',
    [prefix],
  );
  return rows[0]?.id ?? 0;
}

async function idsOf(house: TestRoundhouse, a: Tenant): Promise<Record<string, string>> {
  const { rows } = await house.pool.query<{ round: string; operation: string; session: string }>(
    `SELECT r.id AS round, o.id::text AS operation, r.session_id AS session
       FROM operations o JOIN rounds r ON r.id = o.round_id WHERE o.bet_id = $1`,
    [a.betId],
  );
  const row = rows[0];
  assert(row, 'A has played');
  return {
    user_agent: a.userAgent,
    reference: a.reference,
    player_id: a.playerId,
    bet_id: a.betId,
    'round of the provider': a.roundRef,
    'round of the book': row.round,
    'name of the round': `sandbox/${a.playerId}/${a.roundRef}`,
    transaction: a.transactionRef,
    'operation number': row.operation,
    session: row.session,
    external_session: `session-${row.session}`,
    'launch token': a.token,
    'lobby token': a.lobbyToken,
    provider_name: a.product,
    game_id: a.gameId,
    prefix: 'LAG1',
    'key id': a.apiKey.split('_')[2] ?? '',
    'result link': a.link.href,
    'signature of the link': a.link.searchParams.get('signature') ?? '',
  };
}

/** Digests of every row that is A's, a table each. A key's last use is no row's content. */
async function rowsOf(house: TestRoundhouse): Promise<unknown> {
  const mine = `SELECT id FROM rounds WHERE partner_id = ${String(house.partner.id)}`;
  const ofRounds = [
    'operations',
    'operation_keys',
    'bets',
    'obligations',
    'journal',
    'cases',
  ] as const;
  const tables: [string, string][] = [
    ['partners', `id = ${String(house.partner.id)}`],
    ...['players', 'sessions', 'rounds'].map((table): [string, string] => [
      table,
      `partner_id = ${String(house.partner.id)}`,
    ]),
    ...ofRounds.map((table): [string, string] => [table, `round_id IN (${mine})`]),
    ['attempts', `bet_id IN (SELECT id FROM bets WHERE round_id IN (${mine}))`],
  ];
  const digests = [];
  for (const [table, condition] of tables) {
    const { rows } = await house.pool.query<{ digest: string; count: string }>(
      `SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest FROM ${table} t WHERE ${condition}`,
    );
    digests.push([table, rows[0]]);
  }
  return digests;
}
