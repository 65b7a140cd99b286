// The page shows only what the server said: no balance is counted here, no outcome is drawn here.
(() => {
  const play = document.body.dataset.play;
  const find = (id) => document.querySelector(`[data-testid="${id}"]`);
  const [spin, stake, balance, result, error] = ['spin', 'stake', 'balance', 'result', 'error'].map(
    find,
  );
  const cells = [...document.querySelectorAll('.cell')];
  const REEL_MS = 500;
  const POLL_MS = 1000;
  const LOST = 'The game server does not answer. Your spin is being checked; please wait.';

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

  function say(text) {
    error.textContent = text ?? '';
    error.hidden = !text;
  }

  function show(view) {
    if (view.balance !== null) balance.textContent = view.balance;
    const round = view.round;
    if (!round) return;
    say(round.notice?.text);
    document.body.classList.toggle('spinning', view.busy && !round.reels);
    if (round.reels) {
      const bonus = round.shape.startsWith('bonus');
      round.reels.flat().forEach((symbol, index) => {
        const image = cells[index].querySelector('img');
        const source = `/assets/symbols/${symbol}.svg`;
        if (image.getAttribute('src') !== source) image.src = source;
        const middle = index >= 3 && index < 6;
        cells[index].classList.toggle('lit', middle && (bonus || round.shape.startsWith('win')));
      });
    }
    const won = round.win !== null && Number(round.win) > 0;
    result.classList.toggle('won', won);
    if (round.state === 'refused') result.textContent = 'No spin.';
    else if (round.win === null) result.textContent = 'Spinning…';
    else {
      const bonus = round.shape.startsWith('bonus') ? `Bonus round for ${round.stake}. ` : '';
      result.textContent =
        bonus + (won ? `You won ${round.win} ${view.currency}.` : 'No win this time.');
    }
  }

  async function follow(view) {
    let current = view;
    show(current);
    while (current.busy) {
      spin.disabled = true;
      await pause(POLL_MS);
      try {
        const { ok, answer } = await ask('');
        if (ok) {
          current = answer;
          show(current);
        }
      } catch {
        say(LOST);
      }
    }
    document.body.classList.remove('spinning');
    spin.disabled = false;
    stake.disabled = false;
  }

  // A spin whose answer was lost is looked up, never sent a second time.
  async function lookUp() {
    for (;;) {
      try {
        const { ok, answer } = await ask('');
        if (ok) return answer;
      } catch {
        say(LOST);
      }
      await pause(POLL_MS);
    }
  }

  async function playOnce() {
    spin.disabled = true;
    stake.disabled = true;
    say(null);
    result.classList.remove('won');
    result.textContent = 'Spinning…';
    cells.forEach((cell) => cell.classList.remove('lit'));
    document.body.classList.add('spinning');
    const rolled = pause(REEL_MS);
    let view;
    try {
      const { ok, failed, answer } = await ask('/spin', { stake: stake.value });
      if (ok) view = answer;
      else if (failed) throw new Error(answer.error);
      else {
        await rolled;
        document.body.classList.remove('spinning');
        result.textContent = 'No spin.';
        say(answer.error);
        spin.disabled = false;
        stake.disabled = false;
        return;
      }
    } catch {
      say(LOST);
      view = await lookUp();
    }
    await rolled;
    await follow(view);
  }

  spin.addEventListener('click', () => void playOnce());

  // After a reload a round may still be under way.
  void lookUp().then((view) => {
    if (view.busy) void follow(view);
  });
})();
