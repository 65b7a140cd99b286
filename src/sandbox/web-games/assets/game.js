// The page shows only what the server said: no balance is counted here, no outcome is drawn here.
import { createDialogs } from './dialogs.js';
import { createLights } from './lights.js';
import { isZero, moneyText, showMoney } from './money.js';
import { createReels } from './reels.js';
import { createSound } from './sound.js';
import { createTrouble } from './trouble.js';

const { play, art, strips, labels, bonus } = document.body.dataset;
const LABELS = JSON.parse(labels);
const STRIPS = JSON.parse(strips);
const find = (id) => document.querySelector(`[data-testid="${id}"]`);
const byId = (id) => document.getElementById(id);
const [spin, stake, balance, result, detail, announcement, banner] = [
  'spin',
  'stake',
  'balance',
  'result',
  'detail',
  'announcement',
  'bonus',
].map(find);
const [less, more] = [byId('less'), byId('more')];

/** Reels turn at least so long, or they would not be seen to. */
const TURN_MS = 650;
const POLL_MS = 1_000;
/** From here on the page says that it waits. */
const PATIENCE_MS = 2_500;
/** How long a win of a bonus round is looked at before the next of its spins. */
const ADMIRE_MS = 1_300;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(path, body) {
  const response = await fetch(`/play/${play}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const answer = await response.json();
  return { ok: response.ok, failed: response.status >= 500, answer };
}

const sound = createSound(byId('sound'));
const trouble = createTrouble(find('error'));
const reels = createReels(find('reels'), {
  art,
  bonus,
  strips: STRIPS,
  onStop: sound.stop,
});
const lights = createLights(find('reels'), reels);
const dialogs = createDialogs({ stake, ask });

let busy = false;
let skip = new AbortController();
let spinHadFocus = false;
let lastRound;
/** The rows that stand still, to go back to when nothing comes of a spin. */
let resting = [0, 1, 2].map((row) => STRIPS.map((strip) => strip[row]));

function say(text, more = '') {
  result.textContent = text;
  detail.textContent = more;
  result.classList.remove('good');
}

function setBusy(isBusy) {
  if (isBusy) spinHadFocus = document.activeElement === spin;
  busy = isBusy;
  for (const control of [spin, stake, less, more]) control.disabled = isBusy;
  if (isBusy) return;
  limitSteps();
  // A button that was switched off has lost the keyboard.
  if (spinHadFocus) spin.focus({ preventScroll: true });
}

function showBalance(view) {
  if (view.balance !== null) showMoney(balance, view.balance);
}

/** Lines that won the same are told together; one line's amount is the whole win, which is said already. */
function winsText(wins) {
  const alike = new Map();
  for (const { line, symbol, won } of wins) {
    const key = `three ${LABELS[symbol]}${wins.length > 1 ? ` ${moneyText(won)}` : ''}`;
    alike.set(key, [...(alike.get(key) ?? []), line]);
  }
  return [...alike]
    .map(([what, [line, ...more]]) =>
      more.length === 0
        ? `Line ${line}: ${what}`
        : `Lines ${line}, ${more.join(', ')}: ${what} each`,
    )
    .join('; ');
}

/** Turns the reels through the spins of a round, the first of which is turning already. */
async function playSpins(spins) {
  for (const [index, one] of spins.entries()) {
    if (index > 0) {
      lights.off();
      find('reels').classList.add('bonus');
      banner.hidden = false;
      banner.textContent = `Bonus spin ${index} of ${spins.length - 1}`;
      say(`Stake of this spin: ${moneyText(one.stake)}`);
      reels.start();
      if (!reels.calm()) await settle(TURN_MS);
    }
    await reels.stop(one.reels, skip.signal);
    resting = one.reels;
    if (index === 0 && spins.length > 1) {
      lights.bonus(one.reels, bonus);
      sound.bonus();
      banner.hidden = false;
      banner.textContent = 'Bonus round!';
      if (!reels.calm()) await settle(ADMIRE_MS);
    } else if (one.wins.length > 0) {
      lights.win(one.wins);
      sound.win();
      if (spins.length > 1) {
        say(`This spin won ${moneyText(one.won)}`, winsText(one.wins));
        if (!reels.calm() && index < spins.length - 1) await settle(ADMIRE_MS);
      }
    } else if (spins.length > 1 && index < spins.length - 1 && !reels.calm()) {
      await settle(ADMIRE_MS / 2);
    }
  }
}

/** Waits, unless the player is in a hurry. */
function settle(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
    skip.signal.addEventListener('abort', resolve, { once: true });
  });
}

function sayOutcome(round) {
  if (round.state === 'refused' || !round.spins) {
    say('This spin did not count.');
    return;
  }
  const won = !isZero(round.win);
  const isBonus = round.spins.length > 1;
  const lines = isBonus
    ? `${round.spins.length} spins for ${moneyText(round.stake)} in all`
    : winsText(round.spins.flatMap(({ wins }) => wins));
  const lead = isBonus ? 'Bonus: ' : '';
  if (won) say(`${lead}${isBonus ? 'you' : 'You'} won ${moneyText(round.win)}`, lines);
  else say(`${lead}${isBonus ? 'no' : 'No'} win this time.`, isBonus ? lines : '');
  result.classList.toggle('good', won);
}

/** Waits for the end of a round that is under way, saying what is known, then shows it. */
async function follow(first) {
  let view = first;
  while (view.busy) {
    trouble.show(view.round?.notice);
    if (view.round?.notice) reels.slow(true);
    await pause(POLL_MS);
    view = (await lookOnce()) ?? view;
  }
  reels.slow(false);
  const { round } = view;
  if (round?.spins?.length) {
    trouble.hide();
    await playSpins(round.spins);
  } else reels.rest(resting);
  banner.hidden = true;
  if (round) sayOutcome(round);
  trouble.show(round?.notice);
  if (round?.notice) sound.refused();
  showBalance(view);
  announce(view);
  setBusy(false);
}

function announce(view) {
  const parts = [result.textContent, detail.textContent];
  if (view.balance !== null) parts.push(`Balance ${moneyText(view.balance)}`);
  announcement.textContent = parts.filter((part) => part !== '').join(' ');
}

async function lookOnce() {
  try {
    const { ok, failed, answer } = await ask('');
    if (ok) return answer;
    if (!failed) trouble.show(trouble.gone(answer.error));
  } catch {
    trouble.show(trouble.LOST);
  }
  return undefined;
}

async function lookUp() {
  for (;;) {
    const view = await lookOnce();
    if (view) return view;
    await pause(POLL_MS);
  }
}

/** A spin whose answer was lost is looked up, never sent a second time. */
async function afterLostAnswer(before) {
  trouble.show(trouble.LOST);
  await pause(POLL_MS);
  const view = await lookUp();
  if (view.busy || view.round?.round_id !== before) return view;
  trouble.show(trouble.NEVER_ARRIVED);
  return undefined;
}

async function playOnce() {
  setBusy(true);
  skip = new AbortController();
  trouble.hide();
  lights.off();
  say('Good luck!');
  announcement.textContent = 'Spinning.';
  sound.start();
  reels.start();
  const turned = reels.calm() ? Promise.resolve() : settle(TURN_MS);
  const waiting = setTimeout(() => say('Waiting for the casino…'), PATIENCE_MS);
  let view;
  try {
    const { ok, failed, answer } = await ask('/spin', { stake: stake.value });
    if (failed) throw new Error(answer.error);
    if (ok) view = answer;
    else trouble.show(trouble.refused(answer.error));
  } catch {
    view = await afterLostAnswer(lastRound);
  }
  await turned;
  clearTimeout(waiting);
  if (view) {
    lastRound = view.round?.round_id;
    await follow(view);
    return;
  }
  reels.rest(resting);
  say('This spin did not count.');
  setBusy(false);
}

function hurryOrSpin() {
  if (busy) skip.abort();
  else void playOnce();
}

function limitSteps() {
  less.disabled = stake.selectedIndex <= 0;
  more.disabled = stake.selectedIndex >= stake.options.length - 1;
}

function step(by) {
  stake.selectedIndex += by;
  limitSteps();
  announcement.textContent = `Stake ${moneyText(stake.value)}`;
}

spin.addEventListener('click', () => void playOnce());
find('reels').addEventListener('click', () => busy && skip.abort());
less.addEventListener('click', () => step(-1));
more.addEventListener('click', () => step(1));
stake.addEventListener('change', limitSteps);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !dialogs.isOpen()) trouble.close();
  const isSpinKey = event.key === ' ' || event.key === 'Enter';
  const elsewhere = event.target.closest('button, select, a, dialog');
  if (!isSpinKey || event.repeat || elsewhere || dialogs.isOpen()) return;
  event.preventDefault();
  hurryOrSpin();
});

// In a frame the casino's own page has the way back.
const back = byId('back');
back.hidden = window.top !== window || window.history.length < 2;
back.addEventListener('click', () => window.history.back());

// After a reload a round may still be under way: its state is asked for, and it is waited for.
async function begin() {
  setBusy(true);
  const view = await lookUp();
  trouble.hide();
  showBalance(view);
  lastRound = view.round?.round_id;
  if (view.busy) {
    say('Your last spin is not over yet.');
    reels.start();
    await follow(view);
    return;
  }
  const spins = view.round?.spins;
  if (spins?.length) {
    resting = spins.at(-1).reels;
    reels.set(resting);
    sayOutcome(view.round);
    result.textContent = `Your last spin. ${result.textContent}`;
  }
  setBusy(false);
}

void begin();
