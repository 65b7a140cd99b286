import type { Page } from 'playwright-core';
import type { Frame } from './gif';

/** What one sees on a page while it is filmed. */
export interface Film {
  /** @returns a frame for each time something had changed */
  end(lastFrameMs: number): Promise<Frame[]>;
}

/** More pictures a second make the film larger, not clearer. */
const FRAME_MS = 120;

/** Whoever watches need not wait as long as we did when nothing happens. */
const STILL_MS_MAX = 2_500;

/** Begins to film. Chromium itself tells of each change, so that nothing is asked of a busy machine in vain. */
export async function startFilm(page: Page): Promise<Film> {
  const seen: { png: Buffer; atMs: number }[] = [];
  const session = await page.context().newCDPSession(page);
  session.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
    const atMs = (metadata.timestamp ?? 0) * 1_000;
    const png = Buffer.from(data, 'base64');
    const last = seen.at(-1);
    // Of changes that follow each other closely the last one counts.
    if (last !== undefined && atMs - last.atMs < FRAME_MS) seen[seen.length - 1] = { ...last, png };
    else seen.push({ png, atMs });
    void session.send('Page.screencastFrameAck', { sessionId });
  });
  await session.send('Page.startScreencast', { format: 'png', everyNthFrame: 1 });
  return {
    async end(lastFrameMs) {
      await session.send('Page.stopScreencast');
      await session.detach();
      // The last change may not have been told yet; a frame that is the same twice becomes one.
      seen.push({ png: await page.screenshot(), atMs: Date.now() });
      return seen.map(({ png, atMs }, index) => {
        const next = seen[index + 1];
        if (next === undefined) return { png, ms: lastFrameMs };
        return { png, ms: Math.min(Math.round(next.atMs - atMs), STILL_MS_MAX) };
      });
    },
  };
}
