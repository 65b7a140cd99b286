import type { Page } from 'playwright-core';
import { readDesign } from '../../src/lib/design/design';
import { html } from '../../src/lib/html';

/** Beside the game, what happens behind it: the server's lamp and a line for everything that was seen. */
export interface Caption {
  /** What stands below the title: nothing has happened yet. */
  begin(): void;
  server(state: 'runs' | 'is killed' | 'runs again', pid: number): Promise<void>;
  /** A line with the seconds since `begin`, and below it what was typed or seen, as it was. */
  line(text: string, evidence?: string): Promise<void>;
  /** The same without a time, for what was before and what looks back. */
  note(text: string, evidence?: string): Promise<void>;
}

/** Shows the game in a frame, as a casino would, with the caption beside it. */
export async function showCaptioned(page: Page, gameUrl: string): Promise<Caption> {
  await page.setContent(
    html`<!doctype html>
      <html lang="en" data-theme="dark">
        <title>A spin survives kill -9</title>
        <iframe title="The game" src="${gameUrl}"></iframe>
        <main>
          <h1>A spin survives <code>kill -9</code></h1>
          <p id="server"><span>server</span> <b></b></p>
          <ol></ol>
        </main>
      </html>`.markup,
  );
  // Our own pages need none of this: it is no page of ours, and lets its style be where it is used.
  await page.addStyleTag({ content: `${readDesign().sheet.text}\n${STYLE}` });
  let beginMs = Date.now();
  const add = (parts: Record<string, string>) =>
    page.evaluate<undefined>(`{
      const line = document.createElement('li');
      for (const [name, textContent] of Object.entries(${JSON.stringify(parts)})) {
        line.append(Object.assign(document.createElement(name), { textContent }));
      }
      document.querySelector('ol').append(line);
    }`);
  return {
    begin: () => void (beginMs = Date.now()),
    server: (state, pid) =>
      page.evaluate<undefined>(`{
        const lamp = document.querySelector('#server');
        lamp.className = ${JSON.stringify(state.replaceAll(' ', '-'))};
        lamp.querySelector('b').textContent = ${JSON.stringify(`${String(pid)} ${state}`)};
      }`),
    line: (p, code) =>
      add({ time: secondsSince(beginMs), p, ...(code === undefined ? {} : { code }) }),
    note: (p, code) => add({ time: '', p, ...(code === undefined ? {} : { code }) }),
  };
}

const secondsSince = (beginMs: number) => `${((Date.now() - beginMs) / 1_000).toFixed(1)} s`;

const STYLE = `
  body { display: grid; grid-template-columns: 400px 1fr; height: 100vh; background: var(--rh-sunken); }
  iframe { width: 100%; height: 100%; border: 0; }
  main { padding: var(--rh-4) var(--rh-5); }
  h1 { font-size: var(--rh-text-l); }
  code { font-family: var(--rh-mono); font-size: 0.85em; }
  #server { display: inline-flex; gap: var(--rh-2); margin: var(--rh-3) 0; padding: 0.15em 0.8em; border-radius: 1em;
    background: var(--rh-good-ground); color: var(--rh-good); font-size: var(--rh-text-s); }
  #server.is-killed { background: var(--rh-bad-ground); color: var(--rh-bad); }
  ol { padding: 0; list-style: none; }
  li { display: grid; grid-template-columns: 3.2rem 1fr; padding: var(--rh-2) 0; border-top: 1px solid var(--rh-line);
    font-size: var(--rh-text-s); line-height: 1.4; }
  time { color: var(--rh-soft); font-variant-numeric: tabular-nums; }
  li code { grid-column: 2; color: var(--rh-warn); }
`;
