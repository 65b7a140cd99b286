import type { FastifyInstance } from 'fastify';
import { partnerByPrefix } from '../../../db/partners';
import { roundOfBet } from '../../../db/show-round';
import { html, type SafeHtml } from '../../../lib/html';
import { failurePage } from './failure-page';
import type { LinkVerdict } from './links';
import { pageBar } from './page-bar';
import type { PagesDeps } from './pages-deps';
import { textParameter } from './parameters';
import { roundStoryOf, type Mood, type RoundStory, type StoryEvent } from './round-story';
import { sendPage, type Page } from './send-page';

/**
 * `GET /rounds/<bet id>?expires=&signature=`: the story of a bet's round, for whoever holds the link that
 * detail-bet gave (partner document, Bet history). It names no player.
 */
export function addRoundPage(scope: FastifyInstance, { pool, links }: PagesDeps): void {
  scope.get<{ Params: { bet: string } }>('/rounds/:bet', async (request, reply) => {
    const betId = request.params.bet;
    const refused = refusedLink(links.verifyRound(betId, ...permission(request.query)));
    if (refused) return sendPage(reply, refused);
    const shown = await roundOfBet(pool, betId);
    if (!shown) return sendPage(reply, failurePage('round_unknown'));
    const partner = await partnerByPrefix(pool, shown.round.partner);
    const framedBy = partner?.settings.redirect_hosts ?? null;
    return sendPage(reply, { ...roundPage(roundStoryOf(shown), betId), framedBy });
  });
}

/** What a link brings to show that it is ours. */
export function permission(query: unknown): [expires: string, signature: string] {
  return [textParameter(query, 'expires') ?? '', textParameter(query, 'signature') ?? ''];
}

/** The page instead of a round's, for a link that opens none. */
export function refusedLink(verdict: LinkVerdict): Page | undefined {
  if (verdict === 'forged') return failurePage('round_link_forged');
  if (verdict === 'expired') return failurePage('round_link_expired');
  return undefined;
}

function roundPage(story: RoundStory, betId: string): Page {
  return {
    title: `${story.title}, round ${story.roundRef}`,
    script: 'round',
    body: html`
      ${roundBar(story)}
      <main class="rh-page round">
        ${storyPart(story, ({ betId: own }) => betText(own, betId))}
        <p class="rh-small rh-soft">
          Bet <span class="rh-mono">${betId}</span>. Amounts in ${story.currency}, times in UTC.
        </p>
      </main>
    `,
  };
}

/** Only a round of several bets has to say which is which. */
function betText(own: string | null, betId: string): SafeHtml | null {
  if (own === null || own === betId) return null;
  return html`<span>Bet <span class="rh-mono">${own}</span></span>`;
}

export function roundBar(story: RoundStory, tag?: string): SafeHtml {
  return pageBar({
    title: story.title,
    tag,
    links: [
      html`<button class="rh-button rh-button-small rh-screen" id="print" type="button" hidden>
        Print
      </button>`,
    ],
  });
}

/**
 * What happened in a round, and what is still to come: the same for its player and for an operator.
 *
 * @param more what stands below an event beside its time
 */
export function storyPart(
  story: RoundStory,
  more: (event: StoryEvent) => SafeHtml | null,
): SafeHtml {
  const { verdict, sums, state, closed, currency } = story;
  return html`
    <section class="rh-card rh-stack" aria-label="Result">
      <div class="rh-row rh-spread">
        <p class="verdict">
          <span class="rh-soft">${verdict.label}</span>
          <strong class="verdict-amount rh-money verdict-${verdict.mood}"
            >${verdict.amount} ${currency}</strong
          >
        </p>
        ${badge(state.mood, state.text)}
      </div>
      <dl class="sums">
        ${sums.map(
          ({ name, amount }) =>
            html`<div>
              <dt>${name}</dt>
              <dd class="rh-money">${amount}</dd>
            </div>`,
        )}
      </dl>
      <dl class="rh-facts">
        ${fact('Game', `${story.title}, ${story.product}`)} ${fact('Round', story.roundRef)}
        ${fact('Started', time(story.startedAt))} ${closed !== null && fact('Closed by', closed.by)}
      </dl>
    </section>
    <section aria-labelledby="owed-title" class="rh-stack">
      <h2 id="owed-title">Still owed</h2>
      ${
        story.owed.length === 0
          ? nothingOwed(story)
          : html`<ul class="rh-notice rh-notice-warn owed">
              ${story.owed.map((sentence) => html`<li>${sentence}</li>`)}
            </ul>`
      }
    </section>
    <section aria-labelledby="story-title" class="rh-stack">
      <h2 id="story-title">What happened</h2>
      ${
        story.events.length === 0
          ? html`<p class="rh-empty">Nothing has been staked or won in this round.</p>`
          : html`<ol class="rh-timeline">
              ${story.events.map((event) => eventLine(event, more(event)))} ${closing(story)}
            </ol>`
      }
    </section>
  `;
}

function nothingOwed({ closed }: RoundStory): SafeHtml {
  return closed === null
    ? html`<p class="rh-notice">Nothing so far. The round is still open.</p>`
    : html`<p class="rh-notice rh-notice-good">Nothing. Everything of this round is settled.</p>`;
}

function eventLine(event: StoryEvent, more: SafeHtml | null): SafeHtml {
  const { what, at, amount, state, mood, meaning, balance } = event;
  return html`
    <li class="rh-timeline-${mood}">
      <div class="event">
        <span class="event-what"><strong>${what}</strong> ${badge(mood, state)}</span>
        <strong class="rh-money ${mood === 'good' && amount.startsWith('+') ? MONEY_IN : null}"
          >${amount}</strong
        >
      </div>
      <div class="event event-when rh-small rh-soft">
        <span>${at === null ? 'not yet' : time(at)}</span>
        ${balance !== null && html`<span class="rh-money">Balance ${balance}</span>`}
      </div>
      ${meaning !== null && html`<p class="rh-small">${meaning}</p>`}
      ${more !== null && html`<p class="rh-small rh-soft">${more}</p>`}
    </li>
  `;
}

const MONEY_IN = html`rh-money-in`;

function closing({ closed, state }: RoundStory): SafeHtml | null {
  if (closed === null) return null;
  return html`
    <li class="rh-timeline-${state.mood}">
      <strong>${state.mood === 'warn' ? 'Being closed' : 'Closed'}</strong> by ${closed.by}
      ${closed.at !== null && html`<div class="rh-small rh-soft">${time(closed.at)}</div>`}
    </li>
  `;
}

const BADGES: Readonly<Record<Mood, string>> = {
  good: 'rh-badge rh-badge-good',
  bad: 'rh-badge rh-badge-bad',
  warn: 'rh-badge rh-badge-warn',
  plain: 'rh-badge',
};

function badge(mood: Mood, text: string): SafeHtml {
  return html`<span class="${BADGES[mood]}">${text}</span>`;
}

export function fact(name: string, value: string | number | SafeHtml): SafeHtml {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

export function time(iso: string): SafeHtml {
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
}
