import { html, type SafeHtml } from '../../../lib/html';

/** What a launch page knows of a game that did not open; the game itself is on another origin. */
export interface LaunchHelp {
  /** The provider's page that was opened, token included. */
  readonly gameUrl: string;
  /** The launch's code; see `launchCodeOf`. */
  readonly launchCode: string;
  readonly atMs: number;
  readonly redirectUrl: string | null;
  /** Where this page is opened once more. */
  readonly again: string;
}

interface Trouble {
  readonly id: 'not_checked' | 'not_loaded';
  readonly title: string;
  readonly what: string;
  readonly tips: readonly string[];
  readonly checks: readonly string[];
}

const TIPS = ['Try again: most of the time that is enough.'];

/**
 * Why a game may not open, likeliest first. The checks of `not_checked` are the provider document's (Real-money
 * launch troubleshooting), turned to our side: Roundhouse is its Partner API.
 */
const TROUBLES: readonly Trouble[] = [
  {
    id: 'not_checked',
    title: 'The game did not open',
    what: 'Its provider has not been able to check your session with us. Opening a game places no bet.',
    tips: [...TIPS, 'Or go back to the casino and open the game from there.'],
    checks: [
      "The provider's partner_api_url is the connection's callback base: without /Authorization, and without a slash at its end.",
      'That address can be reached from the internet, and its name and certificate are good.',
      "No firewall or IP list keeps the provider's calls out; the connection's own IP list names its addresses.",
      'Nothing in front of us changes POST requests with application/json.',
      'Nothing in front of us answers with something other than JSON: the provider then says “Partner API return null”.',
      "The casino's wallet tells the player's balance: without it we answer code 1.",
      "player_id and token are in the game's address: they are, above.",
    ],
  },
  {
    id: 'not_loaded',
    title: 'The game does not load',
    what: "The game's own page has not arrived in this browser. Opening a game places no bet.",
    tips: [
      ...TIPS,
      'See whether other pages load: the connection may be slow or gone.',
      'A content blocker or a strict privacy setting may keep the game out: allow it for this page.',
    ],
    checks: [
      "The game's address above, with its token, opens in a tab of its own; with an error there, the provider is the one to ask.",
      "The provider's page lets itself be shown in a frame of ours.",
      "The casino's own pages do not forbid frames inside the frame they show us in.",
    ],
  },
];

/** The panels that the launch page's script shows when the game stays away; hidden until then. */
export function troublePanels(help: LaunchHelp): readonly SafeHtml[] {
  return TROUBLES.map(
    ({ id, title, what, tips, checks }) => html`
      <section
        class="launch-cover"
        id="${id}"
        aria-labelledby="${id}-title"
        tabindex="-1"
        data-trouble
        hidden
      >
        <div class="rh-card rh-stack launch-card">
          <h2 id="${id}-title">${title}</h2>
          <p>${what}</p>
          <ul class="page-list">
            ${tips.map((tip) => html`<li>${tip}</li>`)}
          </ul>
          <p class="rh-row">
            <a class="rh-button rh-button-primary" href="${help.again}">Try again</a>
            ${
              help.redirectUrl !== null &&
              html`<a class="rh-button" href="${help.redirectUrl}" target="_top"
                >Back to the casino</a
              >`
            }
            <button class="rh-button rh-button-quiet" type="button" data-show-game>
              Show the game's page
            </button>
          </p>
          ${supportPart(id, checks, help)}
        </div>
      </section>
    `,
  );
}

function supportPart(id: string, checks: readonly string[], help: LaunchHelp): SafeHtml {
  const at = new Date(help.atMs).toISOString().slice(0, 19).replace('T', ' ');
  return html`
    <div>
      <p class="rh-small rh-soft" id="${id}-support">
        Send this with a question to support; the token in it is masked.
      </p>
      <pre class="support-text rh-mono" tabindex="0" aria-labelledby="${id}-support">
Support code: ${id} ${help.launchCode}, ${at} UTC
Game address: ${maskedUrl(help.gameUrl)}</pre>
    </div>
    <details class="launch-support">
      <summary>For support: what to check</summary>
      <ol class="page-list rh-small">
        ${checks.map((check) => html`<li>${check}</li>`)}
      </ol>
    </details>
  `;
}

/** The game's address as it may be shown around: with everything but the token. */
export function maskedUrl(url: string): string {
  const masked = new URL(url);
  if (masked.searchParams.has('token')) masked.searchParams.set('token', '***');
  return masked.toString();
}
