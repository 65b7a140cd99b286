import { createSeats } from './seats';

test('whoever finds no seat is told so at once, and a seat is given back once', () => {
  const seats = createSeats(2);
  const first = seats.take();
  expect(first).toBeDefined();
  expect(seats.take()).toBeDefined();
  expect(seats.take()).toBeUndefined();
  first?.();
  first?.();
  expect(seats.take()).toBeDefined();
  expect(seats.take()).toBeUndefined();
});

test('each holder has seats of its own, and one that is held in any case counts', () => {
  const seats = createSeats(1);
  const held = [seats.hold('a'), seats.hold('a')];
  expect(seats.take('a')).toBeUndefined();
  expect(seats.take('b')).toBeDefined();
  held.forEach((release) => release());
  expect(seats.take('a')).toBeDefined();
});
