import * as fc from 'fast-check';
import { FIRST_PACE, nextPace, type BatchResult, type DrainPace } from './drain-pace';

const WIDTH_MAX = 16;

/** A wallet and a machine that do `capacity` calls a second, and each call alone one in a tenth of a second. */
function answered(width: number, capacity: number): BatchResult {
  return {
    done: width * 8,
    failed: 0,
    widthMax: WIDTH_MAX,
    perSecond: Math.min(width * 10, capacity),
  };
}

function widths(batches: number, capacity: number, from: DrainPace = FIRST_PACE): number[] {
  let pace = from;
  return Array.from({ length: batches }, () => {
    pace = nextPace(pace, answered(pace.width, capacity));
    return pace.width;
  });
}

test('a drain is twice as wide with each batch for as long as that pays', () => {
  expect(widths(6, 1_000)).toEqual([2, 4, 8, 16, 16, 16]);
});

test('where twice as many at once do no more a second, it is as narrow as before, and tries again later', () => {
  expect(widths(5, 42)).toEqual([2, 4, 8, 4, 4]);
  const long = widths(40, 42);
  expect(long.filter((width) => width === 8).length).toBeGreaterThan(1);
  expect(long.filter((width) => width === 8).length).toBeLessThan(5);
  expect(Math.max(...long)).toBe(8);
});

test('a machine that has become faster is used', () => {
  let pace = FIRST_PACE;
  for (let batch = 0; batch < 8; batch++) pace = nextPace(pace, answered(pace.width, 42));
  expect(widths(40, 1_000, pace).at(-1)).toBe(WIDTH_MAX);
});

test('when nobody answers one call is made at once, and the first answer makes what waits due', () => {
  let pace = FIRST_PACE;
  for (let batch = 0; batch < 5; batch++) pace = nextPace(pace, answered(pace.width, 1_000));
  pace = nextPace(pace, { done: 0, failed: 16, widthMax: WIDTH_MAX });
  expect(pace).toEqual({ width: 1, failing: true, recovered: false });
  pace = nextPace(pace, { done: 1, failed: 0, widthMax: WIDTH_MAX });
  expect(pace).toMatchObject({ failing: false, recovered: true });
});

test('when more fail than are done it is half as wide', () => {
  const pace = { width: 8, failing: false, recovered: false };
  expect(nextPace(pace, { done: 3, failed: 5, widthMax: WIDTH_MAX }).width).toBe(4);
});

test('a batch too small to tell leaves the width as it is known to pay', () => {
  let pace = FIRST_PACE;
  for (let batch = 0; batch < 4; batch++) pace = nextPace(pace, answered(pace.width, 42));
  expect(pace.width).toBe(4);
  for (let batch = 0; batch < 30; batch++) {
    pace = nextPace(pace, { done: 1, failed: 0, widthMax: WIDTH_MAX });
    expect(pace.width).toBe(4);
  }
});

test('answered probes, one call each, do not widen it', () => {
  let pace = FIRST_PACE;
  for (let probe = 0; probe < 6; probe++) {
    pace = nextPace(pace, { done: 1, failed: 0, widthMax: WIDTH_MAX });
    expect(pace.width).toBe(1);
  }
  expect(widths(2, 1_000, pace)).toEqual([2, 4]);
});

test('whatever happens, at least one call is made at once and never more than the partner allows', () => {
  const batch = fc.record({
    done: fc.nat(20),
    failed: fc.nat(20),
    widthMax: fc.constant(WIDTH_MAX),
    perSecond: fc.option(fc.double({ min: 0, max: 1_000, noNaN: true }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 60 }), (batches) => {
      let pace = FIRST_PACE;
      for (const each of batches) {
        pace = nextPace(pace, each);
        expect(pace.width).toBeGreaterThanOrEqual(1);
        expect(pace.width).toBeLessThanOrEqual(WIDTH_MAX);
      }
    }),
  );
});
