import { html, type SafeHtml } from '../../../lib/html';
import { DEMO_PLAYERS, type DemoPlayer } from '../demo-players';
import { problemNotice } from './page-frame';

/** Balances of demo players who have been here, by reference, as they are printed. */
export type KnownBalances = ReadonlyMap<string, string>;

export function signInContent(
  balances: KnownBalances,
  startsWith: (player: DemoPlayer) => string,
  problem?: string,
): SafeHtml {
  return html`
    <div class="shop-hero">
      <h1>Welcome to the Sandbox Casino</h1>
      <p class="rh-soft">
        A small casino with a real wallet: each bet, win and callback is booked as it would be with
        live money. The money is play money. Whom do you want to be?
      </p>
    </div>
    ${problem && problemNotice(problem)}
    <ul class="shop-players">
      ${DEMO_PLAYERS.map((player, index) => playerCard(player, index, balances, startsWith(player)))}
    </ul>
    <form method="post" action="/login" class="shop-other">
      <label class="rh-field">
        <span>Or as another player; a new name opens a new account</span>
        <input
          class="rh-input"
          name="reference"
          required
          maxlength="64"
          pattern="[A-Za-z0-9._\\-]+"
          title="Letters, digits, dots, dashes and underscores"
          placeholder="for example maria7"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          data-testid="reference"
        />
      </label>
      <button class="rh-button" data-testid="login-other">Sign in</button>
    </form>
  `;
}

function playerCard(
  { reference, name, about, blocked }: DemoPlayer,
  index: number,
  balances: KnownBalances,
  opening: string,
): SafeHtml {
  const balance = balances.get(reference);
  const testId = index === 0 ? 'login-demo' : `login-${reference}`;
  return html`
    <li class="rh-card shop-player">
      <span class="shop-face" aria-hidden="true">${name.slice(0, 1)}</span>
      <h2>${name} ${blocked && html`<span class="rh-badge rh-badge-bad">Blocked</span>`}</h2>
      <p class="rh-soft">${about}</p>
      <p class="shop-worth">
        <span class="rh-soft rh-small">${balance === undefined ? 'Starts with' : 'Has now'}</span>
        <span class="rh-money">${balance ?? opening}</span>
      </p>
      <form method="post" action="/login">
        <input type="hidden" name="reference" value="${reference}" />
        <button class="rh-button ${index === 0 ? 'rh-button-primary' : ''}" data-testid="${testId}">
          Play as ${name}
        </button>
      </form>
    </li>
  `;
}
