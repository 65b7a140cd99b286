import { html, type SafeHtml } from '../../lib/html';
import type { Money } from './money-text';
import type { PlayedBet } from './player-account';
import type { Game, Product } from './roundhouse-client';

/** One product with its games, or why they could not be fetched. */
export interface Shelf {
  readonly product: Product;
  readonly games: readonly Game[];
  readonly problem?: string;
}

interface Visitor {
  readonly userAgent: string;
  readonly balance: string;
}

/** The reference the demo button logs in with. */
export const DEMO_REFERENCE = 'demo1';

export function loginPage(problem?: string): SafeHtml {
  return page(
    'Log in',
    undefined,
    html`
      <section class="card welcome">
        <h1>Welcome to the Sandbox Casino</h1>
        <p>A small casino with a real wallet. The money is play money.</p>
        ${problem && html`<p class="notice" role="alert" data-testid="problem">${problem}</p>`}
        <form method="post" action="/login">
          <input type="hidden" name="reference" value="${DEMO_REFERENCE}" />
          <button class="primary" data-testid="login-demo">Play as Demo Player</button>
        </form>
        <form method="post" action="/login" class="other">
          <label for="reference">or as another player</label>
          <input
            id="reference"
            name="reference"
            required
            maxlength="64"
            pattern="[A-Za-z0-9._\\-]+"
            placeholder="for example maria7"
            autocomplete="off"
          />
          <button>Log in</button>
        </form>
      </section>
    `,
  );
}

export function gamesPage(
  visitor: Visitor,
  shelves: readonly Shelf[],
  problem: string | undefined,
): SafeHtml {
  return page(
    'Games',
    visitor,
    html`
      <h1>Games</h1>
      ${problem && problemCard(problem)}
      ${!problem && shelves.length === 0 && html`<p class="empty">No games yet.</p>`}
      ${shelves.map(shelfSection)}
    `,
  );
}

function shelfSection({ product, games, problem }: Shelf): SafeHtml {
  return html`
    <section class="shelf" data-testid="product-${product.providerName}">
      <header>
        ${product.image && html`<img class="brand" src="${product.image}" alt="" loading="lazy" />`}
        <h2>${product.displayName}</h2>
        <form method="post" action="/play">
          <input type="hidden" name="game_provider" value="${product.providerName}" />
          <input type="hidden" name="game_id" value="0" />
          <button data-testid="lobby-${product.providerName}">Lobby</button>
        </form>
      </header>
      ${problem && html`<p class="notice" role="alert">${problem}</p>`}
      <ul class="games">
        ${games.map((game) => gameCard(product, game))}
      </ul>
    </section>
  `;
}

function gameCard(product: Product, game: Game): SafeHtml {
  return html`
    <li class="card game">
      <img src="${game.image}" alt="" width="206" height="206" loading="lazy" />
      <h3>${game.name}</h3>
      <form method="post" action="/play">
        <input type="hidden" name="game_provider" value="${product.providerName}" />
        <input type="hidden" name="game_id" value="${game.gameId}" />
        <button class="primary" data-testid="play-${game.gameId}" aria-label="Play ${game.name}">
          Play
        </button>
        <button
          name="mobile"
          value="true"
          data-testid="play-mobile-${game.gameId}"
          aria-label="Play ${game.name} as on a phone"
        >
          Mobile
        </button>
      </form>
    </li>
  `;
}

export function historyPage(
  visitor: Visitor,
  money: Money,
  bets: readonly PlayedBet[],
  links: { readonly newer?: string; readonly older?: string },
): SafeHtml {
  return page(
    'Bet history',
    visitor,
    html`
      <h1>Bet history</h1>
      <section class="card" data-testid="history">
        ${bets.length === 0 && html`<p class="empty">Nothing played yet.</p>`}
        ${
          bets.length > 0 &&
          html`
            <table>
              <thead>
                <tr>
                  <th scope="col">When (UTC)</th>
                  <th scope="col">Game</th>
                  <th scope="col" class="amount">Bet</th>
                  <th scope="col" class="amount">Won</th>
                  <th scope="col" class="amount">Result</th>
                  <th scope="col"><span class="quiet">Round</span></th>
                </tr>
              </thead>
              <tbody>
                ${bets.map((bet) => betRow(bet, money))}
              </tbody>
            </table>
          `
        }
        <nav class="pages" aria-label="Pages">
          ${links.newer && html`<a href="${links.newer}">Newer</a>`}
          ${links.older && html`<a href="${links.older}">Older</a>`}
        </nav>
      </section>
    `,
  );
}

function betRow(bet: PlayedBet, money: Money): SafeHtml {
  const sign = bet.winloseMinor > 0n ? 'won' : bet.winloseMinor < 0n ? 'lost' : '';
  return html`
    <tr data-testid="bet-${bet.betId}">
      <td><time datetime="${bet.createdAt.toISOString()}">${whenText(bet.createdAt)}</time></td>
      <td>${bet.game} <span class="quiet">${bet.provider}</span></td>
      <td class="amount">${money.label(bet.usedMinor)}</td>
      <td class="amount">${money.label(bet.receiveMinor)}</td>
      <td class="amount ${sign}">${money.label(bet.winloseMinor)}</td>
      <td><a href="/history/${bet.betId}" data-testid="round-${bet.betId}">Details</a></td>
    </tr>
  `;
}

function whenText(at: Date): string {
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

export function problemPage(title: string, text: string, visitor?: Visitor): SafeHtml {
  return page(
    title,
    visitor,
    html`<h1>${title}</h1>
      ${problemCard(text)}`,
  );
}

function problemCard(text: string): SafeHtml {
  return html`
    <section class="card notice" role="alert" data-testid="problem">
      <p>${text}</p>
      <p><a href="/">Back to the games</a></p>
    </section>
  `;
}

function page(title: string, visitor: Visitor | undefined, content: SafeHtml): SafeHtml {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Sandbox Casino</title>
        <link rel="icon" href="/assets/storefront.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/storefront.css" />
        <script src="/assets/storefront.js" defer></script>
      </head>
      <body>
        <header class="top">
          <a class="logo" href="/">Sandbox Casino</a>
          ${visitor && visitorBar(visitor)}
        </header>
        <main>${content}</main>
      </body>
    </html>`;
}

function visitorBar({ userAgent, balance }: Visitor): SafeHtml {
  return html`
    <nav aria-label="Account">
      <a href="/">Games</a>
      <a href="/history" data-testid="history-link">Bet history</a>
      <span class="player" data-testid="player">${userAgent}</span>
      <output class="balance" data-testid="balance" aria-label="Balance">${balance}</output>
      <form method="post" action="/logout">
        <button data-testid="logout">Log out</button>
      </form>
    </nav>
  `;
}
