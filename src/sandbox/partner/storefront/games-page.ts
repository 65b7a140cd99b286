import { html, type SafeHtml } from '../../../lib/html';
import type { Game, Product } from '../roundhouse-client';
import { problemNotice } from './page-frame';
import type { Visitor } from './visitor';

/** One product with its games, or why they could not be fetched. */
export interface Shelf {
  readonly product: Product;
  readonly games: readonly Game[];
  readonly problem?: string;
}

/** Whether a game's name and its product's name hold every word that was asked for. search.js does the same. */
function isFound(text: string, wanted: string): boolean {
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

const searchText = (product: Product, game: Game) =>
  `${game.name} ${product.displayName}`.toLowerCase();

export function gamesContent(
  { blocked }: Visitor,
  shelves: readonly Shelf[],
  wanted: string,
  problem: string | undefined,
): SafeHtml {
  const found = ({ product, games }: Shelf) =>
    games.filter((game) => isFound(searchText(product, game), wanted));
  const count = shelves.reduce((sum, shelf) => sum + found(shelf).length, 0);
  return html`
    <div class="shop-head">
      <h1>Games</h1>
      <form class="shop-search" role="search" method="get" action="/">
        <label class="rh-unseen" for="search">Search games</label>
        <input
          class="rh-input"
          id="search"
          type="search"
          name="q"
          value="${wanted}"
          maxlength="100"
          placeholder="Search games and products"
          autocomplete="off"
          data-testid="search"
        />
        <button class="rh-button">Search</button>
      </form>
    </div>
    ${
      blocked &&
      html`<div class="rh-notice rh-notice-warn" data-testid="blocked">
        <p>
          This casino has blocked you: it refuses your bets. A win that you are owed is still paid.
        </p>
      </div>`
    }
    ${problem && problemNotice(problem)}
    <p class="rh-soft rh-small shop-found" role="status" data-testid="found">
      ${wanted !== '' && foundText(count)}
    </p>
    ${
      !problem &&
      count === 0 &&
      wanted === '' &&
      html`<p class="rh-empty" data-testid="no-games">
        No games yet. Roundhouse fetches the catalogue from the game provider within a minute of its
        start.
      </p>`
    }
    ${shelves.map((shelf) => shelfSection(shelf, found(shelf)))}
  `;
}

/** The same words as search.js has. */
function foundText(count: number): string {
  if (count === 0) return 'No game has that name.';
  return count === 1 ? '1 game found' : `${count} games found`;
}

/** Games that were not asked for are printed hidden, so that a script can show them without asking us. */
function shelfSection({ product, games, problem }: Shelf, found: readonly Game[]): SafeHtml {
  return html`
    <section
      ${found.length === 0 && problem === undefined && html`hidden`}
      class="shop-shelf"
      data-search-group
      data-testid="product-${product.providerName}"
      aria-label="${product.displayName}"
    >
      <header class="shop-shelf-head">
        ${
          product.image &&
          html`<img src="${product.image}" alt="" width="64" height="64" loading="lazy" />`
        }
        <h2>${product.displayName}</h2>
        <form method="post" action="/play">
          <input type="hidden" name="game_provider" value="${product.providerName}" />
          <input type="hidden" name="game_id" value="0" />
          <button
            class="rh-button rh-button-small"
            data-testid="lobby-${product.providerName}"
            aria-label="Open the lobby of ${product.displayName}"
          >
            Lobby
          </button>
        </form>
      </header>
      ${problem && problemNotice(problem)}
      <ul class="rh-tiles shop-games">
        ${games.map((game) => gameTile(product, game, found.includes(game)))}
      </ul>
    </section>
  `;
}

function gameTile(product: Product, game: Game, shown: boolean): SafeHtml {
  return html`
    <li
      class="rh-tile shop-game"
      data-search="${searchText(product, game)}"
      ${!shown && html`hidden`}
    >
      <img
        class="rh-tile-picture"
        src="${game.image}"
        alt=""
        width="206"
        height="206"
        loading="lazy"
      />
      <div class="rh-tile-text">
        <h3>${game.name}</h3>
        <form method="post" action="/play">
          <input type="hidden" name="game_provider" value="${product.providerName}" />
          <input type="hidden" name="game_id" value="${game.gameId}" />
          <button
            class="rh-button rh-button-primary shop-play"
            data-testid="play-${game.gameId}"
            aria-label="Play ${game.name}"
          >
            Play
          </button>
          <button
            class="rh-button shop-play-phone"
            name="mobile"
            value="true"
            data-testid="play-mobile-${game.gameId}"
            aria-label="Play ${game.name} as on a phone"
          >
            <span class="shop-wide">Phone</span><span class="shop-narrow">Play</span>
          </button>
        </form>
      </div>
    </li>
  `;
}

/** The casino's own page around a launched game, so that its balance is seen while it is played. */
export function playContent(title: string, launchUrl: string): SafeHtml {
  return html`
    <h1 class="rh-unseen">${title}</h1>
    <iframe
      class="shop-frame"
      title="${title}"
      src="${launchUrl}"
      allow="autoplay; fullscreen"
      data-testid="game-frame"
    ></iframe>
  `;
}
