import type { FastifyInstance } from 'fastify';
import { isBalanced } from '../book-report';
import { CALLBACKS_KEPT } from '../callback-log';
import { inTransaction } from '../open-book';
import { html } from '../../../lib/html';
import { BET_ID } from '../wallet-request';
import { bookAddress, bookContent, callbacksPart, ledgerPart, type BookPlace } from './book-page';
import { historyContent } from './history-page';
import { problemContent, type PageFrame } from './page-frame';
import type { StorefrontDeps } from './storefront-deps';
import { playerOf, show, visitorOf } from './visitor';

const ROWS_PER_PAGE = 25;
/** Far more than anybody turns over by hand. */
const HISTORY_PAGE_MAX = 400;

interface BookQuery {
  readonly part?: string;
  readonly who?: string;
  readonly bet?: string;
  readonly before?: string;
}

/** The player's bets as Roundhouse reported them, and the casino's own book behind them. */
export function registerBookPages(
  app: FastifyInstance,
  deps: StorefrontDeps,
  frame: PageFrame,
): void {
  app.get<{ Querystring: { page?: string } }>('/history', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const number = Number(request.query.page ?? 1);
    const current =
      Number.isInteger(number) && number >= 1 && number <= HISTORY_PAGE_MAX ? number : 1;
    const cursor = await deps.feed.cursor();
    // One more than shown tells whether there is an older page.
    const bets = await deps.accounts.records(userAgent, {
      offset: (current - 1) * ROWS_PER_PAGE,
      limit: ROWS_PER_PAGE + 1,
    });
    const links = {
      ...(current > 1 ? { newer: `/history?page=${current - 1}` } : {}),
      ...(bets.length > ROWS_PER_PAGE ? { older: `/history?page=${current + 1}` } : {}),
    };
    return show(
      reply,
      200,
      frame({
        title: 'Bet history',
        content: historyContent(deps.money, bets.slice(0, ROWS_PER_PAGE), links),
        visitor: await visitorOf(userAgent, deps),
        place: 'history',
        // New bets belong on the first page; an older one would show them in the wrong place.
        live: { view: current === 1 ? 'history' : 'balance', cursor },
      }),
    );
  });

  app.get<{ Params: { betId: string } }>('/history/:betId', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const address = await roundAddress(deps, userAgent, request.params.betId);
    if (address !== undefined) return reply.redirect(address, 302);
    const title = 'Unknown bet';
    const content = problemContent(title, 'We have no details of this bet.');
    const visitor = await visitorOf(userAgent, deps);
    return show(reply, 404, frame({ title, content, visitor, place: 'history' }));
  });

  app.get<{ Querystring: BookQuery }>('/book', async (request, reply) => {
    const userAgent = playerOf(request, deps);
    if (!userAgent) return reply.redirect('/', 303);
    const place = placeOf(request.query);
    const before = /^\d{1,18}$/.test(request.query.before ?? '')
      ? BigInt(request.query.before ?? '0')
      : undefined;
    const cursor = await deps.feed.cursor();
    const { rows, summary } = await partOf(deps, userAgent, place, before);
    return show(
      reply,
      200,
      frame({
        title: 'Wallet book',
        content: bookContent(place, rows, summary),
        visitor: await visitorOf(userAgent, deps),
        place: 'book',
        live: {
          view: before === undefined ? place.part : 'balance',
          cursor,
          everyone: place.everyone,
          ...(place.betId === undefined ? {} : { betId: place.betId }),
        },
      }),
    );
  });
}

/** The signed address of the round's page, for bets of this player only. */
async function roundAddress(
  deps: StorefrontDeps,
  userAgent: string,
  betId: string,
): Promise<string | undefined> {
  if (!BET_ID.test(betId)) return undefined;
  const [known] = await deps.accounts.recordsOf(userAgent, [betId]);
  if (!known) return undefined;
  const address = await deps.roundhouse.betPage(betId);
  if (address === undefined) deps.log.warn({ betId }, 'a bet that was reported is not known');
  return address;
}

function placeOf(query: BookQuery): BookPlace {
  return {
    part: query.part === 'ledger' ? 'ledger' : 'callbacks',
    everyone: query.who === 'all',
    ...(query.bet !== undefined && BET_ID.test(query.bet) ? { betId: query.bet } : {}),
  };
}

async function partOf(
  deps: StorefrontDeps,
  userAgent: string,
  place: BookPlace,
  before: bigint | undefined,
) {
  const filter = {
    ...(place.everyone ? {} : { userAgent }),
    ...(place.betId === undefined ? {} : { betId: place.betId }),
    ...(before === undefined ? {} : { before }),
    limit: ROWS_PER_PAGE + 1,
  };
  const linksOf = (found: readonly { readonly number: bigint }[]) => {
    const last = found[ROWS_PER_PAGE - 1];
    return {
      ...(before === undefined ? {} : { newer: bookAddress(place) }),
      ...(found.length > ROWS_PER_PAGE && last ? { older: bookAddress(place, last.number) } : {}),
    };
  };
  const named = place.everyone;
  if (place.part === 'callbacks') {
    const found = await deps.book.callbacks(filter);
    return {
      rows: callbacksPart(found.slice(0, ROWS_PER_PAGE), deps.money, {
        named,
        links: linksOf(found),
      }),
      summary: html`<p class="rh-small rh-soft">
        Open one to see its body, how its signature was checked, and the answer. The newest
        ${CALLBACKS_KEPT.toLocaleString('en')} of all players are kept.
      </p>`,
    };
  }
  const found = await deps.book.movements(filter);
  const balanced = await inTransaction(deps.pool, isBalanced);
  return {
    rows: ledgerPart(found.slice(0, ROWS_PER_PAGE), deps.money, { named, links: linksOf(found) }),
    summary: html`<p class="rh-small rh-soft" data-testid="balanced">
      ${
        balanced
          ? html`<span class="rh-badge rh-badge-good">✓ balanced</span> Each movement is two lines
              that sum to zero, and each balance is the sum of its lines.`
          : html`<span class="rh-badge rh-badge-bad">✗ not balanced</span> A balance is not the sum
              of its lines.`
      }
    </p>`,
  };
}
