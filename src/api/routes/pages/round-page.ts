import type { FastifyInstance } from 'fastify';
import { partnerByPrefix } from '../../../db/partners';
import { roundOfBet } from '../../../db/show-round';
import { html, type SafeHtml } from '../../../lib/html';
import { failurePage } from './failure-page';
import type { PagesDeps } from './pages-deps';
import { textParameter } from './parameters';
import { roundResultOf, type RoundResult } from './round-result';
import { sendPage, type Page } from './send-page';

/**
 * `GET /rounds/<bet id>?expires=&signature=`: the result of a bet's round, for whoever holds the link that
 * detail-bet gave (partner document, Bet history). It names no player.
 */
export function addRoundPage(scope: FastifyInstance, { pool, links }: PagesDeps): void {
  scope.get<{ Params: { bet: string } }>('/rounds/:bet', async (request, reply) => {
    const betId = request.params.bet;
    const verdict = links.verifyRound(
      betId,
      textParameter(request.query, 'expires') ?? '',
      textParameter(request.query, 'signature') ?? '',
    );
    if (verdict === 'forged') return sendPage(reply, failurePage('round_link_forged'));
    if (verdict === 'expired') return sendPage(reply, failurePage('round_link_expired'));
    const shown = await roundOfBet(pool, betId);
    if (!shown) return sendPage(reply, failurePage('round_unknown'));
    const partner = await partnerByPrefix(pool, shown.round.partner);
    const framedBy = partner?.settings.redirect_hosts ?? null;
    return sendPage(reply, { ...roundPage(roundResultOf(shown), betId), framedBy });
  });
}

function roundPage(round: RoundResult, betId: string): Page {
  const { title, closedBy, owed } = round;
  return {
    title: `${title}, round ${round.roundRef}`,
    body: html`
      <main class="result">
        <h1>${title}</h1>
        <dl class="facts">
          ${fact('Provider', round.product)} ${fact('Round', round.roundRef)} ${fact('Bet', betId)}
          ${fact('Started', time(round.startedAt))} ${fact('State', round.status)}
          ${closedBy !== null && fact('Closed by', closedBy)}
          ${fact('Still owed', owed.length === 0 ? 'nothing' : owed.join('; '))}
        </dl>
        <div class="scroll">${lineTable(round, betId)}</div>
        <p class="small">Amounts in ${round.currency}. Times in UTC.</p>
      </main>
    `,
  };
}

function lineTable(round: RoundResult, betId: string): SafeHtml {
  return html`
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">What</th>
          <th scope="col" class="amount">Amount</th>
          <th scope="col">State</th>
          <th scope="col" class="amount">Balance after</th>
          <th scope="col">Bet</th>
        </tr>
      </thead>
      <tbody>
        ${round.lines.map(
          (line) => html`
            <tr>
              <td>${time(line.at)}</td>
              <td>${line.what}</td>
              <td class="amount">${line.amount}</td>
              <td>${line.state}</td>
              <td class="amount">${line.balance}</td>
              <td>${line.betId === betId ? 'this bet' : line.betId}</td>
            </tr>
          `,
        )}
        <tr class="sum">
          <td></td>
          <td>Result</td>
          <td class="amount">${round.result}</td>
          <td></td>
          <td></td>
          <td></td>
        </tr>
      </tbody>
    </table>
  `;
}

function fact(name: string, value: string | SafeHtml): SafeHtml {
  return html`<dt>${name}</dt>
    <dd>${value}</dd>`;
}

function time(iso: string): SafeHtml {
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
}
