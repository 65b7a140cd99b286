// Win lines: lit together, then one after the other until the next spin.
const CYCLE_MS = 1_600;

/** The cells of a line, from its own drawing: `4,50 50,50 150,150 …` runs through a cell each 100. */
function rowsOf(line) {
  return [...line.points].slice(1, -1).map(({ y }) => Math.floor(y / 100));
}

export function createLights(root, reels) {
  const lines = new Map(
    [...root.querySelectorAll('polyline')].map((line) => [Number(line.dataset.line), line]),
  );
  let timer;

  function light(wins) {
    for (const line of lines.values()) line.classList.remove('on');
    for (const cell of root.querySelectorAll('.cell.lit')) cell.classList.remove('lit');
    for (const { line } of wins) {
      const drawn = lines.get(line);
      drawn.classList.add('on');
      rowsOf(drawn).forEach((row, reel) => reels.cell(reel, row).classList.add('lit'));
    }
    root.classList.toggle('won', wins.length > 0);
  }

  return {
    off() {
      clearInterval(timer);
      root.classList.remove('bonus');
      light([]);
    },
    win(wins) {
      light(wins);
      if (wins.length < 2 || reels.calm()) return;
      let next = 0;
      timer = setInterval(() => {
        light(next < wins.length ? [wins[next]] : wins);
        next = (next + 1) % (wins.length + 1);
      }, CYCLE_MS);
    },
    /** The symbols that open a bonus round. */
    bonus(rows, name) {
      root.classList.add('bonus', 'won');
      rows.forEach((row, y) =>
        row.forEach((symbol, reel) => {
          if (symbol === name) reels.cell(reel, y).classList.add('lit');
        }),
      );
    },
  };
}
