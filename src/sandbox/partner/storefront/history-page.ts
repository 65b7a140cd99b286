import { html, type SafeHtml } from '../../../lib/html';
import type { Money } from '../money-text';
import type { PlayedBet } from '../player-account';
import { timeOf } from './time-text';

export interface PageLinks {
  readonly newer?: string;
  readonly older?: string;
}

export function historyContent(
  money: Money,
  bets: readonly PlayedBet[],
  links: PageLinks,
): SafeHtml {
  return html`
    <div class="shop-title">
      <h1>Bet history</h1>
      <p class="rh-soft rh-small">
        What Roundhouse reported of each bet, newest first. Times are UTC.
      </p>
    </div>
    <div data-testid="history">
      <div class="rh-scroll shop-scroll" role="region" aria-label="Bets" tabindex="0">
        <table class="rh-table shop-bets" ${bets.length === 0 && html`hidden`} data-live-shell>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Game</th>
              <th scope="col" class="rh-number">Bet</th>
              <th scope="col" class="rh-number">Won</th>
              <th scope="col" class="rh-number">Result</th>
              <th scope="col">Look at it</th>
            </tr>
          </thead>
          <tbody data-live-rows>
            ${bets.map((bet) => betRow(bet, money))}
          </tbody>
        </table>
      </div>
      ${
        bets.length === 0 &&
        html`<p class="rh-empty" data-live-empty>
          Nothing played yet. <a href="/">Choose a game</a>; its bets appear here while you play.
        </p>`
      }
      ${pageLinks(links)}
    </div>
  `;
}

/** One bet; its id is what a newer report of the same bet replaces. */
export function betRow(bet: PlayedBet, money: Money): SafeHtml {
  return html`<tr id="bet-${bet.betId}" data-testid="bet-${bet.betId}">
    <td class="shop-when">${timeOf(bet.createdAt)}</td>
    <td class="shop-what">${bet.game} <span class="rh-soft rh-small">${bet.provider}</span></td>
    <td class="rh-number" data-label="Bet">${money.label(bet.usedMinor)}</td>
    <td class="rh-number" data-label="Won">${money.label(bet.receiveMinor)}</td>
    <td class="rh-number shop-result ${bet.winloseMinor > 0n && 'rh-money-in'}" data-label="Result">
      ${signed(bet.winloseMinor, money)}
    </td>
    <td class="shop-links">
      <a href="/history/${bet.betId}" data-testid="round-${bet.betId}">Round</a>
      <a href="/book?bet=${bet.betId}" data-testid="calls-${bet.betId}">Callbacks</a>
    </td>
  </tr>`;
}

/** An amount with its sign, plus included; zero has none. */
export function signed(minor: bigint, money: Money): string {
  return minor > 0n ? `+${money.label(minor)}` : money.label(minor).replace('-', '\u2212');
}

export function pageLinks({ newer, older }: PageLinks): SafeHtml | false {
  if (newer === undefined && older === undefined) return false;
  return html`<nav class="rh-row" aria-label="Pages">
    ${newer !== undefined && html`<a class="rh-button rh-button-small" href="${newer}">Newer</a>`}
    ${older !== undefined && html`<a class="rh-button rh-button-small" href="${older}">Older</a>`}
  </nav>`;
}
