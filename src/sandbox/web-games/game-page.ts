import { html } from '../../lib/html';
import type { Session } from './session-book';
import { iconPath, type Game } from './catalogue';
import { stakesOf, type SpinView } from './spin-view';

/**
 * The page a player sees. It holds no outcome and no token: only the play id, with which its script asks
 * for spins, and the balance as the casino said it.
 */
export function gamePage(session: Session, game: Game, view: SpinView): string {
  const reels = [0, 1, 2].map((row) => [0, 1, 2].map((column) => reelCell(game, row, column)));
  const ordinary = stakesOf(session.exponent).length > 3 ? view.stakes[3] : view.stakes[0];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${game.title}</title>
        <link rel="icon" href="${iconPath(game)}" />
        <link rel="stylesheet" href="/assets/game.css" />
        <script src="/assets/game.js" defer></script>
      </head>
      <body
        data-play="${session.sessionId}"
        data-game="${String(game.id)}"
        class="${themeOf(game)}"
      >
        <main>
          <header>
            <h1>${game.title}</h1>
            <p class="class">${game.class}${view.demo ? ' · demo' : ''}</p>
          </header>
          <div class="reels" data-testid="reels" aria-hidden="true">${reels}</div>
          <p class="result" data-testid="result" role="status" aria-live="polite">
            Choose a stake and spin.
          </p>
          <p class="error" data-testid="error" role="alert" hidden></p>
          <div class="controls">
            <p class="money">
              <span class="label">Balance</span>
              <span class="amount"
                ><output data-testid="balance">${view.balance ?? '–'}</output>
                ${session.currency}</span
              >
            </p>
            <label class="money">
              <span class="label">Stake</span>
              <select id="stake" data-testid="stake">
                ${view.stakes.map(
                  (stake) =>
                    html`<option value="${stake}" ${stake === ordinary && html`selected`}>
                      ${stake}
                    </option>`,
                )}
              </select>
            </label>
            <button id="spin" data-testid="spin" type="button" ${view.busy && html`disabled`}>
              Spin
            </button>
          </div>
          <noscript>This game needs JavaScript.</noscript>
        </main>
      </body>
    </html>`.toString();
}

function reelCell(game: Game, row: number, column: number) {
  const symbol = game.symbols[(row + column) % game.symbols.length] ?? 'star';
  return html`<div class="cell">
    <img src="/assets/symbols/${symbol}.svg" alt="" width="96" height="96" />
  </div>`;
}

// The page's style sheet knows one theme per class; inline styles are forbidden by the page's own policy.
function themeOf(game: Game): string {
  return `theme-${String(Math.floor(game.id / 10))}`;
}
