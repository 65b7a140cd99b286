import { createSessionCookie } from './session-cookie';

const NOW_MS = Date.UTC(2026, 0, 1);
const cookie = createSessionCookie('secret', false);
const valueOf = (setCookie: string) => setCookie.slice(0, setCookie.indexOf(';'));

test('a cookie names its player until it is too old', () => {
  const header = `other=1; ${valueOf(cookie.issue('LAG1.demo1', NOW_MS))}; more=2`;
  expect(cookie.read(header, NOW_MS)).toBe('LAG1.demo1');
  expect(cookie.read(header, NOW_MS + 13 * 3_600_000)).toBeUndefined();
});

test('a forged, foreign, cleared or missing cookie names nobody', () => {
  const mine = valueOf(cookie.issue('LAG1.demo1', NOW_MS));
  const signature = mine.slice(mine.indexOf('.'));
  const payload = Buffer.from(JSON.stringify(['LAG1.rich', NOW_MS + 1e9])).toString('base64url');
  expect(cookie.read(`casino_session=${payload}${signature}`, NOW_MS)).toBeUndefined();
  const foreign = createSessionCookie('another secret', false);
  expect(foreign.read(mine, NOW_MS)).toBeUndefined();
  expect(cookie.read(valueOf(cookie.clear()), NOW_MS)).toBeUndefined();
  expect(cookie.read(undefined, NOW_MS)).toBeUndefined();
});

test('scripts cannot read the cookie, and https sites mark it secure', () => {
  expect(cookie.issue('LAG1.demo1', NOW_MS)).toContain('HttpOnly; SameSite=Lax');
  expect(createSessionCookie('secret', true).issue('LAG1.demo1', NOW_MS)).toContain('; Secure');
});
