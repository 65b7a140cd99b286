import { gameUrl, readCatalogue } from './client';

const GAME = {
  id: 11,
  title: 'Chicago Deluxe',
  url: '/game',
  icon: '/icon/novomatic-deluxe/206x206/chicago_deluxe.jpg',
  class: 'Novomatic Deluxe',
};
const read = (games: unknown, base = 'https://games.example') =>
  readCatalogue(JSON.stringify({ code: 0, message: 'Ok', games }), base);

describe('the catalogue', () => {
  test("is read as the document's example shows it, icons absolute", () => {
    expect(read([GAME])).toEqual({
      ok: true,
      games: [
        {
          id: '11',
          title: 'Chicago Deluxe',
          url: '/game',
          icon: 'https://games.example/icon/novomatic-deluxe/206x206/chicago_deluxe.jpg',
          class: 'Novomatic Deluxe',
        },
      ],
    });
  });

  test('keeps ids beyond 2^53', () => {
    const text =
      '{"code":0,"games":[{"id":9007199254740993,"title":"a","url":"/game","class":"c"}]}';
    expect(readCatalogue(text, 'https://games.example')).toMatchObject({
      ok: true,
      games: [{ id: '9007199254740993', icon: '' }],
    });
  });

  test.each([
    ['https://cdn.example/a.jpg', 'https://cdn.example/a.jpg'],
    ['//cdn.example/a.jpg', 'https://cdn.example/a.jpg'],
    ['icon/a.jpg', 'https://games.example/v1/icon/a.jpg'],
    ['/icon/a.jpg', 'https://games.example/v1/icon/a.jpg'],
    ['javascript:alert(1)', ''],
    ['http://cdn.example/a.jpg', ''],
    ['', ''],
    [null, ''],
    ["https://*;script-src'unsafe-inline'/a.jpg", ''],
    ['https://a,b.example/a.jpg', ''],
    ['https://[::1]:8443/a.jpg', 'https://[::1]:8443/a.jpg'],
  ])('the icon %j becomes %j', (icon, expected) => {
    expect(read([{ ...GAME, icon }], 'https://games.example/v1/')).toMatchObject({
      games: [{ icon: expected }],
    });
  });

  test.each([
    ['a doubled id', [GAME, { ...GAME, title: 'b' }], 'game id 11 is listed twice'],
    ['an id that is no integer', [{ ...GAME, id: 1.5 }], 'game 1: id is no whole number'],
    ['no title', [{ ...GAME, title: '' }], 'game 1: title is missing or too long'],
    ['no class', [GAME, { ...GAME, class: 7 }], 'game 2: class is missing or too long'],
    ['a url that is none', [{ ...GAME, url: 'javascript:x' }], 'game 1: url cannot be used'],
    ['an entry that is none', ['x'], 'game 1: is no object'],
    ['no list', {}, 'the catalogue has no list of games'],
  ])('is refused as a whole for %s', (_what, games, text) => {
    expect(read(games)).toEqual({ ok: false, text });
  });

  test.each([
    ['{"code":101,"message":"Partner is not found"}', '101', 'the provider answered code 101'],
    ['{"Code":0}', undefined, 'the provider answered code none'],
    ['<html>', undefined, 'the catalogue is not JSON'],
    ['[]', undefined, 'the catalogue is no JSON object'],
  ])('is refused for %s', (body, code, text) => {
    const catalogue = readCatalogue(body, 'https://games.example');
    expect(catalogue).toEqual({ ok: false, text, ...(code !== undefined && { code }) });
  });
});

describe('the game page', () => {
  const demo = { partnerId: '7', gameId: '11', language: 'eng', currency: 'DMO' };

  test('in demo mode names no player', () => {
    expect(gameUrl({ baseUrl: 'https://games.example', ...demo })).toBe(
      'https://games.example/game?partner_id=7&game_id=11&language=eng&currency=DMO',
    );
  });

  test('in real-money mode carries player and token', () => {
    const url = gameUrl({
      baseUrl: 'https://games.example/v1',
      gamePath: '/play?skin=2',
      ...demo,
      currency: 'mBT',
      playerId: '100000042',
      token: 'Tabc&d',
    });
    expect(url).toBe(
      'https://games.example/v1/play?skin=2&partner_id=7&player_id=100000042&game_id=11' +
        '&language=eng&currency=mBT&token=Tabc%26d',
    );
  });

  test('a path of the catalogue that is no web page is not followed', () => {
    const url = gameUrl({ baseUrl: 'https://games.example', gamePath: 'javascript:x', ...demo });
    expect(url).toMatch(/^https:\/\/games\.example\/game\?/);
  });
});
