import { html, type SafeHtml } from '../../../lib/html';
import type { Money } from '../money-text';
import type { BookedMovement } from '../wallet-book';
import { problemNotice } from './page-frame';
import { ledgerPart } from './book-page';
import type { Visitor } from './visitor';

/** What the buttons give, in whole units. */
const AMOUNTS = ['10', '100', '1000'] as const;
/** More play money at once than anybody can lose in an evening. */
export const TOP_UP_MAX_UNITS = 100_000n;

export function topUpContent(
  visitor: Visitor,
  money: Money,
  shown: {
    readonly movements: readonly BookedMovement[];
    readonly done?: BookedMovement;
    readonly problem?: string;
  },
): SafeHtml {
  return html`
    <div class="shop-title">
      <h1>Top up</h1>
      <p class="rh-soft rh-small">Play money from the bank of this casino, as much as you like.</p>
    </div>
    ${shown.problem && problemNotice(shown.problem)}
    ${
      shown.done &&
      html`<div class="rh-notice rh-notice-good" role="status" data-testid="topped-up">
        <p>
          ${money.label(shown.done.amountMinor)} added. Your balance was then
          ${money.label(shown.done.balanceAfterMinor)}.
        </p>
      </div>`
    }
    <form method="post" action="/topup" class="rh-card rh-stack shop-topup">
      <p>${visitor.name}, how much do you want to add?</p>
      <div class="rh-row">
        ${AMOUNTS.map(
          (amount) =>
            html`<button
              class="rh-button"
              name="fixed"
              value="${amount}"
              formnovalidate
              data-testid="topup-${amount}"
            >
              + ${money.label(BigInt(amount) * 10n ** BigInt(money.exponent))}
            </button>`,
        )}
      </div>
      <div class="shop-other">
        <label class="rh-field">
          <span>Or another amount in ${money.currency}</span>
          <input
            class="rh-input"
            name="amount"
            inputmode="decimal"
            required
            maxlength="20"
            pattern="[0-9]+([.][0-9]+)?"
            title="Digits, with a point before the decimals"
            placeholder="for example ${money.text(12n * 10n ** BigInt(money.exponent))}"
            autocomplete="off"
            data-testid="topup-amount"
          />
        </label>
        <button class="rh-button rh-button-primary" data-testid="topup">Top up</button>
      </div>
    </form>
    <section class="rh-stack" aria-labelledby="moved">
      <h2 id="moved">Last movements of your account</h2>
      ${ledgerPart(shown.movements, money, { named: false })}
    </section>
  `;
}
