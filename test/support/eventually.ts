import { sleep } from '../../src/lib/clock';

/** Waits until `look` stops throwing: for what is to become true by itself. Throws its last error. */
export async function eventually<Seen>(
  look: () => Promise<Seen> | Seen,
  ms = 20_000,
): Promise<Seen> {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(50);
    }
  }
}
