import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';
import type { WalletMode } from '../support/test-wallet';

/*
 * Whole rounds against a wallet that misbehaves in every call: the money moves once, the round comes to
 * its end by itself, and whatever the wallet said is in the book, in a form that the book can hold.
 */

const ENDPOINTS = ['/bet', '/settle-bet', '/bet-end', '/history'] as const;
/** Longer than a busy machine needs for the repeats; nothing here waits for it. */
const PATIENT = { answer_deadline_ms: 20_000, revive_window_ms: 60_000 };

let house: TestRoundhouse;
let player: TestPlayer;

beforeAll(async () => {
  house = await startRoundhouse({ connection: PATIENT, timeScale: 0.2 });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));

const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: '2234',
  amount: '40',
  ...of,
});
const stake = (at = house) => at.provider.credit(call());
const win = () => house.provider.debit(call({ transaction: '2235', amount: '25', close: true }));
const betId = (at = house) => String(at.callsOf(player, '/bet')[0]?.body.bet_id);

interface AttemptSeen {
  readonly verb: string;
  readonly attempt: number;
  readonly result: string | null;
  readonly text: string | null;
  readonly received: string | null;
}

async function attempts(): Promise<AttemptSeen[]> {
  const { rows } = await house.pool.query<AttemptSeen>(
    `SELECT a.verb, a.attempt, a.result, a.text, b.received
       FROM attempts a LEFT JOIN attempt_bytes b USING (bet_id, verb, number, attempt, started_at)
      WHERE a.bet_id = $1 ORDER BY a.started_at, a.verb, a.attempt`,
    [betId()],
  );
  return rows;
}

/** A stake of 40 and a win of 25, with the same trouble in the first call of each endpoint. */
async function playThrough(...modes: WalletMode[]) {
  for (const endpoint of ENDPOINTS) house.wallet.script(endpoint, ...modes);
  const answers = [await stake(), await win()];
  await house.ended(player.id, '12');
  return answers;
}

/** Each movement exactly once, whatever was said about it. */
function expectMovedOnce(): void {
  expect(house.wallet.balance(player.userAgent)).toBe('985');
  for (const endpoint of ['/bet', '/settle-bet', '/bet-end']) {
    expect([endpoint, house.wallet.effects(endpoint, betId())]).toEqual([endpoint, 1]);
  }
}

afterEach(() => {
  for (const endpoint of ENDPOINTS) house.wallet.always(endpoint, null);
});

const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))),
  );

describe('bytes that a database refuses are kept all the same, and the round comes to its end', () => {
  const rows: readonly (readonly [string, string | Buffer, string, string])[] = [
    ['an escaped NUL', '{"balance":1,"x":"\\u0000"}', 'done', '{"balance":1,"x":"\\u0000"}'],
    ['a NUL', bytes('{"balance":1,"x":"', 0, '"}'), 'unknown', '{"balance":1,"x":"\ufffd"}'],
    ['broken UTF-8', bytes('{"balance":1,"x":"', 0xff, '"}'), 'done', '{"balance":1,"x":"\ufffd"}'],
    ['half a surrogate', '{"balance":1,"x":"\\ud800"}', 'done', '{"balance":1,"x":"\\ud800"}'],
    ['a NUL in an error', '{"error":"a\\u0000b"}', 'unknown', '{"error":"a\\u0000b"}'],
    ['100 NULs', Buffer.alloc(100), 'unknown', '\ufffd'.repeat(100)],
    ['nothing', '', 'unknown', ''],
    ['60 KB', `{"x":"${'y'.repeat(60_000)}`, 'unknown', `{"x":"${'y'.repeat(8_186)}`],
    [
      'a character that lies across the end of what is kept',
      `${'y'.repeat(8_191)}\u{1f600}z`,
      'unknown',
      `${'y'.repeat(8_191)}\ufffd`,
    ],
    ['a huge balance', `{"balance":${'9'.repeat(40)}}`, 'done', `{"balance":${'9'.repeat(40)}}`],
    ['a tiny balance', '{"balance":1e-30}', 'done', '{"balance":1e-30}'],
  ];
  test.each(rows)('%s', async (_name, body, result, kept) => {
    const answers = await playThrough({ status: 200, body, moves: true });
    expect(answers).toMatchObject([{ code: 0 }, { code: 0 }]);
    expectMovedOnce();
    const seen = await attempts();
    expect(seen.filter((attempt) => attempt.result === null)).toEqual([]);
    for (const verb of ['take', 'give']) {
      const [first] = seen.filter((attempt) => attempt.verb === verb);
      expect(first).toMatchObject({ attempt: 1, result, received: kept });
    }
    for (const verb of ['end', 'report']) {
      expect(seen.find((attempt) => attempt.verb === verb)).toMatchObject({ received: kept });
    }
  });

  test.each([409, 500])('a NUL in a reply with status %i', async (status) => {
    const body = bytes('{"error":"a', 0, '\\u0000b"}');
    expect(await playThrough({ status, body, moves: true })).toMatchObject([
      { code: 0 },
      { code: 0 },
    ]);
    expectMovedOnce();
    expect((await attempts())[0]).toMatchObject({
      result: 'unknown',
      received: '{"error":"a\ufffd\\u0000b"}',
    });
  });

  test('a refused payout whose text holds a NUL opens its case and is paid by the repeat', async () => {
    house.wallet.script('/settle-bet', { status: 200, body: '{"error":"PLAYER\\u0000BLOCKED"}' });
    await stake();
    await win();
    await house.ended(player.id, '12');
    expectMovedOnce();
    const { id } = await house.roundOf(player.id, '12');
    expect(await house.cases(id)).toEqual(['declined_payout']);
  });
});

describe('connections that die in every call: the money moves once', () => {
  const rows: readonly (readonly [string, readonly WalletMode[]])[] = [
    ['before it moved', ['reset']],
    ['after it moved', ['lose']],
    ['before it moved, and the reply of the repeat is lost', ['reset', 'lose']],
    ['without a word, until our limit', ['hang']],
  ];
  test.each(rows)('%s', async (_name, modes) => {
    expect(await playThrough(...modes)).toMatchObject([
      { code: 0, balance: '960' },
      { code: 0, balance: '985' },
    ]);
    expectMovedOnce();
    const seen = await attempts();
    expect(seen.filter(({ verb }) => verb === 'take').map(({ result }) => result)).toEqual([
      ...modes.map(() => 'unknown'),
      'done',
    ]);
    for (const endpoint of ENDPOINTS) {
      const calls = house.callsOf(player, endpoint);
      const first = calls.filter((one) => one.bytes === calls[0]?.bytes);
      expect([endpoint, first.length]).toEqual([endpoint, modes.length + 1]);
    }
  });
});

const DUPLICATE = { status: 409, body: '{"error":"duplicate"}' };

describe('a repeat that is answered otherwise than the call it repeats (W-09)', () => {
  test('with another balance: taken once, and the last balance is the one that is shown', async () => {
    house.wallet.script('/bet', 'lose', { status: 200, body: '{"balance":777.129}' });
    const answer = await stake();
    expect(answer).toMatchObject({ code: 0, balance: '777.12' });
    expect((await stake()).text).toBe(answer.text);
    expect(house.wallet.effects('/bet', betId())).toBe(1);
  });

  test('with "already processed" beside the balance: taken', async () => {
    const body = '{"balance":960,"message":"Already processed"}';
    house.wallet.script('/bet', 'lose', { status: 200, body });
    expect(await stake()).toMatchObject({ code: 0, balance: '960' });
    expect(house.wallet.effects('/bet', betId())).toBe(1);
  });

  test('with 409 alone: unknown, a case, and asked until the wallet says what was taken', async () => {
    house.wallet.script('/bet', 'lose', { status: 409, body: '{"error":"duplicate"}' });
    expect(await stake()).toMatchObject({ code: 0, balance: '960' });
    expect(house.callsOf(player, '/bet')).toHaveLength(3);
    expect(house.wallet.effects('/bet', betId())).toBe(1);
    const { id } = await house.roundOf(player.id, '12');
    expect(await house.cases(id)).toEqual(['duplicate_refused']);
  });

  test('with 409 by a wallet that means done: taken, and the balance is asked for', async () => {
    const other = await startRoundhouse({
      partner: { duplicate_means_done: true },
      connection: PATIENT,
    });
    try {
      player = await other.newPlayer();
      other.wallet.script('/bet', 'lose');
      other.wallet.always('/bet', { status: 409, body: '{"error":"duplicate"}' });
      expect(await stake(other)).toMatchObject({ code: 0, balance: '960' });
      expect(other.callsOf(player, '/bet')).toHaveLength(2);
      expect(other.wallet.effects('/bet', betId(other))).toBe(1);
      const { id } = await other.roundOf(player.id, '12');
      expect(await other.cases(id)).toEqual([]);

      // Nobody is told a balance that nobody knows: the stake is asked again until one is.
      player = await other.newPlayer();
      other.wallet.always('/bet', null);
      other.wallet.script('/bet', 'lose');
      other.wallet.script('/bet', ...Array.from({ length: 50 }, () => DUPLICATE));
      other.wallet.script('/balance', { status: 500, body: '' }, { status: 500, body: '' });
      expect(await stake(other)).toMatchObject({ code: 0, balance: '960' });
      expect(other.callsOf(player, '/bet')).toHaveLength(4);
      expect(other.wallet.effects('/bet', betId(other))).toBe(1);
    } finally {
      await other.close();
    }
  });
});

describe('a refusal stays a refusal (W-11)', () => {
  test.each([
    ['funds', 2, { status: 402, body: '{"error":"INSUFFICIENT_FUNDS"}' }],
    ['a block', 4, { status: 403, body: '{"error":"PLAYER_BLOCKED"}' }],
    ['an unknown player', 11, { status: 200, body: '{"error":"PLAYER_NOT_FOUND"}' }],
  ])('of %s, though the wallet would take the same id later', async (_name, code, refusal) => {
    house.wallet.script('/bet', refusal);
    const answer = await stake();
    expect(answer).toMatchObject({ code });
    for (let i = 0; i < 3; i++) expect((await stake()).text).toBe(answer.text);
    await house.ended(player.id, '12');
    const second = await house.startApi();
    const elsewhere = await fetch(`${second.baseUrl}/providers/sandbox/Credit`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: house.provider.body('Credit', call()),
    });
    expect(await elsewhere.text()).toBe(answer.text);
    expect(house.callsOf(player, '/bet')).toHaveLength(1);
    expect(house.wallet.balance(player.userAgent)).toBe('1000');
    await eventually(async () =>
      expect((await attempts()).map(({ result }) => result)).toEqual(['declined']),
    );
  });
});
