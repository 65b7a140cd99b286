import type { Browser, Page } from 'playwright-core';
import { sleep } from '../../src/lib/clock';
import { signalProcess } from '../../src/stack/process-table';
import type { AuditReport } from '../../src/db/audit';
import type { ShownRound } from '../../src/db/show-round';
import {
  balanceAt,
  createCasinoVisit,
  noticeAt,
  spinButton,
  untilStill,
} from '../support/casino-visit';
import { eventually } from '../support/eventually';
import { runCli } from '../support/four-books';
import type { TestStack } from '../support/stack';
import { betsOf, openGame, setFault } from '../support/sandbox-tools';
import { showCaptioned, type Caption } from './caption-page';
import { startFilm } from './film';
import { gifOf } from './gif';

/** As wide as a README is on a desktop, so that no letter is scaled. */
const WIDTH = 860;
const HEIGHT = 640;

/** The wallet decides at once and answers this late: time to kill somebody, and below the limit of an attempt. */
const WALLET_LATE_MS = 1_500;
const KILL_AFTER_MS = 900;
/** Time to read a line before the next thing happens. */
const READ_MS = 2_000;
const LAST_FRAME_MS = 6_000;

/**
 * Films a spin whose server is killed in the middle of the wallet call. Nothing is staged but the moment: the
 * spin is played in the real game, and every line of the caption is written when it was seen to be true.
 *
 * @returns an animated GIF
 */
export async function captureSurvivedKill(stack: TestStack, browser: Browser): Promise<Buffer> {
  const page = await browser.newPage({
    viewport: { width: WIDTH, height: HEIGHT },
    colorScheme: 'dark',
  });
  try {
    const { player, url } = await openGame(stack, 'demo2', '11');
    const caption = await showCaptioned(page, url);
    await caption.server('runs', serverOf(stack));
    const visit = createCasinoVisit(stack, page, 'mouse');
    const table = await visit.table();
    await visit.steer(table, ['win_closed']);
    const film = await startFilm(page);
    await playAndKill(stack, page, caption, player);
    return await gifOf(await film.end(LAST_FRAME_MS));
  } finally {
    await page.close();
  }
}

async function playAndKill(
  stack: TestStack,
  page: Page,
  caption: Caption,
  player: string,
): Promise<void> {
  const visit = createCasinoVisit(stack, page, 'mouse');
  const table = await visit.table();
  await setFault(stack, { endpoint: 'bet', mode: 'slow', count: 1, delay_ms: WALLET_LATE_MS });
  await caption.note(
    `The player has ${await balanceAt(table)} and will spin. The wallet will be slow.`,
  );
  await sleep(READ_MS);
  caption.begin();
  await visit.press(spinButton(table));
  await sleep(KILL_AFTER_MS);
  const killed = serverOf(stack);
  signalProcess(killed, 'SIGKILL');
  await caption.server('is killed', killed);
  await caption.line(
    'The server dies while the wallet is asked for the stake.',
    `$ kill -9 ${String(killed)}`,
  );
  const next = await eventually(() => {
    const pid = serverOf(stack);
    if (pid === killed) throw new Error('the supervisor has not noticed yet');
    return pid;
  });
  await caption.server('runs again', next);
  await caption.line('The supervisor has started another.');
  await eventually(async () => {
    if ((await noticeAt(table)) === '') throw new Error('the game says nothing yet');
  });
  await caption.line('Was the stake taken? Nobody can know yet, and the game says so.');
  await untilStill(table);
  await caption.line(
    `It is known: the spin counts, its win is paid. Balance ${await balanceAt(table)}.`,
  );
  await sleep(READ_MS);
  const [bet] = await betsOf(stack, player);
  const { attempts } = runCli(stack, ['round', 'show', bet?.bet_id ?? '']).json as ShownRound;
  const asked = attempts.filter(({ verb }) => verb === 'take').length;
  await caption.note(
    'The wallet was asked again under the same bet_id:',
    `asked ${String(asked)} times, stake ${bet?.bet ?? '?'} and win ${bet?.settled ?? '?'} booked once`,
  );
  const report = runCli(stack, ['audit']).json as AuditReport;
  await caption.note(
    'And our own book:',
    `$ roundhouse audit: ${String(report.contradictions_found)} contradictions`,
  );
}

function serverOf(stack: TestStack): number {
  const server = stack.processes().find(({ command }) => command.includes('server/main.js'));
  if (server === undefined) throw new Error('no server runs');
  return server.pid;
}
