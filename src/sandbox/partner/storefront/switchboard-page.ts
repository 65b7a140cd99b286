import { html, type SafeHtml } from '../../../lib/html';
import { DEFAULT_SLOW_MS, type SetFault } from '../fault-switchboard';
import { WALLET_ENDPOINTS } from '../wallet-request';
import { problemNotice } from './page-frame';
import { ENDPOINTS, FAULTS, type FaultText } from './fault-text';

/** What the page can set; a test that needs more has /sandbox/faults. */
export const PAGE_COUNT_MAX = 1_000;
export const PAGE_DELAY_MAX_S = 60;

export function switchboardContent(
  faults: readonly SetFault[],
  happened: SafeHtml,
  problem?: string,
): SafeHtml {
  return html`
    <div class="shop-title">
      <h1>Switchboard</h1>
      <p class="rh-soft rh-small">
        Make this wallet misbehave, for every player, and watch Roundhouse cope.
      </p>
    </div>
    ${problem && problemNotice(problem)}
    <section aria-labelledby="now">
      <h2 id="now" class="rh-unseen">Switched on now</h2>
      <div data-live-faults aria-live="polite">${faultsPanel(faults)}</div>
    </section>
    <form method="post" action="/switchboard" class="rh-card rh-stack" data-testid="switchboard">
      <fieldset class="shop-choices shop-modes">
        <legend>What goes wrong</legend>
        ${FAULTS.map((fault, index) => faultChoice(fault, index === 0))}
      </fieldset>
      <fieldset class="shop-choices shop-endpoints">
        <legend>At which call</legend>
        ${WALLET_ENDPOINTS.map(
          (endpoint) =>
            html`<label class="shop-choice">
              <input
                type="radio"
                name="endpoint"
                value="${endpoint}"
                ${endpoint === 'bet' && html`checked`}
              />
              <span>
                <b class="rh-mono">/${endpoint}</b><br />
                <span class="rh-soft rh-small">${ENDPOINTS[endpoint]}</span>
              </span>
            </label>`,
        )}
      </fieldset>
      <div class="shop-amounts">
        <label class="rh-field">
          <span>For how many calls</span>
          <input
            class="rh-input"
            type="number"
            name="count"
            value="1"
            min="1"
            max="${PAGE_COUNT_MAX}"
            required
            data-testid="count"
          />
        </label>
        <label class="rh-field shop-delay">
          <span>Seconds to wait</span>
          <input
            class="rh-input"
            type="number"
            name="delay_s"
            value="${DEFAULT_SLOW_MS / 1000}"
            min="0"
            max="${PAGE_DELAY_MAX_S}"
            step="0.1"
            required
            data-testid="delay"
          />
        </label>
        <button class="rh-button rh-button-primary" data-testid="switch-on">Switch on</button>
      </div>
      <p class="rh-small rh-soft">
        Ten calls of which half fail within 10 seconds open the breaker: Roundhouse then refuses new
        spins at once and keeps what it owes until the wallet is back.
      </p>
    </form>
    <section class="rh-stack" aria-labelledby="happened">
      <h2 id="happened">What happened</h2>
      ${happened}
    </section>
  `;
}

function faultChoice({ mode, name, wallet, roundhouse }: FaultText, checked: boolean): SafeHtml {
  return html`<label class="shop-choice shop-fault">
    <input
      type="radio"
      name="mode"
      value="${mode}"
      data-testid="mode-${mode}"
      ${checked && html`checked`}
    />
    <span>
      <b>${name}</b>
      <span class="rh-small">${wallet}</span>
      <span class="rh-small rh-soft">${roundhouse}</span>
    </span>
  </label>`;
}

/** What is switched on now, each with its own switch; sent anew whenever it changes. */
export function faultsPanel(faults: readonly SetFault[]): SafeHtml {
  if (faults.length === 0) {
    return html`<div class="rh-notice rh-notice-good" data-testid="faults">
      <p><b>All well.</b> The wallet answers every call as it should.</p>
    </div>`;
  }
  return html`<div class="rh-notice rh-notice-warn" data-testid="faults">
    <ul class="shop-faults">
      ${faults.map(
        ({ endpoint, mode, count, delayMs }) =>
          html`<li data-testid="fault-${endpoint}">
            <span>
              <b>${FAULTS.find((fault) => fault.mode === mode)?.name ?? mode}</b>
              ${mode === 'slow' && `by ${String(delayMs / 1000)} s`} at
              <span class="rh-mono">/${endpoint}</span>:
              ${count === 1 ? 'the next call' : `the next ${String(count)} calls`}
            </span>
            <form method="post" action="/switchboard">
              <input type="hidden" name="endpoint" value="${endpoint}" />
              <button
                class="rh-button rh-button-small"
                name="mode"
                value="none"
                data-testid="switch-off-${endpoint}"
                aria-label="Switch off at /${endpoint}"
              >
                Switch off
              </button>
            </form>
          </li>`,
      )}
    </ul>
  </div>`;
}
