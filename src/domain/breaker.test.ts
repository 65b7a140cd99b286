import { breakerSign, createBreakerWindow, nextOpenMs, type BreakerTerms } from './breaker';

const TERMS: BreakerTerms = {
  ratio: 0.5,
  callsMin: 10,
  windowMs: 10_000,
  openMsMin: 15_000,
  openMsMax: 60_000,
};

test('a breaker opens at half of the calls failed, over at least ten calls', () => {
  const window = createBreakerWindow();
  for (let call = 0; call < 5; call++) expect(window.add(false, call, TERMS)).toBe(false);
  for (let call = 5; call < 9; call++) expect(window.add(true, call, TERMS)).toBe(false);
  expect(window.add(true, 9, TERMS)).toBe(true);
});

test('nine failures in a row are no reason yet, the tenth is', () => {
  const window = createBreakerWindow();
  for (let call = 0; call < 9; call++) expect(window.add(true, call, TERMS)).toBe(false);
  expect(window.add(true, 9, TERMS)).toBe(true);
});

test('failures older than the window do not count', () => {
  const window = createBreakerWindow();
  for (let call = 0; call < 9; call++) window.add(true, 0, TERMS);
  expect(window.add(true, 10_000, TERMS)).toBe(false);
});

test('a cleared window begins anew', () => {
  const window = createBreakerWindow();
  for (let call = 0; call < 10; call++) window.add(true, 0, TERMS);
  window.clear();
  expect(window.add(true, 0, TERMS)).toBe(false);
});

test('a refusal is an answer; a call that our own limit kept back says nothing', () => {
  expect(breakerSign({ kind: 'done', text: '' })).toBe('good');
  expect(breakerSign({ kind: 'declined', reason: 'funds', text: '' })).toBe('good');
  expect(breakerSign({ kind: 'unknown', reason: 'timeout', text: '' })).toBe('bad');
  expect(breakerSign({ kind: 'not_sent', reason: 'connect', text: '' })).toBe('bad');
  expect(breakerSign({ kind: 'not_sent', reason: 'busy', text: '' })).toBe('nothing');
});

test('a failed probe doubles the time, from 15 to 60 seconds and no further', () => {
  expect(nextOpenMs(15_000, TERMS)).toBe(30_000);
  expect(nextOpenMs(30_000, TERMS)).toBe(60_000);
  expect(nextOpenMs(60_000, TERMS)).toBe(60_000);
});
