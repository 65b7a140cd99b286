/**
 * A round told as a story, over a real book: what its player reads, what an operator reads beside it, and whom each
 * link lets in.
 */
import { OPERATOR_LINK_MS, ROUND_LINK_MS } from '../../src/api/routes/pages/links';
import { createPool } from '../../src/db/pool';
import { createEmptyDatabase } from '../support/postgres';
import { startTestPages, type TestPages } from '../support/test-pages';
import { insertRound, TOLD_ROUNDS, type ToldRound } from '../support/told-rounds';

const BASE = 'https://play.example.com';

let pages: TestPages;
const owed = TOLD_ROUNDS.owed();
let owedRound: string;

beforeAll(async () => {
  pages = await startTestPages({ publicBaseUrl: BASE, providerUrl: 'https://games.example.net' });
  owedRound = await insertRound(pages, owed);
});
afterAll(async () => pages.close());
beforeEach(() => {
  pages.clock.nowMs = Date.now();
});

const path = (url: string) => url.slice(BASE.length);
const textOf = (body: string) => body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
const playersPage = (betId: string) => pages.get(path(pages.links.roundUrl(betId)));
const operatorsPage = (round: string) => pages.get(path(pages.links.operatorUrl(round)));

async function storyOf(told: ToldRound & { betId: string }): Promise<string> {
  await insertRound(pages, told);
  const { statusCode, body } = await playersPage(told.betId);
  expect(statusCode).toBe(200);
  return textOf(body);
}

describe('the story', () => {
  test('tells what happened, in which order, with which balances, and what is still owed', async () => {
    const { statusCode, body, headers } = await playersPage(owed.betId);
    expect(statusCode).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    const text = textOf(body);
    expect(text).toContain('Game Chicago &lt;Deluxe&gt;, Novomatic Round 9007199254740993');
    expect(text).toContain('Started 2026-11-21 08:00:00');
    expect(text).toContain('So far; not settled yet −22.60 EUR');
    expect(text).toContain('Staked 42.60 Won 20.00 Under way 5.00');
    expect(text).toContain('Closed by us, because the next round began');
    expect(text).toContain('Stake taken −42.60 2026-11-21 08:00:00 Balance 957.40');
    expect(text).toContain('Win paid +20.00 2026-11-21 08:00:05 Balance 977.40');
    expect(text).toContain('Win under way 5.00 2026-11-21 08:00:06');
    expect(text).toMatch(/Stake taken .* Win paid .* Win under way .* Being closed by us/);
    expect(text).toMatch(/Still owed The win of 5\.00 EUR: .*Writing the bet .* moves no money/);
  });

  test('names no player, and of the other side no code', async () => {
    const { body } = await playersPage(owed.betId);
    for (const secret of [pages.player.playerId, pages.player.reference, 'novo/', 'timeout:']) {
      expect(body).not.toContain(secret);
    }
  });

  test('each bet of the round leads to the same story, and says which one is another', async () => {
    const { body } = await playersPage(owed.carrier);
    expect(textOf(body)).toContain('Win under way 5.00');
    expect(textOf(body)).toContain(`Bet ${owed.betId}`);
  });

  test('a round that is settled says so, and what came of it', async () => {
    const lost = await storyOf(TOLD_ROUNDS.lost());
    expect(lost).toContain('Lost in this round −42.60 EUR Closed');
    expect(lost).toContain('Still owed Nothing.');
    const won = await storyOf(TOLD_ROUNDS.won());
    expect(won).toContain('Won in this round +57.40 EUR Closed');
    expect(won).toContain('Staked 42.60 Won 100.00');
    expect(won).toContain('Closed by the game 2026-11-21 08:00:01');
  });

  test('a refused stake moved no money', async () => {
    const story = await storyOf(TOLD_ROUNDS.declined());
    expect(story).toContain('No money was moved 0.00 EUR');
    expect(story).toContain('Stake refused 42.60');
    expect(story).toContain('No money was taken.');
  });

  test('a stake that came too late is given back, and both are told', async () => {
    const back = await storyOf(TOLD_ROUNDS.compensated());
    expect(back).toContain('The stake was given back 0.00 EUR');
    expect(back).toContain('Staked 0.00 Won 0.00 Given back 42.60');
    expect(back).toContain('Stake taken, but does not count 42.60');
    expect(back).toContain('Stake given back done 42.60 2026-11-21 08:00:08 Balance 1000.00');
    const onItsWay = await storyOf(TOLD_ROUNDS.compensated(false));
    expect(onItsWay).toContain('Under way 42.60');
    expect(onItsWay).toContain('Stake given back under way 42.60 not yet');
    expect(onItsWay).toContain('The stake of 42.60 EUR, back: it is sent');
  });

  test('a stake of which the wallet has not told is not called taken or refused', async () => {
    const failed = await storyOf(TOLD_ROUNDS.unknown());
    expect(failed).toContain('So far; not settled yet 0.00 EUR');
    expect(failed).toContain('Stake does not count 42.60');
    expect(failed).toContain('If it did, the stake is given back');
    expect(failed).toContain('An answer about the stake of 42.60 EUR');
    const open = await storyOf(TOLD_ROUNDS.unknown('open'));
    expect(open).toContain('So far; not settled yet 0.00 EUR');
    expect(open).toContain('Stake under way 42.60');
  });

  test('a win above a cap is held, and not lost', async () => {
    const story = await storyOf(TOLD_ROUNDS.held());
    expect(story).toContain('Win held for a check 12500.00');
    expect(story).toContain('Under way 12500.00');
    expect(story).toContain('a person decides on it');
  });

  test('amounts have the decimals of their currency', async () => {
    const yen = TOLD_ROUNDS.lost();
    const inYen = {
      ...yen,
      round: { currency: 'JPY' },
      operations: (yen.operations ?? []).map((row) => ({
        ...row,
        currency: 'JPY',
        answer_balance: '957',
      })),
    };
    await pages.pool.query(`INSERT INTO currencies VALUES ('JPY', 0) ON CONFLICT DO NOTHING`);
    const story = await storyOf(inYen);
    expect(story).toContain('Lost in this round −4260 JPY');
    expect(story).toContain('Balance 957');
  });
});

describe("an operator's page", () => {
  test('tells the same story with every id and code behind it', async () => {
    const { statusCode, body, headers } = await operatorsPage(owedRound);
    expect(statusCode).toBe(200);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'self'");
    const text = textOf(body);
    expect(text).toContain('So far; not settled yet −22.60 EUR');
    const { playerId, reference } = pages.player;
    expect(text).toContain(`Player LAG1.${reference} Player number ${playerId} Connection novo`);
    expect(text).toContain(`Workflow round/novo/${playerId}/9007199254740993`);
    expect(text).toMatch(
      /operation \d+ , transaction 1 , bet 0+[0-9a-f]+ ; answer accepted , not noted as sent/,
    );
    expect(text).toContain(`${owed.carrier} give 1 open 7 timeout: no answer in 2000 ms`);
    expect(text).toContain(`${owed.carrier} carrier done confirmed 0.00 5.00 no`);
  });

  test('shows what a person must decide, and a round in which nothing happened', async () => {
    const held = textOf((await operatorsPage(await insertRound(pages, TOLD_ROUNDS.held()))).body);
    expect(held).toMatch(/Cases held_payout , open, since 2026-11-21 08:00:01 , 12500\.00/);
    const empty = await operatorsPage(await insertRound(pages, TOLD_ROUNDS.empty()));
    expect(textOf(empty.body)).toMatch(/Nothing so far.*Nothing has been staked or won/);
  });

  test("no change of a player's link opens it", async () => {
    const player = new URL(pages.links.roundUrl(owed.betId));
    const permission = player.search;
    const attempts = [
      `/operator/rounds/${owedRound}${permission}`,
      `/operator/rounds/${owed.betId}${permission}`,
      `/operator${player.pathname}${permission}`,
      `${player.pathname}${permission}&operator=1&kind=operator-link`,
      `${player.pathname.replace('/rounds/', '/rounds/../operator/rounds/')}${permission}`,
      `/rounds/..%2Foperator%2Frounds%2F${owedRound}${permission}`,
    ];
    for (const attempt of attempts) {
      const { body } = await pages.get(attempt);
      expect([attempt, body.includes(pages.player.playerId)]).toEqual([attempt, false]);
    }
    // Nor the other way round: each kind opens its own page only.
    const operator = new URL(pages.links.operatorUrl(owedRound));
    expect((await pages.get(`/rounds/${owed.betId}${operator.search}`)).statusCode).toBe(403);
  });

  test('is over after an hour', async () => {
    const url = path(pages.links.operatorUrl(owedRound));
    pages.clock.nowMs += OPERATOR_LINK_MS;
    const { statusCode, body } = await pages.get(url);
    expect(statusCode).toBe(410);
    expect(body).not.toContain('Chicago');
  });
});

describe('a link', () => {
  test('that was changed, or is a day old, shows nothing', async () => {
    const url = path(pages.links.roundUrl(owed.betId));
    for (const forged of [
      url.replace(owed.betId, owed.carrier),
      url.replace(/signature=.*/, 'signature='),
      url.replace(/\?.*/, ''),
      '/rounds/1',
      '/operator/rounds/1',
    ]) {
      const { statusCode, body } = await pages.get(forged);
      expect(statusCode).toBe(403);
      expect(body).not.toContain('Chicago');
    }
    pages.clock.nowMs += ROUND_LINK_MS;
    const { statusCode, body } = await pages.get(url);
    expect(statusCode).toBe(410);
    expect(body).not.toContain('Chicago');
  });

  test('to a bet or a round that is not there', async () => {
    expect((await playersPage('f'.repeat(24))).statusCode).toBe(404);
    expect((await operatorsPage('999999999')).statusCode).toBe(404);
  });

  test('a fault of ours, or a database that is away, is a page without details', async () => {
    const empty = await createEmptyDatabase();
    const broken = createPool({ databaseUrl: empty.url, max: 1 });
    const away = createPool({ databaseUrl: 'postgres://u:p@127.0.0.1:1/book', max: 1 });
    for (const [onPool, status] of [
      [broken, 500],
      [away, 503],
    ] as const) {
      const other = await pages.appOn(onPool);
      const url = path(pages.links.roundUrl(owed.betId));
      const answer = await other.inject({ method: 'GET', url });
      expect(answer.statusCode).toBe(status);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.body).not.toMatch(/relation|ECONNREFUSED|rounds r/);
      await other.close();
      await onPool.end();
    }
    await empty.drop();
  });
});
