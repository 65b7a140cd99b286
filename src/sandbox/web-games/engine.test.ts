import {
  drawRound,
  scriptFromJson,
  scriptToJson,
  SHAPES,
  stakeOf,
  totalsOf,
  withoutRefusedStake,
  type Shape,
  type Step,
} from './engine';

const SYMBOLS = ['star', 'moon', 'pine'];
const rounds = (count: number, seed = 's') =>
  Array.from({ length: count }, (_, i) => drawRound(`${seed}/${String(i)}`, 100n, SYMBOLS));

test('the same seed is the same round, another seed another one', () => {
  expect(rounds(50)).toEqual(rounds(50));
  expect(rounds(50)).not.toEqual(rounds(50, 't'));
});

test('about 95 % of all stakes come back, over every shape', () => {
  let stake = 0n;
  let win = 0n;
  const seen = new Set<Shape>();
  for (const { steps, shape } of rounds(40_000)) {
    const totals = totalsOf(steps);
    stake += totals.stake;
    win += totals.win;
    seen.add(shape);
  }
  expect(seen).toEqual(new Set(SHAPES));
  const percent = Number((win * 1000n) / stake) / 10;
  expect(percent).toBeGreaterThan(92);
  expect(percent).toBeLessThan(98);
});

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

test.each(SHAPES)('%s goes over the wire in its own form, and its reels fit', (shape) => {
  for (let i = 0; i < 100; i++) {
    const { steps, reels } = drawRound(`x${String(i)}`, 100n, SYMBOLS, shape);
    expect(form(steps)).toMatch(FORMS[shape]);
    const alike = new Set(reels[1]).size === 1;
    expect(alike).toBe(!shape.startsWith('loss'));
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
    form(drawRound(`b${String(i)}`, 100n, SYMBOLS, 'bonus').steps),
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
