// Finds games while one types. Without it the form asks the server, which finds the same.
(() => {
  const form = document.getElementById('find');
  if (!form) return;
  const tiles = [...document.querySelectorAll('#games > li')];
  const found = document.getElementById('found');
  const none = document.getElementById('none');
  const plain = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const names = new Map(tiles.map((tile) => [tile, plain(tile.textContent)]));

  function show() {
    const words = plain(form.elements.q.value).split(/\s+/);
    let count = 0;
    for (const [tile, name] of names) {
      tile.hidden = !words.every((word) => name.includes(word));
      if (!tile.hidden) count += 1;
    }
    none.hidden = count > 0;
    found.textContent = `${count === tiles.length ? '' : `${count} of `}${tiles.length} games`;
  }

  form.elements.q.addEventListener('input', show);
  form.addEventListener('submit', (event) => event.preventDefault());
})();
