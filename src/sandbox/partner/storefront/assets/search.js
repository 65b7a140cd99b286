// Filters the games while one types. Without it the form asks the server, which prints the same.

const form = document.querySelector('[role="search"]');
const input = form.querySelector('input');
const found = document.querySelector('[data-testid="found"]');

function search() {
  const wanted = input.value.trim().toLowerCase();
  const words = wanted.split(/\s+/);
  let count = 0;
  for (const group of document.querySelectorAll('[data-search-group]')) {
    let shown = 0;
    for (const game of group.querySelectorAll('[data-search]')) {
      game.hidden = !words.every((word) => game.dataset.search.includes(word));
      if (!game.hidden) shown += 1;
    }
    group.hidden = shown === 0;
    count += shown;
  }
  found.textContent = wanted === '' ? '' : textOf(count);
  const address = wanted === '' ? '/' : `/?${new URLSearchParams({ q: input.value.trim() })}`;
  history.replaceState(null, '', address);
}

function textOf(count) {
  if (count === 0) return 'No game has that name.';
  return count === 1 ? '1 game found' : `${count} games found`;
}

input.addEventListener('input', search);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  search();
});
