// Tells the player when the game's frame stays empty: the game itself is on another origin, so whether it
// has loaded is all that can be known of it here.
const HINT_AFTER_MS = 20_000;

const game = document.getElementById('game');
const hint = document.getElementById('slow');
const timer = setTimeout(() => {
  hint.hidden = false;
}, HINT_AFTER_MS);

game.addEventListener('load', () => {
  clearTimeout(timer);
  hint.hidden = true;
  game.focus();
});
