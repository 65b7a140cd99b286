// Keeps the balance fresh while a game is played in another window. Without it the page shows the balance it
// was printed with, and works all the same.
'use strict';

const REFRESH_MS = 3000;
const shown = document.querySelector('[data-testid="balance"]');

async function refresh() {
  if (document.visibilityState !== 'visible') return;
  try {
    const response = await fetch('/balance', { headers: { accept: 'application/json' } });
    if (!response.ok) return;
    const { label } = await response.json();
    if (typeof label === 'string' && label !== shown.textContent) shown.textContent = label;
  } catch {
    // The casino is away for a moment; the next tick asks again.
  }
}

if (shown) {
  const ask = () => void refresh();
  setInterval(ask, REFRESH_MS);
  // A page brought back by the browser's back button is an old print.
  addEventListener('pageshow', ask);
  document.addEventListener('visibilitychange', ask);
}
