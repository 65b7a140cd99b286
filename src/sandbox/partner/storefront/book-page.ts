import { html, type SafeHtml } from '../../../lib/html';
import type { Money } from '../money-text';
import type { BookedMovement, LoggedCallback } from '../wallet-book';
import { askedText, laidOut } from './callback-text';
import { FAULTS } from './fault-text';
import { pageLinks, signed, type PageLinks } from './history-page';
import { CURRENT } from './page-frame';
import { timeOf } from './time-text';

/** Which part of the book is looked at. */
export interface BookPlace {
  readonly part: 'callbacks' | 'ledger';
  readonly everyone: boolean;
  readonly betId?: string;
}

/** The address of a part of the book. */
export function bookAddress({ part, everyone, betId }: BookPlace, before?: bigint): string {
  const query = new URLSearchParams();
  if (part === 'ledger') query.set('part', part);
  if (everyone) query.set('who', 'all');
  if (betId !== undefined) query.set('bet', betId);
  if (before !== undefined) query.set('before', String(before));
  const text = query.toString();
  return text === '' ? '/book' : `/book?${text}`;
}

export function bookContent(place: BookPlace, rows: SafeHtml, summary: SafeHtml): SafeHtml {
  return html`
    <div class="shop-title">
      <h1>Wallet book</h1>
      <p class="rh-soft rh-small">
        ${
          place.betId === undefined
            ? "The casino's own side: what Roundhouse asked of the wallet, and what was booked. Times are UTC."
            : html`Only bet <span class="rh-mono">${place.betId}</span>.
                <a href="${bookAddress({ part: place.part, everyone: place.everyone })}"
                  >Show all</a
                >`
        }
      </p>
    </div>
    <div class="shop-book-head">
      <nav class="rh-tabs" aria-label="Parts of the book">
        ${tab('Callbacks', place, 'callbacks')} ${tab('Double entry', place, 'ledger')}
      </nav>
      ${
        place.betId === undefined &&
        html`<p class="rh-small shop-whose">
          ${
            place.everyone
              ? html`Every player.
                  <a href="${bookAddress({ ...place, everyone: false })}">Only mine</a>`
              : html`Only mine.
                  <a href="${bookAddress({ ...place, everyone: true })}" data-testid="everyone"
                    >Every player</a
                  >`
          }
        </p>`
      }
    </div>
    ${summary} ${rows}
  `;
}

function tab(text: string, place: BookPlace, part: BookPlace['part']): SafeHtml {
  return html`<a
    class="rh-tab"
    href="${bookAddress({ ...place, part })}"
    data-testid="${part}-tab"
    ${place.part === part && CURRENT}
    >${text}</a
  >`;
}

export function callbacksPart(
  callbacks: readonly LoggedCallback[],
  money: Money,
  options: { readonly named: boolean; readonly links?: PageLinks },
): SafeHtml {
  return html`
    <ol
      class="shop-calls"
      data-live-rows
      data-testid="callbacks"
      ${callbacks.length === 0 && html`hidden`}
    >
      ${callbacks.map((callback) => callbackItem(callback, money, options.named))}
    </ol>
    ${
      callbacks.length === 0 &&
      html`<p class="rh-empty" data-live-empty>
        No callbacks yet. Play a game, and each call of Roundhouse to this wallet appears here.
      </p>`
    }
    ${pageLinks(options.links ?? {})}
  `;
}

/** One arrival at the wallet: its line, and behind it body and answer. */
export function callbackItem(callback: LoggedCallback, money: Money, named: boolean): SafeHtml {
  const number = String(callback.number);
  return html`<li id="call-${number}" data-testid="call" data-endpoint="${callback.endpoint}">
    <details>
      <summary>
        <span class="shop-call-when rh-small rh-soft">${timeOf(callback.receivedAt)}</span>
        <span class="shop-call-what">
          <span class="rh-mono">/${callback.endpoint}</span> ${askedText(callback, money)}
          ${named && html`<span class="rh-soft rh-small">${callback.userAgent ?? 'nobody'}</span>`}
        </span>
        <span class="shop-call-marks">
          ${callback.fault !== null && html`<span class="rh-badge rh-badge-warn">${faultName(callback.fault)}</span>`}
          ${gateBadge(callback)} ${signatureBadge(callback)} ${answerBadge(callback)}
        </span>
      </summary>
      <div class="shop-call-more">
        <div>
          <h3>Received</h3>
          <pre class="rh-mono" tabindex="0" aria-label="Body">${laidOut(callback.body)}</pre>
          <p class="rh-small rh-soft">${signatureText(callback)}</p>
        </div>
        <div>
          <h3>Answered</h3>
          ${
            callback.replyStatus === null
              ? html`<p>Nothing: the caller was left without an answer.</p>`
              : html`<pre class="rh-mono" tabindex="0" aria-label="Answer">
${`HTTP ${String(callback.replyStatus)}\n${laidOut(callback.replyBody ?? '')}`}</pre>`
          }
          <p class="rh-small rh-soft">${gateText(callback)}${tookText(callback)}</p>
        </div>
      </div>
    </details>
  </li>`;
}

function faultName(mode: string): string {
  return FAULTS.find((fault) => fault.mode === mode)?.name ?? mode;
}

function signatureBadge({ signatureOk }: LoggedCallback): SafeHtml {
  return signatureOk
    ? html`<span class="rh-badge rh-badge-good" data-testid="signature">✓ signed</span>`
    : html`<span class="rh-badge rh-badge-bad" data-testid="signature">✗ signature wrong</span>`;
}

function signatureText({ signatureOk }: LoggedCallback): string {
  return signatureOk
    ? 'Signature verified: hmac is the HMAC-SHA256 of the other fields, sorted by name, under AGENT_SECRET.'
    : 'Refused: hmac is not the HMAC-SHA256 of the other fields under AGENT_SECRET. Nothing was looked at or moved.';
}

function gateBadge({ gate }: LoggedCallback): SafeHtml | false {
  if (gate === 'repeat')
    return html`<span class="rh-badge rh-badge-info" data-testid="gate">↻ repeat</span>`;
  if (gate === 'conflict')
    return html`<span class="rh-badge rh-badge-bad" data-testid="gate">✗ other content</span>`;
  return false;
}

function gateText({ gate, endpoint, fault, replyStatus }: LoggedCallback): string {
  switch (gate) {
    case 'first':
      return 'The first of its bet id at this endpoint, so it was decided and its answer kept. ';
    case 'repeat':
      return 'De-duplicated: this call was here before, so nothing moved and the first answer was told again. ';
    case 'conflict':
      return 'This bet id was here before with other content: refused, nothing moved. ';
    case null:
      if (endpoint === 'balance') return 'Moves nothing, so there is nothing to de-duplicate. ';
      if (fault !== null) return 'The fault met it before anything was decided: nothing moved. ';
      return replyStatus === 200
        ? ''
        : 'Refused without a trace: it may be decided otherwise later. ';
  }
}

function tookText({ tookMs }: LoggedCallback): string {
  return tookMs === null ? '' : `Took ${String(tookMs)} ms.`;
}

function answerBadge({ replyStatus }: LoggedCallback): SafeHtml {
  if (replyStatus === null) return html`<span class="rh-badge rh-badge-bad">no answer</span>`;
  const mood = replyStatus === 200 ? 'rh-badge-good' : 'rh-badge-bad';
  return html`<span class="rh-badge ${mood}" data-testid="answer">${replyStatus}</span>`;
}

export function ledgerPart(
  movements: readonly BookedMovement[],
  money: Money,
  options: { readonly named: boolean; readonly links?: PageLinks },
): SafeHtml {
  return html`
    <div class="rh-scroll shop-scroll" role="region" aria-label="Movements" tabindex="0">
      <table class="rh-table shop-ledger" data-live-shell ${movements.length === 0 && html`hidden`}>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col" class="rh-number">Amount</th>
            <th scope="col" class="rh-number">Player's balance</th>
          </tr>
        </thead>
        <tbody data-live-rows data-testid="ledger">
          ${movements.map((movement) => movementRow(movement, money, options.named))}
        </tbody>
      </table>
    </div>
    ${movements.length === 0 && html`<p class="rh-empty" data-live-empty>Nothing booked yet.</p>`}
    ${pageLinks(options.links ?? {})}
  `;
}

const KINDS: Record<BookedMovement['kind'], string> = {
  opening: 'Opening balance',
  topup: 'Top-up',
  adjustment: 'Adjustment',
  bet: 'Bet',
  'settle-bet': 'Win',
};

/** One movement: two lines that sum to zero, printed as where the money went from and to. */
export function movementRow(movement: BookedMovement, money: Money, named: boolean): SafeHtml {
  const player = named ? movement.userAgent : 'Player';
  const other = movement.against === 'house' ? 'House' : 'Bank';
  const given = movement.amountMinor > 0n;
  const betId = movement.betId;
  return html`<tr id="move-${String(movement.number)}" data-testid="movement">
    <td class="shop-when">${timeOf(movement.movedAt)}</td>
    <td class="shop-what">
      ${KINDS[movement.kind]}
      ${betId !== null && html`<a class="rh-mono rh-small" href="/book?bet=${betId}">${betId.slice(0, 8)}…</a>`}
    </td>
    <td data-label="From">${given ? other : player}</td>
    <td data-label="To">${given ? player : other}</td>
    <td class="rh-number ${given && 'rh-money-in'}" data-label="Amount">
      ${signed(movement.amountMinor, money)}
    </td>
    <td class="rh-number" data-label="Balance">${money.label(movement.balanceAfterMinor)}</td>
  </tr>`;
}
