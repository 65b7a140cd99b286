import type { FastifyReply } from 'fastify';
import { html, type SafeHtml } from '../../../lib/html';

export interface Page {
  readonly title: string;
  readonly body: SafeHtml;
  readonly status?: number;
  /** Files of ours below /pages. */
  readonly script?: string;
  /** Origins besides ours that the page shows in a frame or takes pictures from. */
  readonly frameOrigin?: string;
  readonly pictureOrigins?: readonly string[];
  /** Where a form of ours may end up by redirects; browsers check each step. */
  readonly formOrigins?: readonly string[];
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

// No frame-ancestors: casinos show the launch page inside pages of theirs, on hosts we are not told.
function policyOf({ frameOrigin, pictureOrigins = [], formOrigins = [] }: Page): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    ["img-src 'self'", ...pictureOrigins].join(' '),
    ...(frameOrigin === undefined ? [] : [`frame-src ${frameOrigin}`]),
    ["form-action 'self'", ...formOrigins].join(' '),
    "base-uri 'none'",
  ].join('; ');
}

function documentOf({ title, body, script, layout = 'document' }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        <link rel="icon" href="/pages/roundhouse.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/pages/pages.css" />
        ${script !== undefined && html`<script src="/pages/${script}" defer></script>`}
      </head>
      <body class="${layout}">
        ${body}
      </body>
    </html> `.markup;
}
