import { html, type SafeHtml } from '../../../lib/html';
import type { StorefrontAssets } from './storefront-assets';
import type { Visitor } from './visitor';

/** What a page follows while it is open; its rows must have been read after the cursor was. */
export interface LiveView {
  readonly view: 'balance' | 'history' | 'callbacks' | 'ledger' | 'switchboard';
  readonly cursor: bigint;
  /** Rows of every player, not only of the visitor. */
  readonly everyone?: boolean;
  readonly betId?: string;
}

export interface Page {
  readonly title: string;
  readonly content: SafeHtml;
  readonly visitor?: Visitor;
  readonly live?: LiveView;
  /** The page's own entry of the navigation. */
  readonly place?: Place;
  /** `window` fills the window without scrolling, for a page that is a frame around a game. */
  readonly layout?: 'window';
  readonly scripts?: readonly string[];
}

const PLACES = {
  games: { href: '/', text: 'Games', testId: 'games-link' },
  history: { href: '/history', text: 'History', testId: 'history-link' },
  book: { href: '/book', text: 'Wallet book', testId: 'book-link' },
  switchboard: { href: '/switchboard', text: 'Switchboard', testId: 'switchboard-link' },
} as const;
export type Place = keyof typeof PLACES | 'topup';

/** On the link to where one is. */
export const CURRENT = html`aria-current="page"`;

export type PageFrame = (page: Page) => SafeHtml;

/** The document around each page: top bar with the balance, navigation, and what follows the book live. */
export function createPageFrame(assets: StorefrontAssets): PageFrame {
  return ({ title, content, visitor, live, place, layout, scripts = [] }) =>
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>${title} · Sandbox Casino</title>
          <link rel="icon" href="${assets.icon}" type="image/svg+xml" />
          <link rel="stylesheet" href="${assets.design}" />
          <link rel="stylesheet" href="${assets.sheet}" />
          ${live && html`<script type="module" src="${assets.live}"></script>`}
          ${scripts.map((address) => html`<script type="module" src="${address}"></script>`)}
        </head>
        <body class="${layout ?? 'document'}" data-live="${live ? liveAddress(live) : ''}">
          <a class="rh-skip" href="#main">Skip to the content</a>
          <header class="rh-bar shop-bar">
            <a class="rh-brand" href="/">
              <img src="${assets.icon}" alt="" width="28" height="28" /><span>Sandbox Casino</span>
            </a>
            ${visitor && visitorBar(visitor, place, layout === 'window')}
          </header>
          <main
            id="main"
            tabindex="-1"
            class="${layout === 'window' ? 'shop-window' : 'rh-page rh-stack'}"
          >
            ${content}
          </main>
          ${
            layout !== 'window' &&
            html`<footer class="shop-foot rh-small rh-soft">
              A sandbox with play money. Its games come through Roundhouse, its wallet is its own.
            </footer>`
          }
        </body>
      </html>`;
}

function liveAddress({ view, cursor, everyone, betId }: LiveView): string {
  const query = new URLSearchParams({ view, after: String(cursor) });
  if (everyone === true) query.set('who', 'all');
  if (betId !== undefined) query.set('bet', betId);
  return `/live?${query.toString()}`;
}

function visitorBar(
  { name, userAgent, balance }: Visitor,
  place: Place | undefined,
  isPlaying: boolean,
): SafeHtml {
  return html`
    <div class="shop-visitor">
      <form method="post" action="/logout" class="shop-who">
        <span class="shop-name" data-testid="player" title="${userAgent}">${name}</span>
        <button class="shop-out" data-testid="logout">Log out</button>
      </form>
      <span class="shop-live rh-small" data-testid="live"></span>
      <span class="shop-purse">
        <span class="rh-unseen">Balance</span>
        <output class="rh-money" data-testid="balance" aria-label="Balance">${balance}</output>
        <a
          href="/topup"
          class="shop-add"
          aria-label="Top up"
          data-testid="topup-link"
          ${place === 'topup' && CURRENT}
        >
          <span class="shop-wide">Top up</span><span class="shop-narrow" aria-hidden="true">+</span>
        </a>
      </span>
    </div>
    <nav class="rh-bar-nav shop-nav" aria-label="Casino">
      ${Object.entries(PLACES).map(
        ([key, { href, text, testId }]) =>
          html`<a href="${href}" data-testid="${testId}" ${key === place && CURRENT}>${text}</a>`,
      )}
      ${isPlaying && html`<a href="/" class="shop-back" data-testid="back">Back to casino</a>`}
    </nav>
  `;
}

/** A page that only says why something did not work. */
export function problemContent(title: string, text: string): SafeHtml {
  return html`<h1>${title}</h1>
    ${problemNotice(text)}
    <p><a href="/">Back to the games</a></p>`;
}

export function problemNotice(text: string): SafeHtml {
  return html`<div class="rh-notice rh-notice-bad" role="alert" data-testid="problem">
    <p>${text}</p>
  </div>`;
}
