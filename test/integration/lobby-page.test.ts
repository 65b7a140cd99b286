/** The lobby of a product, over a real book: what it offers, what one finds, and what a choice opens. */
import { LAUNCH_TOKEN_MS, sessionByToken } from '../../src/db/sessions';
import { REDIRECT, startTestPages, type TestPages } from '../support/test-pages';

const BASE = 'https://play.example.com';
const PROVIDER = 'https://games.example.net';

let pages: TestPages;

beforeAll(async () => {
  pages = await startTestPages({ publicBaseUrl: BASE, providerUrl: `${PROVIDER}/api` });
});
afterAll(async () => pages.close());
beforeEach(() => {
  pages.clock.nowMs = Date.now();
});

const get = (url: string) => pages.get(url);
const launch: TestPages['launch'] = async (options) => pages.launch(options);

function frameUrl(body: string): URL {
  const source = /<iframe[^>]*\ssrc="([^"]*)"/.exec(body)?.[1] ?? '';
  return new URL(source.replaceAll('&amp;', '&'));
}

describe('lobby', () => {
  test('a launch with game_id 0 leads to it, and it shows the active games', async () => {
    const { token } = await launch({ gameId: '0' });
    const first = await get(`/launch?token=${token}`);
    expect(first.statusCode).toBe(302);
    expect(first.headers.location).toBe(`/lobby?token=${token}`);
    const { statusCode, body, headers } = await get(`/lobby?token=${token}`);
    expect(statusCode).toBe(200);
    expect(body).toContain('Chicago &lt;Deluxe&gt;');
    expect(body).toContain('Dolphins');
    expect(body).not.toContain('Gone');
    expect(body).toContain('src="https://cdn.example.net/11.jpg"');
    expect(headers['content-security-policy']).toContain("img-src 'self' https://cdn.example.net;");
  });

  async function choose(token: string, gameId: string) {
    return pages.app.inject({
      method: 'POST',
      url: '/lobby/open',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ token, game_id: gameId }).toString(),
    });
  }

  test('each game gets a token of its own, and a way back to the lobby', async () => {
    const { token } = await launch({ gameId: '0', language: 'eng' });
    await get(`/lobby?token=${token}`);
    const chosen = await choose(token, '12');
    expect(chosen.statusCode).toBe(303);
    const target = new URL(chosen.headers.location as string, BASE);
    const gameToken = target.searchParams.get('token')!;
    expect(gameToken).not.toBe(token);
    expect((await sessionByToken(pages.pool, gameToken))?.session).toMatchObject({
      playerId: pages.player.playerId,
      gameId: '12',
      currency: 'EUR',
      language: 'eng',
      redirectUrl: REDIRECT,
    });
    const { body } = await get(target.pathname + target.search);
    expect(frameUrl(body).searchParams.get('token')).toBe(gameToken);
    expect(body).toContain(`href="/lobby?token=${token}"`);

    const again = new URL((await choose(token, '12')).headers.location as string, BASE);
    expect(again.searchParams.get('token')).not.toBe(gameToken);
  });

  test('it stays open while the session lives, not only for the ten minutes of a launch', async () => {
    const { token } = await launch({ gameId: '0' });
    await get(`/lobby?token=${token}`);
    pages.clock.nowMs += LAUNCH_TOKEN_MS + 1_000;
    expect((await get(`/lobby?token=${token}`)).statusCode).toBe(200);
    expect((await choose(token, '11')).statusCode).toBe(303);
  });

  test('a game that is not offered opens no session', async () => {
    const { token } = await launch({ gameId: '0' });
    const before = await pages.pool.query('SELECT count(*) FROM sessions');
    expect((await choose(token, '13')).statusCode).toBe(410);
    expect((await choose(token, '99')).statusCode).toBe(404);
    expect((await choose(`s${'x'.repeat(43)}`, '11')).statusCode).toBe(404);
    const after = await pages.pool.query('SELECT count(*) FROM sessions');
    expect(after.rows).toEqual(before.rows);
  });

  test("a game's token opens no lobby and no other game", async () => {
    const { token } = await launch();
    expect((await get(`/lobby?token=${token}`)).headers.location).toBe(`/launch?token=${token}`);
    expect((await choose(token, '12')).statusCode).toBe(400);
  });

  test('on a mobile the form may end at the provider', async () => {
    const { token } = await launch({ gameId: '0', isMobile: true });
    const { headers } = await get(`/lobby?token=${token}`);
    expect(headers['content-security-policy']).toContain(`form-action 'self' ${PROVIDER};`);
    const desktop = await launch({ gameId: '0' });
    expect(
      (await get(`/lobby?token=${desktop.token}`)).headers['content-security-policy'],
    ).toContain("form-action 'self';");
  });

  test('among many games one finds some by their name, without case and accents; few need no search', async () => {
    const { token } = await launch({ gameId: '0' });
    expect((await get(`/lobby?token=${token}`)).body).not.toContain('type="search"');
    const titles = [
      'Étoile Rouge',
      'Red Star',
      ...Array.from({ length: 8 }, (_, n) => `Game ${n}`),
    ];
    await pages.offer(titles.map((title, n) => ({ gameId: String(n + 20), title, iconUrl: null })));
    const shown = async (q: string) => {
      const { body } = await get(`/lobby?${new URLSearchParams({ token, q }).toString()}`);
      expect(body).toContain('type="search"');
      const tiles = [...body.matchAll(/<li( hidden)?><button.*?<b>(.*?)<\/b>/g)];
      const found = tiles.flatMap(([, hidden, title = '']) => (hidden === undefined ? title : []));
      const count = found.length === 10 ? '10 games' : `${found.length} of 10 games`;
      expect(/role="status">([^<]*)</.exec(body)?.[1]?.trim()).toBe(count);
      return found;
    };
    expect(await shown('')).toHaveLength(10);
    expect(await shown('ETOILE')).toEqual(['Étoile Rouge']);
    expect(await shown(' r  star ')).toEqual(['Red Star']);
    expect(await shown('"><script>')).toEqual([]);
  });

  test('a game has its letter, until its picture has come over it', async () => {
    await pages.offer([
      { gameId: '11', title: '«étoile»', iconUrl: null },
      { gameId: '12', title: 'Dolphins', iconUrl: 'https://cdn.example.net/12.png' },
    ]);
    const { token } = await launch({ gameId: '0' });
    const { body } = await get(`/lobby?token=${token}`);
    expect(body).toContain('aria-hidden="true">É</span>');
    expect(body).toMatch(/<span aria-hidden="true">D<\/span><img src="[^"]*12\.png" alt=""/);
  });
});
