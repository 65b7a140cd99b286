// Follows the casino's book while the page is looked at: the balance everywhere, and the rows of the page that has any.
// Without it each page shows what was true when it was printed, and works all the same.

const AGAIN_MS = 5000;
/** A list that grows while it is watched stays as long as a few pages. */
const ROWS_MAX = 100;

const address = document.body.dataset.live;
const balance = document.querySelector('[data-testid="balance"]');
const state = document.querySelector('[data-testid="live"]');
const rows = document.querySelector('[data-live-rows]');
const faults = document.querySelector('[data-live-faults]');

let source;
let cursor;
let timer;

// A browser gives one site only a few connections at once: a window that nobody looks at gives its one back, and
// carries on from its cursor when it is looked at again.
function connect() {
  if (source || document.hidden) return;
  clearTimeout(timer);
  const url = new URL(address, location.href);
  if (cursor) url.searchParams.set('after', cursor);
  source = new EventSource(url);
  source.addEventListener('open', () => say('Live'));
  source.addEventListener('message', (event) => {
    cursor = event.lastEventId;
    show(JSON.parse(event.data));
  });
  source.addEventListener('error', () => {
    say('Reconnecting');
    // Refused, not cut: the browser would not try again by itself.
    if (source?.readyState !== EventSource.CLOSED) return;
    disconnect();
    timer = setTimeout(connect, AGAIN_MS);
  });
}

function disconnect() {
  source?.close();
  source = undefined;
}

function say(word) {
  state.textContent = word;
  state.dataset.state = word === 'Live' ? 'on' : 'off';
}

function show(message) {
  if (message.balance !== undefined) showBalance(message.balance);
  if (message.faults !== undefined) replaceInside(faults, message.faults);
  if (message.rows !== undefined && rows) showRows(message.rows);
  if (message.stale && rows) location.reload();
}

function showBalance(text) {
  if (text === balance.textContent) return;
  const rose = Number.parseFloat(text) > Number.parseFloat(balance.textContent);
  balance.textContent = text;
  balance.classList.remove('is-up', 'is-down');
  // Reading a size makes the browser forget the animation that ran before.
  void balance.offsetWidth;
  balance.classList.add(rose ? 'is-up' : 'is-down');
}

function showRows(texts) {
  document.querySelector('[data-live-empty]')?.remove();
  for (const shell of [rows, rows.closest('[data-live-shell]')]) shell?.removeAttribute('hidden');
  for (const text of texts) {
    const row = elementOf(text);
    const known = document.getElementById(row.id);
    if (!known) {
      row.classList.add('is-new');
      rows.prepend(row);
    } else if (known.tagName === 'TR') {
      // The only rows that change: a bet that was reported anew.
      keepingFocus(known, () => known.replaceWith(row));
    }
  }
  while (rows.children.length > ROWS_MAX) rows.lastElementChild.remove();
}

function replaceInside(element, text) {
  if (element) keepingFocus(element, () => element.replaceChildren(elementOf(text)));
}

/** Whoever is on a link or button that is printed anew stays on it. */
function keepingFocus(element, change) {
  const focused = element.contains(document.activeElement) && document.activeElement.dataset.testid;
  change();
  if (focused) document.querySelector(`[data-testid="${CSS.escape(focused)}"]`)?.focus();
}

/** Markup comes from our own server, escaped there as in the page. */
function elementOf(text) {
  const template = document.createElement('template');
  template.innerHTML = text;
  return template.content.firstElementChild;
}

connect();
document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()));
// A page kept for the back button may hold no connection.
addEventListener('pagehide', disconnect);
addEventListener('pageshow', connect);
