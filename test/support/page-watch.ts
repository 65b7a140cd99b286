import axe, { type AxeResults } from 'axe-core';
import type { BrowserContext, Frame, Page } from 'playwright-core';

/** Where a page of ours is: a window of its own, or a frame in another page. */
export type Surface = Page | Frame;

/** Runs in every page before its own scripts; as text, since it knows the browser's globals and nothing of ours. */
const NOTE_SHIFTS = `(() => {
  const shifts = [];
  window.roundhouseShifts = shifts;
  new PerformanceObserver((list) => {
    const [painted] = performance.getEntriesByName('first-paint');
    for (const { startTime, value, hadRecentInput, sources } of list.getEntries()) {
      // A shift within half a second of an input is its answer, not a jump; and before the first paint nobody saw
      // what a question of ours had the browser lay out without its style sheets.
      if (hadRecentInput || !painted || startTime < painted.startTime) continue;
      const nodes = sources.map(({ node }) =>
        node instanceof Element ? \`\${node.tagName.toLowerCase()}.\${node.className}\` : 'text',
      );
      shifts.push(\`\${value.toFixed(4)} by \${nodes.join(', ')}\`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    console.error(\`the policy's \${violatedDirective} refused \${blockedURI}\`),
  );
})();`;

/** What a browser held against the pages that a context showed. */
export interface PageWatch {
  /** Errors of scripts and of the console, breaches of the policy, answers that are errors; since it was asked last. */
  problems(): string[];
  /** Bytes of the surface's document and of everything it loaded, as they went over the wire. */
  weightOf(surface: Surface): Promise<number>;
}

/**
 * Watches all pages of a context, from their first byte on. A page that is shown because something failed
 * (HTTP 410 of an expired link) is no problem: it is what was asked for.
 */
export async function watchPages(context: BrowserContext): Promise<PageWatch> {
  const problems: string[] = [];
  const weights = new Map<Frame, Promise<number>[]>();
  await context.addInitScript({ content: NOTE_SHIFTS });
  context.on('weberror', (event) => problems.push(event.error().message));
  context.on('console', (message) => {
    if (message.type() !== 'error') return;
    const { url } = message.location();
    const isThePage =
      message.text().startsWith('Failed to load resource') && url === message.page()?.url();
    if (!isThePage) problems.push(`${message.text()} (${url.split('?')[0] ?? ''})`);
  });
  context.on('request', (request) => {
    if (request.isNavigationRequest()) weights.set(request.frame(), []);
  });
  // Not told of a stream that stays open, which has no size yet.
  context.on('requestfinished', (request) => {
    const size = request.sizes().then(({ responseBodySize }) => responseBodySize);
    weights.get(request.frame())?.push(size.catch(() => 0));
  });
  return {
    problems: () => problems.splice(0),
    async weightOf(surface) {
      const frame = 'mainFrame' in surface ? surface.mainFrame() : surface;
      const sizes = await Promise.all(weights.get(frame) ?? []);
      return sizes.reduce((sum, size) => sum + size, 0);
    },
  };
}

/** Has the pictures loaded that a browser leaves for later, and waits for all. */
export async function loadPictures(surface: Surface): Promise<void> {
  await surface.evaluate(`Promise.all([...document.images].map((image) => {
    image.loading = 'eager';
    return image.decode().catch(() => undefined);
  }))`);
}

/** What sticks out of the window sideways, so that one would have to scroll for it. */
export async function sidewaysScroll(surface: Surface): Promise<string[]> {
  return surface.evaluate<string[]>(`(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.body.querySelectorAll('*')]
      .filter((one) => one.getBoundingClientRect().right > width + 0.5)
      .slice(0, 5)
      .map((one) => one.tagName.toLowerCase() + '.' + one.className);
  })()`);
}

/** What moved by itself on a surface since it was loaded, one line each. */
export async function shiftsOf(surface: Surface): Promise<string[]> {
  return surface.evaluate<string[]>('window.roundhouseShifts');
}

/** What axe finds serious or critical on a surface, one line each. */
export async function axeFindings(surface: Surface): Promise<string[]> {
  await surface.evaluate(axe.source);
  // Each document is asked by itself: a frame of another origin cannot be looked into from outside.
  const { violations } = await surface.evaluate<AxeResults>(`axe.run(document, {
    iframes: false, resultTypes: ['violations'], rules: { 'target-size': { enabled: true } },
  })`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => {
      const places = nodes.slice(0, 3).map(({ target, any }) => {
        const why = any[0]?.message;
        return why === undefined ? target.join(' ') : `${target.join(' ')} (${why})`;
      });
      return `${id}: ${help}: ${places.join('; ')}`;
    });
}
