import type { FastifyInstance } from 'fastify';
import { roundById, type ShownOperation, type ShownRound } from '../../../db/show-round';
import { html, type SafeHtml } from '../../../lib/html';
import { failurePage } from './failure-page';
import type { PagesDeps } from './pages-deps';
import { fact, permission, refusedLink, roundBar, storyPart, time } from './round-page';
import { moneyTextOf, roundStoryOf, type MoneyText, type StoryEvent } from './round-story';
import { sendPage, type Page } from './send-page';

/**
 * `GET /operator/rounds/<round>?expires=&signature=`: a round in an operator's eyes, by the link that
 * `roundhouse round show --link` prints. The player's story, and every id, code and call behind it; no bytes: those
 * stay with the command line. No player's link leads here (docs/decisions/0009).
 */
export function addOperatorPage(scope: FastifyInstance, { pool, links }: PagesDeps): void {
  scope.get<{ Params: { round: string } }>('/operator/rounds/:round', async (request, reply) => {
    const { round } = request.params;
    const refused = refusedLink(links.verifyOperator(round, ...permission(request.query)));
    if (refused) return sendPage(reply, refused);
    const shown = await roundById(pool, round);
    if (!shown) return sendPage(reply, failurePage('round_unknown'));
    return sendPage(reply, operatorPage(shown));
  });
}

function operatorPage(shown: ShownRound): Page {
  const story = roundStoryOf(shown);
  const money = moneyTextOf(shown.round.currency);
  return {
    title: `${story.title}, round ${story.roundRef}, for operators`,
    script: 'round',
    // Nobody but us shows it in a frame.
    framedBy: [],
    body: html`
      ${roundBar(story, 'operator')}
      <main class="rh-page round round-wide">
        ${storyPart(story, operationText)} ${casesPart(shown, money)} ${idsPart(shown)}
        ${table('Registers of each bet', BET_COLUMNS, shown.bets, money)}
        ${table('Calls owed to the wallet, and sent', CALL_COLUMNS, shown.calls, money)}
        ${table('Attempts', ATTEMPT_COLUMNS, shown.attempts, money)}
        <p class="rh-small rh-soft">
          Amounts in ${story.currency}, times in UTC. What was sent and received, without
          signatures:
          <code class="rh-mono">roundhouse round show ${shown.round.workflow_id} --bytes</code>
        </p>
      </main>
    `,
  };
}

function operationText({ operation, betId }: StoryEvent): SafeHtml | null {
  if (operation === null) return html`bet ${code(betId)}`;
  return html`operation ${code(operation.operation)}, transaction ${code(operation.transaction)},
  bet ${code(betId)}; answer ${answerText(operation)}; requests
  ${operation.requests}${operation.is_close && ', with is_close'}`;
}

function answerText({ answer, answer_written_at: at }: ShownOperation): SafeHtml {
  if (answer === null) return html`not given yet`;
  return html`${code(answer)}, ${at === null ? 'not noted as sent' : html`sent ${time(at)}`}`;
}

function casesPart({ cases }: ShownRound, money: MoneyText): SafeHtml | null {
  if (cases.length === 0) return null;
  return html`
    <section class="rh-stack" aria-labelledby="cases-title">
      <h2 id="cases-title">Cases</h2>
      <ul class="rh-notice rh-notice-warn owed">
        ${cases.map(
          ({ id, kind, status, amount, opened_at }) =>
            html`<li>
              <strong>${kind}</strong>, ${status}, since
              ${time(opened_at)}${amount !== null && html`, ${money.fixed(amount)}`}:
              <code class="rh-mono">roundhouse cases show ${id}</code>
            </li>`,
        )}
      </ul>
    </section>
  `;
}

function idsPart({ round }: ShownRound): SafeHtml {
  return html`
    <section class="rh-card rh-stack" aria-labelledby="ids-title">
      <h2 id="ids-title">Ids</h2>
      <dl class="rh-facts">
        ${fact('Partner', code(round.partner))} ${fact('Player', code(round.user_agent))}
        ${fact('Player number', code(round.player_id))}
        ${fact('Connection', code(round.connection))} ${fact('Game', code(round.game_id))}
        ${fact('Workflow', code(round.workflow_id))} ${fact('Round in our book', code(round.id))}
        ${fact('Journal', `${round.journal_lines} lines`)}
        ${fact('Looked at again', round.due_at === null ? 'no need' : time(round.due_at))}
      </dl>
    </section>
  `;
}

interface Column<Row> {
  readonly name: string;
  readonly of: (row: Row, money: MoneyText) => SafeHtml | string | number | null;
  readonly isNumber?: boolean;
}

const BET_COLUMNS: readonly Column<ShownRound['bets'][number]>[] = [
  { name: 'Bet', of: ({ bet_id }) => code(bet_id) },
  { name: 'Form', of: ({ form }) => form },
  { name: 'Outcome', of: ({ outcome }) => outcome },
  { name: 'Decision', of: ({ decision }) => decision },
  { name: 'Stake', of: ({ stake }, money) => money.fixed(stake), isNumber: true },
  { name: 'To give', of: ({ payout }, money) => money.fixed(payout), isNumber: true },
  { name: 'Given', of: ({ paid }) => (paid ? 'yes' : 'no') },
  { name: 'Balance told', of: ({ balance }, money) => money.balance(balance), isNumber: true },
];

const CALL_COLUMNS: readonly Column<ShownRound['calls'][number]>[] = [
  { name: 'Bet', of: ({ bet_id }) => code(bet_id) },
  { name: 'Call', of: ({ verb, number }) => `${verb} ${number}` },
  { name: 'State', of: ({ status }) => status },
  { name: 'Attempts', of: ({ attempts }) => attempts, isNumber: true },
  { name: 'Last failure', of: ({ last_failure }) => last_failure },
  { name: 'Next', of: ({ next_attempt_at: at }) => (at === null ? null : time(at)) },
  { name: 'Done', of: ({ done_at: at }) => (at === null ? null : time(at)) },
];

const ATTEMPT_COLUMNS: readonly Column<ShownRound['attempts'][number]>[] = [
  { name: 'Begun', of: ({ started_at }) => time(started_at) },
  { name: 'Bet', of: ({ bet_id }) => code(bet_id) },
  { name: 'Call', of: ({ verb, number, attempt }) => `${verb} ${number}, try ${attempt}` },
  { name: 'Counts as', of: (attempt) => attempt.class },
  { name: 'HTTP', of: ({ http_status }) => http_status, isNumber: true },
  { name: 'Came back', of: ({ came_back }) => came_back },
  { name: 'Took, ms', of: ({ took_ms }) => took_ms, isNumber: true },
];

function table<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  money: MoneyText,
): SafeHtml | null {
  if (rows.length === 0) return null;
  return html`
    <section class="rh-stack">
      <h2>${title}</h2>
      <div class="rh-scroll" role="region" aria-label="${title}" tabindex="0">
        <table class="rh-table rh-small">
          <thead>
            <tr>
              ${columns.map(({ name, isNumber }) => html`<th scope="col" ${numeric(isNumber)}>${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              (row) =>
                html`<tr>
                  ${columns.map(({ of, isNumber }) => html`<td ${numeric(isNumber)}>${of(row, money)}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

function numeric(isNumber: boolean | undefined): SafeHtml | null {
  return isNumber === true ? html`class="rh-number"` : null;
}

function code(id: string | number | null): SafeHtml {
  return html`<span class="rh-mono">${id ?? 'none'}</span>`;
}
