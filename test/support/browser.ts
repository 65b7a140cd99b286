import Chromium from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';

/** What the package's arguments take from the browser's own walls, and what breaks with many contexts. */
const NOT_AS_PLAYERS_HAVE_IT = [
  '--single-process',
  '--no-zygote',
  '--disable-web-security',
  '--disable-site-isolation-trials',
  '--allow-running-insecure-content',
];

/** A real Chromium; its binary is inside an npm package, so that nothing has to be downloaded. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await Chromium.executablePath(),
    args: [
      ...Chromium.args.filter((arg) => !NOT_AS_PLAYERS_HAVE_IT.includes(arg)),
      '--no-sandbox',
      '--disable-background-networking',
    ],
    headless: true,
  });
}
