/** What a launch link opens, over a real book: the game in a frame, the way back, and a page that says why not. */
import { updateConnection } from '../../src/db/connections';
import { updatePartner } from '../../src/db/partners';
import { setPlayerBlocked } from '../../src/db/players';
import {
  authorizeSession,
  endSession,
  LAUNCH_TOKEN_MS,
  launchCodeOf,
  sessionByToken,
} from '../../src/db/sessions';
import { startTestPages, type TestPages } from '../support/test-pages';

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

describe('launch', () => {
  test('a desktop sees the game in a frame, its title and the way back', async () => {
    const { token } = await launch({ language: 'eng' });
    const { statusCode, body, headers } = await get(`/launch?token=${token}`);
    expect(statusCode).toBe(200);
    const url = frameUrl(body);
    expect(url.origin + url.pathname).toBe(`${PROVIDER}/api/game`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      partner_id: '42',
      player_id: pages.player.playerId,
      game_id: '11',
      language: 'eng',
      currency: 'EUR',
      token,
    });
    expect(body).toContain('>Chicago &lt;Deluxe&gt;</h1>');
    expect(body).toContain('href="https://casino.example.org/lobby?from=&quot;game&quot;"');
    expect(headers['content-security-policy']).toContain(`frame-src ${PROVIDER};`);
  });

  test('a mobile is sent to the game itself', async () => {
    const { token } = await launch({ isMobile: true });
    const { statusCode, headers } = await get(`/launch?token=${token}`);
    expect(statusCode).toBe(302);
    expect(headers.location).toContain(`${PROVIDER}/api/game?partner_id=42&player_id=`);
    expect(headers.location).toContain(`token=${token}`);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  test('a demo is opened in DMO, without player and token', async () => {
    const { token } = await launch({ isDemo: true, currency: 'DMO' });
    const { body } = await get(`/launch?token=${token}`);
    expect(Object.fromEntries(frameUrl(body).searchParams)).toEqual({
      partner_id: '42',
      game_id: '11',
      currency: 'DMO',
    });
  });

  test('without a redirect_url there is no way back to show', async () => {
    const { token } = await launch({ redirectUrl: null });
    expect((await get(`/launch?token=${token}`)).body).not.toContain('Back to casino');
  });

  test('a reload of the page opens the game again', async () => {
    const { token } = await launch();
    await get(`/launch?token=${token}`);
    expect((await get(`/launch?token=${token}`)).statusCode).toBe(200);
  });

  test('opening the page is not yet the Authorization', async () => {
    const { token } = await launch();
    await get(`/launch?token=${token}`);
    expect((await sessionByToken(pages.pool, token))?.session.authorizedAt).toBeNull();
  });

  test('a launch is told to be checked once its Authorization came, and never more than that', async () => {
    const { token } = await launch();
    const stateOf = async () => {
      const { headers, body } = await get(`/launch/state?token=${token}`);
      expect(headers['cache-control']).toBe('no-store');
      return JSON.parse(body) as unknown;
    };
    expect(await stateOf()).toEqual({ state: 'waiting' });
    const { session } = (await sessionByToken(pages.pool, token))!;
    await authorizeSession(pages.pool, session, 60_000, pages.clock.nowMs);
    expect(await stateOf()).toEqual({ state: 'checked' });
    await endSession(pages.pool, session, pages.clock.nowMs);
    expect(await stateOf()).toEqual({ state: 'over' });
    const unknown = await get('/launch/state?token=nobody');
    expect(JSON.parse(unknown.body)).toEqual({ state: 'over' });
  });

  test('what support is told has the whole address of the game, and the token masked', async () => {
    const { token } = await launch();
    const { body } = await get(`/launch?token=${token}`);
    const support = [...body.matchAll(/<pre[^>]*>([\s\S]*?)<\/pre/g)].map(([, text = '']) => text);
    expect(support).toHaveLength(2);
    for (const text of support) {
      expect(text).toContain(`player_id=${pages.player.playerId}&amp;game_id=11`);
      expect(text).toContain('token=***');
      expect(text).not.toContain(token);
    }
    const { rows } = await pages.pool.query<{ digest: string }>(
      `SELECT encode(token_hash, 'hex') AS digest FROM sessions ORDER BY id DESC LIMIT 1`,
    );
    expect(support[0]).toContain(`Support code: not_checked ${rows[0]?.digest.slice(0, 12)}, `);
  });

  test("the likely causes are those of the provider document's troubleshooting list", async () => {
    const { token } = await launch();
    const { body } = await get(`/launch?token=${token}`);
    for (const cause of [
      '/Authorization',
      'reached from the internet',
      'IP list',
      'application/json',
    ]) {
      expect(body).toContain(cause);
    }
    expect(body).toContain('Partner API return null');
    expect(body).toContain('player_id and token');
  });
});

describe('a launch that cannot be', () => {
  async function refusedWith(url: string) {
    const { statusCode, body, headers } = await get(url);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).not.toContain('<iframe');
    return { statusCode, body, reference: /support:\s*<[^>]*>(\w+)/.exec(body)?.[1] };
  }

  test('no token', async () => {
    for (const url of ['/launch', '/launch?token=', '/launch?token=a&token=b', '/lobby']) {
      expect(await refusedWith(url)).toMatchObject({
        statusCode: 400,
        reference: 'link_incomplete',
      });
    }
  });

  test('an unknown token, which is not repeated on the page', async () => {
    const token = `s${'x'.repeat(43)}`;
    const answer = await refusedWith(`/launch?token=${token}`);
    expect(answer).toMatchObject({ statusCode: 404, reference: 'link_unknown' });
    expect(answer.body).not.toContain(token);
    expect(answer.body).toContain(`link_unknown ${launchCodeOf(token)}<`);
    const script = await refusedWith('/launch?token=%3Cscript%3Ealert(1)%3C/script%3E');
    expect(script.body).not.toContain('alert');
  });

  test('ten minutes without a first Authorization', async () => {
    const { token } = await launch();
    pages.clock.nowMs += LAUNCH_TOKEN_MS;
    const answer = await refusedWith(`/launch?token=${token}`);
    expect(answer).toMatchObject({ statusCode: 410, reference: 'launch_expired' });
    expect(answer.body).not.toContain(token);
    expect(answer.body).toContain('Back to the casino');
  });

  test('a session that was ended', async () => {
    const { token } = await launch();
    await endSession(
      pages.pool,
      (await sessionByToken(pages.pool, token))!.session,
      pages.clock.nowMs,
    );
    expect(await refusedWith(`/launch?token=${token}`)).toMatchObject({
      statusCode: 410,
      reference: 'session_over',
    });
  });

  test('a game the provider has taken off its list, or never had', async () => {
    const gone = await launch({ gameId: '13' });
    expect(await refusedWith(`/launch?token=${gone.token}`)).toMatchObject({
      statusCode: 410,
      reference: 'game_inactive',
    });
    const never = await launch({ gameId: '99' });
    expect(await refusedWith(`/launch?token=${never.token}`)).toMatchObject({
      statusCode: 404,
      reference: 'game_unknown',
    });
  });

  test('a blocked player, a suspended casino, a suspended connection', async () => {
    const { token } = await launch();
    await setPlayerBlocked(pages.office, pages.player.playerId, true);
    expect((await refusedWith(`/launch?token=${token}`)).reference).toBe('player_blocked');
    await setPlayerBlocked(pages.office, pages.player.playerId, false);
    await updatePartner(pages.office, 'LAG1', { status: 'suspended' });
    expect((await refusedWith(`/launch?token=${token}`)).reference).toBe('partner_suspended');
    await updatePartner(pages.office, 'LAG1', { status: 'active' });
    await updateConnection(pages.office, 'novo', { status: 'suspended' });
    expect((await refusedWith(`/launch?token=${token}`)).reference).toBe('connection_suspended');
    await updateConnection(pages.office, 'novo', { status: 'active' });
    expect((await get(`/launch?token=${token}`)).statusCode).toBe(200);
  });
});
