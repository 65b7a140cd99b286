import { html, type SafeHtml } from '../../lib/html';
import { symbolsPath, type GameAssets } from './assets';
import type { Game } from './catalogue';
import { returnToPlayer } from './engine';
import { LINES, ROWS } from './machine';

/** What wins, what a bonus round is, what comes back over time, and what happens when an answer is lost. */
export function paytableDialog(game: Game, assets: GameAssets): SafeHtml {
  const picture = (name: string) =>
    html`<img src="${symbolsPath(assets, game)}/${name}.svg" alt="" width="56" height="56" />`;
  return dialog(
    'paytable-dialog',
    'What wins',
    html`<p class="rh-soft">
        Three alike on one of five lines. Pays at a stake of <b data-stake></b>:
      </p>
      <ul class="pays" data-testid="pays">
        ${game.symbols.map(
          ({ name, label, pays }) =>
            html`<li>
              ${picture(name)}
              <span class="rh-unseen">Three ${label}:</span>
              <b class="amount" data-tenths="${pays}"></b>
              <span class="rh-soft rh-small">${multiple(pays)} × stake</span>
            </li>`,
        )}
      </ul>
      <h3>Lines</h3>
      <ol class="line-list">
        ${LINES.map(
          (rows, index) =>
            html`<li>
              <svg viewBox="0 0 ${ROWS} ${ROWS}" aria-hidden="true">
                ${[0, 1, 2].flatMap((row) =>
                  rows.map(
                    (on, reel) =>
                      html`<rect
                        class="${on === row ? 'on' : 'off'}"
                        x="${reel + 0.08}"
                        y="${row + 0.08}"
                        width="0.84"
                        height="0.84"
                        rx="0.15"
                      />`,
                  ),
                )}
              </svg>
              <span class="rh-small">${index + 1}</span>
            </li>`,
        )}
      </ol>
      <h3>Bonus round</h3>
      <div class="bonus-rule">
        ${picture(game.bonus.name)}
        <p>
          ${game.bonus.label} on all three reels open a bonus round: one or two further spins. Each
          has a stake of its own, once or twice the one you chose, taken as it is played. Every line
          that wins in them is paid for itself.
        </p>
      </div>
      <h3>Good to know</h3>
      <p class="rh-small">
        Over time ${(returnToPlayer(game) * 100).toFixed(1)} % of all stakes are paid back, counted
        over every place where the reels can stop. The reels turn on what the casino has confirmed:
        should an answer be lost, the game asks again until it has one, and no spin is taken twice.
        Space or Enter spins, Escape closes.
      </p>`,
  );
}

/** The last spins; the script fills the table. */
export function historyDialog(demo: boolean): SafeHtml {
  return dialog(
    'history-dialog',
    'Last spins',
    html`<p class="rh-soft rh-small">
        ${demo ? 'Played with demo credits.' : 'What the casino has taken and paid in this game.'}
      </p>
      <p class="rh-empty" data-testid="history-empty" hidden>No spins yet.</p>
      <table class="rh-table" data-testid="history" hidden>
        <thead>
          <tr>
            <th scope="col">Round</th>
            <th scope="col" class="rh-number">Stake</th>
            <th scope="col" class="rh-number">Won</th>
          </tr>
        </thead>
        <tbody></tbody>
      </table>`,
  );
}

function dialog(id: string, title: string, content: SafeHtml): SafeHtml {
  return html`<dialog id="${id}" class="rh-card" aria-labelledby="${id}-title">
    <form method="dialog" class="dialog-top">
      <h2 id="${id}-title">${title}</h2>
      <button class="tool" aria-label="Close">
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
          <path d="M6 6l12 12M18 6 6 18" />
        </svg>
      </button>
    </form>
    <div class="dialog-body">${content}</div>
  </dialog>`;
}

function multiple(tenths: number): string {
  return String(tenths / 10);
}
