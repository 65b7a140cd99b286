import { LateError, sleep, systemClock, within } from './clock';

test('the system clock tells milliseconds since the epoch', () => {
  const before = Date.now();
  const now = systemClock.nowMs();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});

describe('sleep', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('ends after its time, not before, and lets go of the signal', async () => {
    const controller = new AbortController();
    const removed = jest.spyOn(controller.signal, 'removeEventListener');
    let ended = false;
    const sleeping = sleep(1_000, controller.signal).then(() => (ended = true));
    await jest.advanceTimersByTimeAsync(999);
    expect(ended).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    await sleeping;
    expect(removed).toHaveBeenCalledTimes(1);
  });

  test('an abort ends it early, without an error and without a timer left', async () => {
    const controller = new AbortController();
    const sleeping = sleep(60_000, controller.signal);
    controller.abort();
    await expect(sleeping).resolves.toBeUndefined();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('an abort that came before leaves nothing to wait for', async () => {
    await expect(sleep(60_000, AbortSignal.abort())).resolves.toBeUndefined();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('within', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('tells what came in time, good or bad, and leaves no timer', async () => {
    await expect(within(1_000, Promise.resolve('it'))).resolves.toBe('it');
    await expect(within(1_000, Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('waits no longer than it was told, and what comes later harms nobody', async () => {
    const slow = sleep(2_000).then(() => Promise.reject(new Error('too late to matter')));
    const told = within(1_000, slow).catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await told).toBeInstanceOf(LateError);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });
});
