import { createHmac, timingSafeEqual } from 'node:crypto';

export const SESSION_COOKIE = 'casino_session';
/** A visit of an evening; after it the player logs in again. */
const SESSION_MAX_AGE_S = 12 * 60 * 60;

export interface SessionCookie {
  /** The value of a Set-Cookie header that remembers the player. */
  issue(userAgent: string, nowMs: number): string;
  /** The value of a Set-Cookie header that forgets the player. */
  clear(): string;
  /** The player a Cookie header names; undefined when it names none, is forged, or is too old. */
  read(header: string | undefined, nowMs: number): string | undefined;
}

/**
 * A signed cookie: `<user_agent and expiry as base64url JSON>.<HMAC-SHA256>`. It holds nothing secret.
 *
 * @param secret any secret of this casino; a key of its own is derived from it
 * @param secure whether the storefront is reached over https
 */
export function createSessionCookie(secret: string, secure: boolean): SessionCookie {
  const key = createHmac('sha256', secret).update('storefront session cookie').digest();
  const sign = (payload: string) => createHmac('sha256', key).update(payload).digest('base64url');
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  return {
    issue(userAgent, nowMs) {
      const expiresMs = nowMs + SESSION_MAX_AGE_S * 1000;
      const payload = Buffer.from(JSON.stringify([userAgent, expiresMs])).toString('base64url');
      return `${SESSION_COOKIE}=${payload}.${sign(payload)}; Max-Age=${SESSION_MAX_AGE_S}; ${attributes}`;
    },
    clear: () => `${SESSION_COOKIE}=; Max-Age=0; ${attributes}`,
    read(header, nowMs) {
      const match = /(?:^|;\s*)casino_session=([\w-]+)\.([\w-]+)(?:;|$)/.exec(header ?? '');
      const [, payload = '', signature = ''] = match ?? [];
      const expected = Buffer.from(sign(payload));
      const received = Buffer.from(signature);
      if (received.length !== expected.length || !timingSafeEqual(received, expected)) return;
      const [userAgent, expiresMs] = JSON.parse(
        Buffer.from(payload, 'base64url').toString('utf8'),
      ) as [string, number];
      return nowMs < expiresMs ? userAgent : undefined;
    },
  };
}
