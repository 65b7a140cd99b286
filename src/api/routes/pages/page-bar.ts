import { html, type SafeHtml } from '../../../lib/html';
import { fileUrl } from './page-files';

export interface PageBar {
  readonly title: string;
  /** A word beside the title: `demo`. */
  readonly tag?: string | undefined;
  readonly links?: readonly SafeHtml[];
}

/** The bar at the top of a page; its title is the page's heading. */
export function pageBar({ title, tag, links = [] }: PageBar): SafeHtml {
  return html`
    <header class="rh-bar page-bar">
      <div class="rh-brand">
        <img src="${fileUrl('mark')}" width="28" height="28" alt="" />
        <h1 class="page-title" title="${title}">${title}</h1>
        ${tag !== undefined && html`<span class="rh-badge rh-badge-info">${tag}</span>`}
      </div>
      ${links.length > 0 && html`<nav class="rh-bar-nav" aria-label="Ways out">${links}</nav>`}
    </header>
  `;
}

/** The way back to the casino, out of every frame; nothing when none is known. */
export function wayBack(redirectUrl: string | null): readonly SafeHtml[] {
  if (redirectUrl === null) return [];
  return [html`<a href="${redirectUrl}" target="_top">Back to casino</a>`];
}
