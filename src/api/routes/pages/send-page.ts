import type { FastifyReply } from 'fastify';
import { html, type SafeHtml } from '../../../lib/html';
import { fileUrl, type PAGE_FILES } from './page-files';

export interface Page {
  readonly title: string;
  readonly body: SafeHtml;
  readonly status?: number;
  /** A script that runs when the page has been read. */
  readonly script?: keyof typeof PAGE_FILES;
  /** Whether its script asks us for more. */
  readonly connects?: boolean;
  /** Origins besides ours that the page shows in a frame or takes pictures from. */
  readonly frameOrigin?: string;
  readonly pictureOrigins?: readonly string[];
  /** Where a form of ours may end up by redirects; browsers check each step. */
  readonly formOrigins?: readonly string[];
  /** Hosts besides ours whose pages may show this one in a frame; null or absent: any. */
  readonly framedBy?: readonly string[] | null;
  /** A body class, for pages that fill the window. */
  readonly layout?: 'document' | 'window';
}

/**
 * Sends one of our pages. Nothing inline and nothing foreign runs in it; it is never stored, because its
 * address holds a token; and that address is never told to where a link of it leads.
 */
export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return sendSafely(reply)
    .code(page.status ?? 200)
    .type('text/html; charset=utf-8')
    .header('content-security-policy', policyOf(page))
    .send(documentOf(page));
}

/** A redirect whose target, with the token in it, is not stored either. */
export function sendRedirect(reply: FastifyReply, url: string, status: 302 | 303): FastifyReply {
  return sendSafely(reply).redirect(url, status);
}

function sendSafely(reply: FastifyReply): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('x-content-type-options', 'nosniff');
}

/**
 * An origin that is one source of a policy and nothing else. A provider's URL may have `;`, `,`, `'` or `*`
 * in its host, which no real host has: there they would be directives, quotes and wildcards of ours.
 */
export const SOURCE = /^https?:\/\/([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d+)?$/;
/** Proxies take some 8 KB of headers; a list that is longer than this is as good as none. */
const FRAMED_BY_LENGTH_MAX = 4_096;

function policyOf(page: Page): string {
  const { frameOrigin, pictureOrigins = [], formOrigins = [], framedBy } = page;
  const sources = (name: string, origins: readonly string[]) =>
    [`${name} 'self'`, ...origins.filter((origin) => SOURCE.test(origin))].join(' ');
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    sources('img-src', pictureOrigins),
    ...(page.connects === true ? ["connect-src 'self'"] : []),
    ...(frameOrigin !== undefined && SOURCE.test(frameOrigin) ? [`frame-src ${frameOrigin}`] : []),
    sources('form-action', formOrigins),
    "base-uri 'none'",
    ...ancestorsOf(framedBy),
  ].join('; ');
}

/** A host without a port means any port of it, as for redirect_url; a policy would take the usual one only. */
function ancestorsOf(hosts: readonly string[] | null | undefined): string[] {
  // Casinos show the launch page inside pages of theirs, on hosts that we may not have been told.
  if (hosts === null || hosts === undefined) return [];
  const sources = hosts.map((host) => (host.includes(':') ? host : `${host}:*`));
  const directive = ["frame-ancestors 'self'", ...sources].join(' ');
  return directive.length > FRAMED_BY_LENGTH_MAX ? [] : [directive];
}

function documentOf({ title, body, script, layout = 'document' }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="${fileUrl('mark')}" type="image/svg+xml" />
        <link rel="stylesheet" href="${fileUrl('design')}" />
        <link rel="stylesheet" href="${fileUrl('pages')}" />
        ${script !== undefined && html`<script src="${fileUrl(script)}" defer></script>`}
      </head>
      <body class="${layout}">
        ${body}
      </body>
    </html> `.markup;
}
