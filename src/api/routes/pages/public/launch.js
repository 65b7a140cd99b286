// Shows how far a launch has come. The game is on another origin: of it can be seen here only that its frame has
// loaded something, even if that is an error page. Whether the provider has checked the session, our server tells.
// This script stands before the frame, so that no load of it is missed.
(() => {
  /** Patience of a player before they want to be told that they are not forgotten. */
  const SLOW_AFTER_MS = 8_000;
  /** No game takes longer over a line on which it could be played. */
  const GIVE_UP_AFTER_MS = 30_000;
  /** The provider checks before it answers with the game's page; this is for clocks and slow machines. */
  const CHECK_AFTER_LOAD_MS = 6_000;
  /** When our server is asked, after the page has opened: seldom, since most games are there before. */
  const ASK_AT_MS = [1_000, 2_500, 5_000, 10_000, 20_000];

  /** Our server answers in milliseconds, or not at all. */
  const ASK_MS_MAX = 4_000;

  const byId = (id) => document.getElementById(id);
  const opening = byId('opening');
  const isDemo = document.querySelector('[data-demo]').dataset.demo === 'yes';
  const timers = [];
  let checked = isDemo;
  let loaded = false;
  let over = false;

  const say = (text) => {
    byId('progress').textContent = text;
  };
  const reach = (step) => byId(step)?.classList.add('rh-timeline-good');
  const later = (work, ms) => timers.push(setTimeout(() => void work(), ms));

  function end() {
    over = true;
    for (const timer of timers) clearTimeout(timer);
    // The words stay for screen readers; the cover goes.
    opening.classList.add('launch-opened');
  }

  function open() {
    if (over) return;
    end();
    say('The game is open');
    // Somebody who is on their way out by keyboard is not pulled into the game.
    if (document.activeElement === document.body) byId('game').focus();
  }

  function fail(trouble) {
    if (over) return;
    end();
    opening.hidden = true;
    const panel = byId(trouble);
    panel.hidden = false;
    panel.focus();
  }

  async function ask() {
    if (over || checked) return;
    const signal = AbortSignal.timeout(ASK_MS_MAX);
    const { state } = await fetch(`/launch/state${location.search}`, { signal })
      .then((response) => response.json())
      .catch(() => ({ state: 'waiting' }));
    // The page that says why is made by the server.
    if (state === 'over') location.reload();
    if (state !== 'checked' || over) return;
    checked = true;
    reach('step-checked');
    say('Your session is checked; the game loads');
    if (loaded) open();
  }

  document.addEventListener(
    'load',
    (event) => {
      if (event.target.id !== 'game' || loaded) return;
      loaded = true;
      reach('step-loaded');
      if (checked) return open();
      void ask();
      later(ask, CHECK_AFTER_LOAD_MS / 2);
      later(() => ask().then(() => fail('not_checked')), CHECK_AFTER_LOAD_MS);
    },
    true,
  );
  for (const button of document.querySelectorAll('[data-show-game]')) {
    button.addEventListener('click', () => {
      for (const panel of document.querySelectorAll('[data-trouble]')) panel.hidden = true;
      byId('game').focus();
    });
  }
  opening.hidden = false;
  for (const ms of ASK_AT_MS) later(ask, ms);
  later(() => {
    byId('slow').hidden = false;
    say('This takes longer than usual');
  }, SLOW_AFTER_MS);
  later(
    () => void ask().then(() => fail(checked ? 'not_loaded' : 'not_checked')),
    GIVE_UP_AFTER_MS,
  );
})();
