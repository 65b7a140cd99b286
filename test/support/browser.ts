import Chromium from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';

/** A real Chromium; its binary is inside an npm package, so that nothing has to be downloaded. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await Chromium.executablePath(),
    args: [...Chromium.args, '--no-sandbox', '--disable-background-networking'],
    headless: true,
  });
}
