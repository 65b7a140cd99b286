// The reels: they turn while the server is asked, and stop one after the other on what it said.
const ROWS = 3;
/** One symbol's way at full speed, in milliseconds. */
const STEP_MS = 55;
const STOP_MS = 620;
/** Symbols that still run through before a reel rests. */
const RUN_OUT = 7;
const STAGGER_MS = 230;
/** How much longer the last reel turns when the first two show the bonus symbol. */
const TEASE_MS = 900;
/** While nobody knows what became of the stake. */
const SLOW = 0.25;

const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function createReel(element, symbols, art) {
  const strip = element.querySelector('.strip');
  let turning;
  let shown = symbols.slice(0, ROWS);

  const cell = (name) => {
    const box = document.createElement('div');
    box.className = 'cell';
    const picture = document.createElement('img');
    picture.src = `${art}/${name}.svg`;
    picture.alt = '';
    box.append(picture);
    return box;
  };
  const fill = (names) => strip.replaceChildren(...names.map(cell));
  const at = (index, count) => ({ transform: `translateY(${(-100 * index) / count}%)` });

  return {
    cells: () => [...strip.children].slice(-ROWS),
    set(names) {
      shown = names;
      fill(names);
    },
    start() {
      if (calm()) {
        element.classList.add('asking');
        return;
      }
      // Out of rest with what is shown at the end, then round and round.
      fill([...symbols, ...shown]);
      const count = symbols.length + ROWS;
      const away = strip.animate([at(symbols.length, count), at(0, count)], {
        duration: symbols.length * STEP_MS * 0.8,
        easing: 'cubic-bezier(.5, -.12, .8, .7)',
        fill: 'forwards',
      });
      turning = away;
      away.finished.then(
        () => {
          if (turning !== away) return;
          fill([...symbols, ...symbols.slice(0, ROWS)]);
          turning = strip.animate([at(symbols.length, count), at(0, count)], {
            duration: symbols.length * STEP_MS,
            iterations: Infinity,
          });
        },
        () => undefined,
      );
    },
    slow(isSlow) {
      turning?.updatePlaybackRate(isSlow ? SLOW : 1);
    },
    async stop(names, skip) {
      element.classList.remove('asking');
      const wasTurning = turning;
      turning = undefined;
      wasTurning?.cancel();
      shown = names;
      if (!wasTurning || calm() || skip.aborted) {
        fill(names);
        return;
      }
      // One symbol above the three, so that the reel can swing a little past its rest.
      const filler = Array.from({ length: RUN_OUT }, (_, i) => symbols[i % symbols.length]);
      fill([symbols[0], ...names, ...filler]);
      const count = 1 + ROWS + RUN_OUT;
      const rest = strip.animate([at(1 + RUN_OUT, count), at(1, count)], {
        duration: STOP_MS,
        easing: 'cubic-bezier(.18, .8, .3, 1.07)',
        fill: 'forwards',
      });
      const hurry = () => rest.finish();
      skip.addEventListener('abort', hurry);
      await rest.finished;
      skip.removeEventListener('abort', hurry);
      rest.cancel();
      fill(names);
    },
  };
}

/**
 * @param root the element with the three reels
 * @param onStop called as each reel comes to rest
 */
export function createReels(root, { strips, art, bonus, onStop }) {
  const reels = [...root.querySelectorAll('.reel')].map((element, i) =>
    createReel(element, strips[i], art),
  );
  const columns = (rows) => [0, 1, 2].map((reel) => rows.map((row) => row[reel]));

  return {
    calm,
    set(rows) {
      columns(rows).forEach((names, i) => reels[i].set(names));
    },
    start() {
      root.classList.add('turning');
      for (const reel of reels) reel.start();
    },
    slow(isSlow) {
      for (const reel of reels) reel.slow(isSlow);
    },
    async stop(rows, skip) {
      const names = columns(rows);
      const teases = names[0].includes(bonus) && names[1].includes(bonus);
      await Promise.all(
        reels.map(async (reel, i) => {
          const wait = i * STAGGER_MS + (teases && i === 2 ? TEASE_MS : 0);
          if (!calm()) await Promise.race([pause(wait), aborted(skip)]);
          await reel.stop(names[i], skip);
          onStop(i);
        }),
      );
      root.classList.remove('turning');
    },
    /** Nothing came of it: back to what stood there. */
    rest(rows) {
      root.classList.remove('turning');
      const skip = AbortSignal.abort();
      columns(rows).forEach((names, i) => void reels[i].stop(names, skip));
    },
    cell: (reel, row) => reels[reel].cells()[row],
  };
}

function aborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', resolve, { once: true });
  });
}
