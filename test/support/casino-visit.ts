import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually';
import type { Surface } from './page-watch';
import type { TestStack } from './stack';

/** What a player touches the pages with. */
export type Hands = 'mouse' | 'touch' | 'keyboard';

export const DESK = { viewport: { width: 1280, height: 800 } };
/** A phone of the usual size. */
export const HAND = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** No page of ours has so many things to tab through. */
const TABS_MAX = 150;

/** A player in front of a browser: everything is found as a player finds it, by role and name. */
export interface CasinoVisit {
  readonly page: Page;
  readonly storefront: string;
  /** Clicks, taps, or tabs to it and presses Enter, after seeing that one sees where one is. */
  press(target: Locator): Promise<void>;
  /** @param player whose card is pressed; a name without one is typed, and opens an account */
  signIn(player?: string): Promise<void>;
  home(): Promise<void>;
  /** Opens a game from the casino's own shelf; on a phone it fills the window. */
  play(title: string): Promise<Surface>;
  /** Opens a game from the lobby of its product. */
  openFromLobby(product: string, title: string): Promise<Surface>;
  /** Where the game is drawn now. */
  table(): Promise<Surface>;
  /** Makes the sandbox provider draw these shapes next: what comes is known, how it is played is not. */
  steer(table: Surface, shapes: readonly string[]): Promise<void>;
  /** Presses Spin and waits until the next one can begin; answers what the game says about it. */
  spin(table: Surface): Promise<string>;
}

export function createCasinoVisit(stack: TestStack, page: Page, hands: Hands): CasinoVisit {
  const storefront = stack.demo().storefront;

  async function press(target: Locator): Promise<void> {
    await target.waitFor();
    if (hands === 'mouse') await target.click();
    else if (hands === 'touch') await target.tap();
    else {
      await tabTo(page, target);
      await page.keyboard.press('Enter');
    }
  }

  /** A page of another origin, in its window or in a frame of ours or of the casino's. */
  async function surfaceAt(path: string): Promise<Surface> {
    return eventually(() => {
      const frame = page
        .frames()
        .find((one) => one.url().startsWith('http') && pathOf(one) === path);
      if (!frame) throw new Error(`${path} is not there yet`);
      return frame === page.mainFrame() ? page : frame;
    });
  }

  async function table(): Promise<Surface> {
    return eventually(async () => {
      const surface = await surfaceAt('/game');
      await spinButton(surface).waitFor({ timeout: 2_000 });
      return surface;
    });
  }

  return {
    page,
    storefront,
    press,
    table,
    async signIn(player = 'demo1') {
      await page.goto(storefront);
      const card = page.locator(`form:has([type="hidden"][value="${player}"]) button`);
      if ((await card.count()) === 1) await press(card);
      else {
        await page.getByTestId('reference').fill(player);
        await press(page.getByTestId('login-other'));
      }
      await page.getByTestId('balance').waitFor();
    },
    async home() {
      await page.goto(storefront);
      await page.getByTestId('balance').waitFor();
    },
    async play(title) {
      const name = hands === 'touch' ? `Play ${title} as on a phone` : `Play ${title}`;
      await press(page.getByRole('button', { name, exact: true }));
      return table();
    },
    async openFromLobby(product, title) {
      await press(page.getByRole('button', { name: `Open the lobby of ${product}` }));
      await press((await surfaceAt('/lobby')).getByRole('button', { name: title }));
      return table();
    },
    async steer(surface, shapes) {
      const session = await surface.locator('body').getAttribute('data-play');
      const { origin } = new URL(surface.url());
      const response = await fetch(`${origin}/sandbox/sessions/${session ?? ''}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ shapes, seed: '7' }),
      });
      if (!response.ok) throw new Error(`the provider is not steered: ${await response.text()}`);
    },
    async spin(surface) {
      await press(spinButton(surface));
      await untilStill(surface);
      return resultOf(surface);
    },
  };
}

export const spinButton = (table: Surface): Locator => table.getByTestId('spin');

/** A round has ended, or is known to have failed, when the next spin can begin. */
export async function untilStill(table: Surface): Promise<void> {
  await eventually(async () => {
    if (!(await spinButton(table).isEnabled())) throw new Error('the reels still turn');
  }, 60_000);
}

export const resultOf = (table: Surface): Promise<string> =>
  table.getByTestId('result').innerText();

export const balanceAt = async (surface: Surface): Promise<string> =>
  amountIn(await surface.getByTestId('balance').innerText());

/** What is read aloud when something went wrong; empty when nothing did. */
export async function noticeAt(table: Surface): Promise<string> {
  const alert = table.getByTestId('error');
  return (await alert.isVisible()) ? alert.innerText() : '';
}

/** The last amount in a text as people read it, as a plain number's text: `-1234.50` of `−1,234.50 EUR`. */
export function amountIn(text: string): string {
  const found = [...text.replaceAll(/[,\s\u00a0\u202f]/g, '').matchAll(/[-−]?\d+(\.\d+)?/g)].at(-1);
  if (!found) throw new Error(`no amount in: ${text}`);
  return found[0].replace('−', '-');
}

const pathOf = (surface: Surface): string => new URL(surface.url()).pathname;

/** As much of an element as is asked for inside the browser. */
interface Focusable {
  matches(selector: string): boolean;
  ownerDocument: {
    defaultView: { getComputedStyle(one: Focusable): { outlineStyle: string; boxShadow: string } };
  };
}

async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let tabs = 0; tabs < TABS_MAX; tabs++) {
    const focus = await target.evaluate((one: Focusable) => {
      const style = one.ownerDocument.defaultView.getComputedStyle(one);
      return {
        isHere: one.matches(':focus'),
        isSeen: style.outlineStyle !== 'none' || style.boxShadow !== 'none',
      };
    });
    if (focus.isHere && !focus.isSeen) throw new Error('one does not see where one is');
    if (focus.isHere) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('it cannot be reached with the tab key');
}
