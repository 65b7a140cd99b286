import { createPermits } from './permits';

describe('permits', () => {
  test('are handed on in the order they were asked for', async () => {
    const permits = createPermits(2);
    expect([await permits.take(0), await permits.take(0)]).toEqual([true, true]);
    const order: number[] = [];
    const waits = [1, 2].map((n) => permits.take(5_000).then(() => order.push(n)));
    permits.giveBack();
    await waits[0];
    permits.giveBack();
    await waits[1];
    expect(order).toEqual([1, 2]);
    expect(permits.free()).toBe(0);
  });

  test('as many may wait as there are permits; whoever comes behind them is refused at once', async () => {
    const permits = createPermits(1);
    await permits.take(0);
    const waiting = permits.take(5_000);
    expect(await permits.take(5_000)).toBe(false);
    permits.giveBack();
    expect(await waiting).toBe(true);
  });

  test('who gave up waiting is not handed one', async () => {
    const permits = createPermits(1);
    await permits.take(0);
    expect(await permits.take(10)).toBe(false);
    permits.giveBack();
    expect(permits.free()).toBe(1);
  });

  test('closing refuses who waits and who comes later, and ends when all are back', async () => {
    const permits = createPermits(1);
    await permits.take(0);
    const waiting = permits.take(5_000);
    const closed = permits.close();
    expect(await waiting).toBe(false);
    expect(await permits.take(0)).toBe(false);
    permits.giveBack();
    await closed;
  });
});
