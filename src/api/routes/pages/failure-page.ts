import { html } from '../../../lib/html';
import { fileUrl } from './page-files';
import type { Page } from './send-page';

/** Why a page cannot be shown, for the player who sees it and the person they will ask. */
export type PageFailure =
  | 'link_incomplete'
  | 'link_unknown'
  | 'launch_expired'
  | 'session_over'
  | 'player_blocked'
  | 'partner_suspended'
  | 'connection_suspended'
  | 'game_unknown'
  | 'game_inactive'
  | 'lobby_empty'
  | 'round_link_forged'
  | 'round_link_expired'
  | 'round_unknown'
  | 'busy'
  | 'broken';

/** What is known of the launch whose page cannot be shown. */
export interface PageLaunch {
  /** The way back to the casino. */
  readonly redirectUrl: string | null;
  /** What support finds the launch by; see `launchCodeOf`. */
  readonly launchCode: string | null;
}

interface FailureText {
  readonly status: number;
  readonly title: string;
  readonly what: string;
  readonly causes: readonly string[];
}

const NEW_LAUNCH = 'Go back to the casino and open the game again.';
const NEW_RESULT_LINK = 'Ask the casino for a new link to the result.';

const TEXTS: Record<PageFailure, FailureText> = {
  link_incomplete: {
    status: 400,
    title: 'This link is not complete',
    what: 'Part of the address is missing, so we cannot tell which game it should open.',
    causes: ['The address was cut off when it was copied.', NEW_LAUNCH],
  },
  link_unknown: {
    status: 404,
    title: 'This link opens nothing',
    what: 'We do not know this launch link.',
    causes: ['The address was changed or cut off when it was copied.', NEW_LAUNCH],
  },
  launch_expired: {
    status: 410,
    title: 'This launch link has expired',
    what: 'A launch link opens a game within ten minutes, once.',
    causes: ['The page was opened from a bookmark, a history or an old tab.', NEW_LAUNCH],
  },
  session_over: {
    status: 410,
    title: 'This session is over',
    what: 'It was ended, or not used for too long. Wins of finished rounds are paid all the same.',
    causes: [NEW_LAUNCH],
  },
  player_blocked: {
    status: 403,
    title: 'This account cannot play now',
    what: 'The casino has blocked the account for games.',
    causes: ['Please ask the support of the casino.'],
  },
  partner_suspended: {
    status: 403,
    title: 'This casino cannot open games now',
    what: 'Its account is suspended.',
    causes: ['Please ask the support of the casino.'],
  },
  connection_suspended: {
    status: 503,
    title: 'This game is being looked after',
    what: 'Games of this provider are switched off for the moment.',
    causes: ['Please try again later, or choose another game.'],
  },
  game_unknown: {
    status: 404,
    title: 'This game is not there',
    what: 'The provider does not list it.',
    causes: ['Please choose another game.'],
  },
  game_inactive: {
    status: 410,
    title: 'This game is not offered any more',
    what: 'The provider has taken it off its list.',
    causes: ['Please choose another game.'],
  },
  lobby_empty: {
    status: 410,
    title: 'No games here',
    what: 'None of the games of this lobby is offered now.',
    causes: ['Please try again later.'],
  },
  round_link_forged: {
    status: 403,
    title: 'This link opens nothing',
    what: 'Its signature does not fit its address.',
    causes: ['The address was changed or cut off when it was copied.', NEW_RESULT_LINK],
  },
  round_link_expired: {
    status: 410,
    title: 'This link has expired',
    what: 'Links to results are valid for a day.',
    causes: [NEW_RESULT_LINK],
  },
  round_unknown: {
    status: 404,
    title: 'This round is not there',
    what: 'We have no round with this bet.',
    causes: [NEW_RESULT_LINK],
  },
  busy: {
    status: 503,
    title: 'Please try again in a moment',
    what: 'We cannot look that up just now. Nothing was lost, and no bet was placed by this page.',
    causes: ['Reload the page in some seconds.'],
  },
  broken: {
    status: 500,
    title: 'Something went wrong here',
    what: 'We could not make this page. No bet was placed by it.',
    causes: ['Reload the page.', 'If that does not help, please ask the support of the casino.'],
  },
};

/**
 * The page for a failure. It never repeats anything of the request: what stands in the address may be a
 * token, or somebody's script. Of a token it tells a code that opens nothing.
 */
export function failurePage(failure: PageFailure, launch?: PageLaunch): Page {
  const { status, title, what, causes } = TEXTS[failure];
  const { redirectUrl = null, launchCode = null } = launch ?? {};
  return {
    status,
    title,
    body: html`
      <main class="rh-page failure">
        <div class="rh-card rh-card-raised rh-stack">
          <img src="${fileUrl('mark')}" width="48" height="48" alt="" />
          <h1>${title}</h1>
          <p>${what}</p>
          <ul class="page-list">
            ${causes.map((cause) => html`<li>${cause}</li>`)}
          </ul>
          ${
            redirectUrl !== null &&
            html`<p>
              <a class="rh-button rh-button-primary" href="${redirectUrl}" target="_top"
                >Back to the casino</a
              >
            </p>`
          }
          <p class="rh-small rh-soft">
            Reference for support:
            <span class="rh-mono">${failure}${launchCode !== null && html` ${launchCode}`}</span>
          </p>
        </div>
      </main>
    `,
  };
}
