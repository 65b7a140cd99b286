import { html, type SafeHtml } from '../../../lib/html';

/** An instant for people: to the second, in UTC, as all pages about one round tell it. */
export function timeOf(at: Date): SafeHtml {
  const iso = at.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
}
