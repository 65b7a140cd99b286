/**
 * A round is read by the first decision of a transaction and written at its end; a hand finds it again as it left
 * it. However many there are in one, the book must be the same as if each had been alone and had read all of it.
 */
import fc from 'fast-check';
import type { NewRound } from '../../src/contracts/round';
import { auditSnapshot } from '../../src/db/audit';
import { createBook, type Book, type OpenBook, type RoundMemory } from '../../src/db/book';
import { connectionByKey } from '../../src/db/connections';
import { partnerByPrefix } from '../../src/db/partners';
import { findOrCreatePlayer } from '../../src/db/players';
import { createPool, type Pool } from '../../src/db/pool';
import { findOrCreateRound } from '../../src/db/rounds';
import { parseObligationId } from '../../src/domain/round/rows';
import { declined, done, unknown } from '../support/played-round';
import { createTestDatabase } from '../support/postgres';
import { createTestCli } from '../support/test-cli';

/** A book of its own, with one player; two of them that play the same give the same numbers. */
interface House {
  readonly pool: Pool;
  readonly book: Book;
  readonly round: Omit<NewRound, 'roundRef'>;
  close(): Promise<void>;
}

async function createHouse(): Promise<House> {
  const database = await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, max: 5 });
  const { json } = createTestCli(pool);
  const local = 'http://127.0.0.1:9';
  await json(
    ...['partner', 'create', '--prefix', 'LAG1', '--currency', 'EUR', '--wallet-url', local],
  );
  await json(
    ...['connection', 'create', 'games', '--dialect', 'web-games', '--partner-id', '7'],
    ...['--base-url', local, '--api-key', 'a-providers-key'],
  );
  const partner = await partnerByPrefix(pool, 'LAG1');
  const connection = await connectionByKey(pool, 'games');
  const { player } = await findOrCreatePlayer(pool, partner!, '1');
  return {
    pool,
    book: createBook({ pool, installation: 'test', random: () => 0.5 }),
    round: {
      connectionId: connection!.id,
      playerId: player.playerId,
      partnerId: partner!.id,
      sessionId: null,
      gameId: '11',
      currency: 'EUR',
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

let one: House;
let other: House;
beforeAll(async () => {
  one = await createHouse();
  other = await createHouse();
});
afterAll(async () => {
  await one?.close();
  await other?.close();
});

/** What happens next, as far as there is something that it can happen to. */
const STEPS = [
  'stake',
  'payout',
  'repeat',
  'begin',
  'begin',
  'done',
  'unknown',
  'declined',
] as const;

interface Play {
  readonly roundId: string;
  readonly operations: number[];
  readonly flights: { call: string; attempt: number; startedMs: number }[];
  due: readonly string[];
  replies: number;
}

async function newPlay({ pool, round }: House, number: number): Promise<Play> {
  const roundId = await findOrCreateRound(pool, { ...round, roundRef: `round-${number}` });
  return { roundId, operations: [number * 1_000], flights: [], due: [], replies: 0 };
}

function nextOperation({ operations }: Play): number {
  operations.push(operations.at(-1)! + 1);
  return operations.at(-1)!;
}

async function happen(open: OpenBook, play: Play, step: (typeof STEPS)[number]): Promise<void> {
  const { roundId, operations, flights } = play;
  const stake = (operationId: number) => ({
    operationId,
    betId: operationId.toString().padStart(24, '0'),
    transactionRef: `t${operationId}`,
    amount: 500n,
    gameId: '11',
    isClose: false,
  });
  switch (step) {
    case 'stake': {
      const request = stake(nextOperation(play));
      play.due = calls(await open.decide(roundId, { type: 'stake', request }));
      return;
    }
    case 'repeat': {
      if (operations[1] === undefined) return;
      const request = stake(operations[1]);
      play.due = calls(await open.decide(roundId, { type: 'stake', request }));
      return;
    }
    case 'payout': {
      const request = { ...stake(nextOperation(play)), amount: 900n, betAmount: null };
      play.due = calls(await open.decide(roundId, { type: 'payout', request }));
      return;
    }
    case 'begin': {
      const call = play.due.find((id) => !flights.some((flight) => flight.call === id));
      if (call === undefined) return;
      const entry = await open.decide(roundId, { type: 'attempt_starts', call, driver: 'round' });
      play.due = calls(entry);
      if (entry.result.kind !== 'send') return;
      const { attempt } = entry.result;
      const key = { ...parseObligationId(call)!, attempt, startedMs: entry.nowMs };
      const bytes = await open.beginAttempt(roundId, key, `{"balance":5,"try":${attempt}}`);
      // Whatever the attempt, the bytes are those of the first.
      expect(bytes).toBe('{"balance":5,"try":1}');
      flights.push({ call, attempt, startedMs: entry.nowMs });
      return;
    }
    default: {
      const flight = flights.shift();
      if (!flight) return;
      const { call, attempt, startedMs } = flight;
      // A balance that moves with each reply. Of one that stands still it is asked whether the calls overlapped, which two calls
      // of one transaction always seem to have (one began before the other's end was written): no alarm, where two transactions
      // raise one. a-balance-that-stands-still.test.ts is about that.
      const outcome = {
        done: done(`${String(95 + play.replies++)}.00`),
        unknown,
        declined: declined(),
      }[step];
      const entry = await open.decide(roundId, { type: 'attempt_ended', call, attempt, outcome });
      play.due = calls(entry);
      const key = { ...parseObligationId(call)!, attempt, startedMs };
      open.endAttempt(roundId, key, { outcome, described: outcome.text, received: 'bytes' });
    }
  }
}

const calls = ({ view }: { view: { calls: readonly { id: string }[] } }) =>
  view.calls.map(({ id }) => id);

/** Steps that are taken in one transaction, by one of the hands that the round has. */
interface Group {
  readonly steps: readonly (typeof STEPS)[number][];
  /** None reads all of the round; each other finds it as it has left it. */
  readonly hand: number | null;
  /** The transaction fails at its end: nothing of it was. */
  readonly fails: boolean;
}

async function played(house: House, number: number, groups: readonly Group[]): Promise<unknown> {
  const play = await newPlay(house, number);
  const memories = new Map<number, RoundMemory>();
  for (const { steps, hand, fails } of groups) {
    const memory = hand === null ? undefined : (memories.get(hand) ?? new Map());
    if (hand !== null && memory) memories.set(hand, memory);
    const tried = fails ? structuredClone(play) : play;
    const work = house.book.together(async (open) => {
      for (const step of steps) await happen(open, tried, step);
      if (fails) throw new Failed();
    }, memory);
    await work.catch((error: unknown) => {
      if (!(error instanceof Failed)) throw error;
    });
  }
  return storyOf(house.pool, play.roundId);
}

class Failed extends Error {}

/** All that a book keeps of a round, without moments and the numbers of cases: a case that is there draws one too. */
async function storyOf(pool: Pool, roundId: string): Promise<unknown> {
  const ofRound = ['operations', 'bets', 'obligations', 'cases', 'journal'];
  const sources = [
    'rounds WHERE id = $1',
    ...ofRound.map((table) => `${table} WHERE round_id = $1`),
    'attempts WHERE bet_id IN (SELECT id FROM bets WHERE round_id = $1)',
    'attempt_bytes WHERE bet_id IN (SELECT id FROM bets WHERE round_id = $1)',
  ];
  const story: Record<string, unknown[]> = {};
  for (const source of sources) {
    const { rows } = await pool.query<object>(`SELECT * FROM ${source}`, [roundId]);
    story[source] = rows.map((row) => told(row)).sort();
  }
  return story;
}
function told(row: object): string {
  const kept = 'subject' in row ? { ...row, id: null } : row;
  return JSON.stringify(kept, (name, value: unknown) => {
    if (/_at$|_since$|^at$/.test(name)) return value === null;
    if (name === 'facts') return String(value).replace(/"case":"\d+"/g, '"case":"one"');
    return name === 'hash' || name === 'journal_head' ? value === null : value;
  });
}

const steps = (maxLength: number) => fc.array(fc.constantFrom(...STEPS), { maxLength });

test('the book is the same whether decisions are taken in one transaction or in many, by hands that know the round or read it', async () => {
  const group: fc.Arbitrary<Group> = fc.record({
    steps: steps(6),
    hand: fc.constantFrom(null, 0, 0, 1),
    fails: fc.constantFrom(false, false, false, true),
  });
  const together = (...all: Group['steps'][]): [Group[]] => [
    all.map((each) => ({ steps: each, hand: 0, fails: false })),
  ];
  let plays = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(group, { maxLength: 8 }), async (groups) => {
      const number = ++plays;
      const alone = groups
        .filter(({ fails }) => !fails)
        .flatMap((each) => each.steps)
        .map((step): Group => ({ steps: [step], hand: null, fails: false }));
      const [known, read] = await Promise.allSettled([
        played(one, number, groups),
        played(other, number, alone),
      ]);
      expect(known).toEqual(read);
      expect(known.status).toBe('fulfilled');
    }),
    {
      numRuns: 90,
      examples: [together(['stake'], ['begin', 'done', 'payout', 'begin', 'payout', 'done'])],
    },
  );
  expect(await auditOfJournal()).toEqual([]);
});

/** The rows made here have no session and no real bytes; their journal must hold like any other's. */
async function auditOfJournal(): Promise<unknown[]> {
  const { contradictions } = await auditSnapshot(one.pool);
  return contradictions.filter(({ rule }) => rule.includes('journal'));
}

/** What is asked of the book, by name; what is written is written after that. */
async function askedBy(
  play: Play,
  group: Group['steps'],
  memory?: RoundMemory,
): Promise<(string | undefined)[]> {
  const asked: (string | undefined)[] = [];
  await one.book.together(async (open) => {
    const sent = jest.spyOn(open.client, 'query');
    for (const step of group) await happen(open, play, step);
    for (const [statement] of sent.mock.calls) {
      asked.push((statement as unknown as { name?: string }).name);
    }
    sent.mockRestore();
  }, memory);
  return asked;
}

test('a round is read once and written once, with a line for each decision', async () => {
  const play = await newPlay(one, 999);
  for (const group of [['stake', 'begin'] as const, ['done', 'begin'] as const]) {
    expect(await askedBy(play, group)).toEqual(['lock_round', 'load_round']);
  }
  const { rows } = await one.pool.query(
    'SELECT version FROM journal WHERE round_id = $1 ORDER BY 1',
    [play.roundId],
  );
  expect(rows).toEqual([{ version: 1 }, { version: 2 }, { version: 3 }, { version: 4 }]);
});

test('a hand reads its round once, and again when somebody else has decided on it', async () => {
  const play = await newPlay(one, 1_000);
  const memory: RoundMemory = new Map();
  expect(await askedBy(play, ['stake', 'begin'], memory)).toEqual(['lock_round', 'load_round']);
  expect(await askedBy(play, ['done', 'begin'], memory)).toEqual(['lock_again']);
  await askedBy(play, ['payout']);
  expect(await askedBy(play, ['begin'], memory)).toEqual([
    'lock_again',
    'lock_round',
    'load_round',
  ]);
  expect(await askedBy(play, ['done'], memory)).toEqual(['lock_again']);
});

test('a round of which a drain has a call is read each time: a drain changes it without a decision', async () => {
  const play = await newPlay(one, 1_001);
  const memory: RoundMemory = new Map();
  await askedBy(play, ['stake', 'begin', 'done', 'payout'], memory);
  expect(memory.size).toBe(1);
  await one.pool.query(
    `INSERT INTO partner_breakers (partner_id, opened_at, open_ms, open_until, probe_from)
     VALUES ($1, now(), 60000, now() + interval '1 minute', now() + interval '1 minute')`,
    [one.round.partnerId],
  );
  try {
    await one.book.together((open) => open.decide(play.roundId, { type: 'tick' }), memory);
  } finally {
    await one.pool.query('DELETE FROM partner_breakers');
  }
  const { rowCount } = await one.pool.query(
    'SELECT 1 FROM obligations WHERE round_id = $1 AND drain_partner IS NOT NULL',
    [play.roundId],
  );
  expect(rowCount).toBeGreaterThan(0);
  expect(memory.size).toBe(0);
});
