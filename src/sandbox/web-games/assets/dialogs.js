// The paytable in money of the chosen stake, and the last spins as the server has them.
import { isZero, moneyText, timesTenths } from './money.js';

const byId = (id) => document.getElementById(id);

/** A dialog that is filled when it opens does not grow before one's eyes; a slow server does not keep it shut. */
const FILL_MS = 500;

function open(button, dialog, prepare) {
  button.addEventListener('click', async () => {
    await Promise.race([prepare(), new Promise((resolve) => setTimeout(resolve, FILL_MS))]);
    if (!dialog.open) dialog.showModal();
  });
  // A click beside the dialog closes it as Escape does.
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
}

function cell(text, className = '') {
  const td = document.createElement('td');
  td.className = className;
  td.textContent = text;
  return td;
}

function wonText({ state, stake, win }) {
  if (state === 'playing') return isZero(stake) ? 'being checked' : 'not over yet';
  if (state === 'refused') return 'not taken';
  return isZero(win) ? 'no win' : moneyText(win);
}

function row(round) {
  const tr = document.createElement('tr');
  const time = document.createElement('time');
  time.dateTime = round.at;
  time.textContent = new Date(round.at).toLocaleTimeString([], { timeStyle: 'short' });
  const when = cell(`${round.round_id}${round.bonus ? ', bonus' : ''} `);
  time.className = 'rh-soft rh-small';
  when.append(time);
  const won = round.state === 'finished' && !isZero(round.win);
  tr.append(
    when,
    cell(round.state === 'refused' ? '–' : moneyText(round.stake), 'rh-number'),
    cell(wonText(round), won ? 'rh-number rh-money-in' : 'rh-number'),
  );
  return tr;
}

export function createDialogs({ stake, ask }) {
  const paytable = byId('paytable-dialog');
  const history = byId('history-dialog');

  open(byId('paytable'), paytable, () => {
    paytable.querySelector('[data-stake]').textContent = moneyText(stake.value);
    for (const amount of paytable.querySelectorAll('[data-tenths]')) {
      amount.textContent = moneyText(timesTenths(stake.value, amount.dataset.tenths));
    }
  });

  open(byId('history'), history, async () => {
    const table = history.querySelector('table');
    const empty = history.querySelector('.rh-empty');
    try {
      const { ok, answer } = await ask('/rounds');
      if (!ok) throw new Error(answer.error);
      table.tBodies[0].replaceChildren(...answer.rounds.map(row));
      table.hidden = answer.rounds.length === 0;
      empty.hidden = answer.rounds.length > 0;
      empty.textContent = 'No spins yet.';
    } catch {
      table.hidden = true;
      empty.hidden = false;
      empty.textContent =
        'The last spins cannot be read just now. They are not lost; look again later.';
    }
  });

  return { isOpen: () => paytable.open || history.open };
}
