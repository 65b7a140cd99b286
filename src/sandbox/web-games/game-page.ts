import { html, type SafeHtml } from '../../lib/html';
import { symbolsPath, type GameAssets } from './assets';
import { iconPath, type Game } from './catalogue';
import { LINES, reelSymbols, ROWS } from './machine';
import { historyDialog, paytableDialog } from './page-dialogs';
import type { Session } from './session-book';
import type { SpinView } from './spin-view';

/**
 * The page a player sees. It holds no outcome and no token: only the play id, with which its script asks
 * for spins, and the balance as the casino said it.
 */
export function gamePage(session: Session, game: Game, view: SpinView, assets: GameAssets): string {
  return html`<!doctype html>
    <html lang="en" data-theme="${game.bright ? 'light' : 'dark'}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${game.title}</title>
        <link rel="icon" href="${iconPath(game)}" />
        <link rel="stylesheet" href="${assets.design}" />
        <link rel="stylesheet" href="${assets.base}/game.css" />
        <link rel="stylesheet" href="${assets.base}/themes.css" />
        <script type="module" src="${assets.base}/game.js"></script>
      </head>
      <body
        class="game game-${game.slug}"
        data-play="${session.sessionId}"
        data-game="${String(game.id)}"
        data-art="${symbolsPath(assets, game)}"
        data-strips="${JSON.stringify(reelSymbols(game))}"
        data-labels="${JSON.stringify(labelsOf(game))}"
        data-bonus="${game.bonus.name}"
        data-prefix="${view.money.prefix}"
        data-suffix="${view.money.suffix}"
        data-unit="${unitOf(view)}"
      >
        <img class="scene" src="${assets.base}/scenes/${game.slug}.svg" alt="" />
        ${header(game, view)}
        <main>
          ${stage(game, assets)}
          <div class="message">
            <p class="result" data-testid="result">Choose a stake and spin.</p>
            <p class="detail" data-testid="detail"></p>
          </div>
          ${controls(session, view)}
        </main>
        <p class="rh-unseen" data-testid="announcement" role="status" aria-live="polite"></p>
        <noscript><p class="rh-notice">This game needs JavaScript.</p></noscript>
        ${paytableDialog(game, assets)} ${historyDialog(view.demo)}
      </body>
    </html>`.toString();
}

function labelsOf(game: Game): Record<string, string> {
  return Object.fromEntries(game.symbols.map(({ name, label }) => [name, label]));
}

function header(game: Game, view: SpinView): SafeHtml {
  return html`<header class="top">
    <button id="back" class="tool" type="button" aria-label="Back to the casino" hidden>
      ${icon('M19 12H5M11 5 4 12l7 7')}
    </button>
    <div class="name">
      <h1>${game.title}</h1>
      <p>
        <span class="class">${game.class}</span>
        ${
          view.demo &&
          html`<span class="rh-badge rh-badge-warn" data-testid="demo"
            >Demo<span class="wide">, not real money</span></span
          >`
        }
      </p>
    </div>
    <div class="tools">
      <button id="sound" class="tool" type="button" aria-label="Sound" aria-pressed="false">
        ${icon('M4 9v6h4l5 4V5L8 9ZM17 8.5a5 5 0 0 1 0 7M19.5 6a8.5 8.5 0 0 1 0 12', 'on')}
        ${icon('M4 9v6h4l5 4V5L8 9ZM17 9.5l5 5M22 9.5l-5 5', 'off')}
      </button>
      <button
        id="history"
        class="tool"
        type="button"
        aria-label="Last spins"
        aria-haspopup="dialog"
      >
        ${icon('M4 4v5h5M4.6 9A8.5 8.5 0 1 1 3.5 13M12 8v5l3.5 2')}
      </button>
      <button
        id="paytable"
        class="tool"
        type="button"
        aria-label="What wins"
        aria-haspopup="dialog"
      >
        ${icon('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.5M12 7.5v.1')}
      </button>
    </div>
  </header>`;
}

function icon(path: string, name = ''): SafeHtml {
  return html`<svg class="icon ${name}" viewBox="0 0 24 24" aria-hidden="true">
    <path d="${path}" />
  </svg>`;
}

function stage(game: Game, assets: GameAssets): SafeHtml {
  const reels = reelSymbols(game).map(
    (strip) =>
      html`<div class="reel">
        <div class="strip">
          ${strip.slice(0, ROWS).map(
            (symbol) =>
              html`<div class="cell">
                <img src="${symbolsPath(assets, game)}/${symbol}.svg" alt="" />
              </div>`,
          )}
        </div>
      </div>`,
  );
  return html`<div class="stage">
    <div class="cabinet">
      <div class="reels" data-testid="reels" aria-hidden="true">
        ${reels}
        <svg class="lines" viewBox="0 0 300 300" preserveAspectRatio="none">
          ${LINES.map(
            (rows, index) => html`<polyline data-line="${index + 1}" points="${pointsOf(rows)}" />`,
          )}
        </svg>
      </div>
      <p class="banner" data-testid="bonus" hidden></p>
    </div>
    <div class="trouble rh-card rh-card-raised" data-testid="error" role="alert" hidden>
      <div class="rh-row">
        <span class="rh-turntable" aria-hidden="true"></span>
        <h2 data-testid="error-title"></h2>
      </div>
      <p data-testid="error-text"></p>
      <button id="close-error" class="rh-button" type="button">Close</button>
    </div>
  </div>`;
}

/** A line through the middles of its cells, from edge to edge of a field of 300 by 300. */
function pointsOf(rows: readonly number[]): string {
  const middles = rows.map((row, reel) => `${reel * 100 + 50},${row * 100 + 50}`);
  const [first = 0, , last = 0] = rows;
  return [`4,${first * 100 + 50}`, ...middles, `296,${last * 100 + 50}`].join(' ');
}

/** What stands behind the figures of balance and stake: that a demo's are credits, their label says. */
function unitOf(view: SpinView): string {
  return view.demo ? '' : view.money.suffix;
}

function controls(session: Session, view: SpinView): SafeHtml {
  const { prefix } = view.money;
  const suffix = unitOf(view);
  const usual = view.stakes[3] ?? view.stakes[0];
  return html`<div class="controls">
    <p class="money">
      <span class="label">${view.demo ? 'Demo credits' : `Balance (${session.currency})`}</span>
      <output class="amount" data-testid="balance"
        >${view.balance === null ? '–' : prefix + view.balance + suffix}</output
      >
    </p>
    <div class="stake">
      <label class="label" for="stake">Stake</label>
      <div class="stepper">
        <button id="less" class="tool" type="button" aria-label="Lower stake">
          ${icon('M5 12h14')}
        </button>
        <select id="stake" data-testid="stake">
          ${view.stakes.map(
            (stake) =>
              html`<option value="${stake}" ${stake === usual && html`selected`}>
                ${prefix + stake + suffix}
              </option>`,
          )}
        </select>
        <button id="more" class="tool" type="button" aria-label="Higher stake">
          ${icon('M5 12h14M12 5v14')}
        </button>
      </div>
    </div>
    <button id="spin" class="spin" data-testid="spin" type="button" ${view.busy && html`disabled`}>
      ${icon('M20 12a8 8 0 1 1-2.6-5.9M20 3v5h-5')}<span>Spin</span>
    </button>
  </div>`;
}
