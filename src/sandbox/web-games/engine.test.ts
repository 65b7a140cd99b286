import fc from 'fast-check';
import { CURRENCIES } from '../../domain/currency';
import { GAMES, type Game } from './catalogue';
import {
  drawRound,
  returnToPlayer,
  scriptFromJson,
  scriptToJson,
  SHAPES,
  stakeOf,
  totalsOf,
  withoutRefusedStake,
  type Script,
  type Shape,
  type Step,
} from './engine';
import { playExponent } from './game-service';
import { winsOf } from './machine';
import { stakesOf } from './spin-view';

const GAME = GAMES[0] as Game;
const rounds = (count: number, seed = 's', game = GAME) =>
  Array.from({ length: count }, (_, i) => drawRound(`${seed}/${String(i)}`, 100n, game));
const anyGame = fc.constantFrom(...GAMES);
const anyStake = fc
  .constantFrom(...CURRENCIES.keys())
  .chain((code) => fc.constantFrom(...stakesOf(playExponent(code) ?? 2)));
const anyRound = fc.tuple(fc.string(), anyStake, anyGame, fc.option(fc.constantFrom(...SHAPES)));

/** Checks what holds for every round of every game at every stake on offer. */
function always(check: (script: Script, game: Game, stake: bigint) => void): void {
  fc.assert(
    fc.property(anyRound, ([seed, stake, game, shape]) =>
      check(drawRound(seed, stake, game, shape ?? undefined), game, stake),
    ),
    { numRuns: 200 },
  );
}

test('the same seed is the same round, another seed another one', () => {
  expect(rounds(50)).toEqual(rounds(50));
  expect(rounds(50)).not.toEqual(rounds(50, 't'));
});

test('what is paid is what the reels show, line by line, by the paytable of the game', () => {
  always(({ spins }, game) => {
    for (const { reels, stake, wins } of spins) {
      expect(wins.map(({ line, symbol, tenths }) => ({ line, symbol, tenths }))).toEqual(
        winsOf(game, reels),
      );
      for (const { symbol, tenths, amount } of wins) {
        expect(tenths).toBe(game.symbols.find(({ name }) => name === symbol)?.pays);
        expect(amount * 10n).toBe(stake * BigInt(tenths));
      }
    }
  });
});

test('what goes over the wire is what the spins cost and pay, to the smallest coin', () => {
  always(({ steps, spins, shape }, _game, stake) => {
    expect(spins[0]?.stake).toBe(stake);
    expect(steps.filter((s) => s.kind === 'credit').map((s) => s.amount)).toEqual(
      spins.map((spin) => spin.stake),
    );
    spins.forEach((spin, of) => {
      const paid = steps.filter((step) => step.kind === 'debit' && step.of === of);
      const sum = paid.reduce((total, step) => total + step.amount, 0n);
      expect(sum).toBe(spin.wins.reduce((total, win) => total + win.amount, 0n));
    });
    expect(totalsOf(steps).win > 0n).toBe(/^(win|bonus$|bonus_open)/.test(shape));
  });
});

test('the reels show symbols of the game only, and the bonus symbol on all three opens the bonus round', () => {
  always(({ spins, shape }, game) => {
    const known = [game.bonus.name, ...game.symbols.map(({ name }) => name)];
    spins.forEach(({ reels }, index) => {
      expect(reels.map((row) => row.length)).toEqual([3, 3, 3]);
      for (const symbol of reels.flat()) expect(known).toContain(symbol);
      const opens = [0, 1, 2].every((reel) => reels.some((row) => row[reel] === game.bonus.name));
      expect(opens).toBe(shape.startsWith('bonus') && index === 0);
    });
  });
});

test.each(GAMES.map((game) => [game.title, game] as const))(
  '%s pays back between 94 and 97 % of all stakes, counted over every stop of its reels',
  (_title, game) => {
    const counted = returnToPlayer(game);
    expect(counted).toBeGreaterThan(0.94);
    expect(counted).toBeLessThan(0.97);
    // And that is what playing comes to.
    let stake = 0n;
    let win = 0n;
    for (const { steps } of rounds(5_000, 'rtp', game)) {
      const totals = totalsOf(steps);
      stake += totals.stake;
      win += totals.win;
    }
    expect(Math.abs(Number(win) / Number(stake) - counted)).toBeLessThan(0.08);
  },
);

test('500 rounds hold every shape', () => {
  expect(new Set(rounds(500).map((round) => round.shape))).toEqual(new Set(SHAPES));
});

const FORMS: Record<Shape, RegExp> = {
  loss_closed: /^C!$/,
  loss_open: /^C$/,
  loss_debit: /^C0!$/,
  win_closed: /^CD!$/,
  win_open: /^CD$/,
  bonus: /^C[CD]*D!$/,
  bonus_open: /^C[CD]*D$/,
  bonus_lost: /^CC+!$/,
};
const form = (steps: readonly Step[]) =>
  steps
    .map((s) => (s.kind === 'credit' ? 'C' : s.amount > 0n ? 'D' : '0') + (s.isClose ? '!' : ''))
    .join('');

test.each(SHAPES)('%s goes over the wire in its own form', (shape) => {
  for (let i = 0; i < 100; i++) {
    const { steps } = drawRound(`x${String(i)}`, 100n, GAME, shape);
    expect(form(steps)).toMatch(FORMS[shape]);
    // No win leaves before its stake.
    steps.forEach((step, at) => {
      if (step.kind === 'credit') return;
      const before = steps.slice(0, at).filter((s) => s.kind === 'credit').length;
      expect(step.of).toBeLessThan(before);
    });
  }
});

test('a bonus round can hold several stakes and more wins than stakes', () => {
  const forms = Array.from({ length: 100 }, (_, i) =>
    form(drawRound(`b${String(i)}`, 100n, GAME, 'bonus').steps),
  );
  const count = (text: string, letter: string) => text.split(letter).length - 1;
  expect(forms.some((text) => count(text, 'D') > count(text, 'C'))).toBe(true);
  expect(forms.every((text) => count(text, 'C') > 1)).toBe(true);
});

test('a refused later stake takes only its own wins with it, and the round still closes', () => {
  const steps: Step[] = [
    { kind: 'credit', amount: 100n, isClose: false },
    { kind: 'credit', amount: 200n, isClose: false },
    { kind: 'debit', amount: 50n, isClose: false, of: 0 },
    { kind: 'debit', amount: 70n, isClose: true, of: 1 },
  ];
  const left = withoutRefusedStake(steps, 1);
  expect(form(left)).toBe('CCD0!');
  expect(stakeOf(left, 0)).toBe(100n);
  expect(form(withoutRefusedStake(steps, 0))).toBe('C');
});

test('a script survives its way through JSON', () => {
  for (const script of rounds(100)) {
    expect(scriptFromJson(JSON.parse(scriptToJson(script)))).toEqual(script);
  }
});
