import type { Client } from '@temporalio/client';
import type { Pool } from '../../src/db/pool';
import { indexed, LIMITS, type Evidence, type Index, type Limits } from './invariants-evidence';
import { conservation, zeroDouble, zeroLost } from './invariants-money';
import { history, order, sameBytes, trace } from './invariants-order';
import { createBetIds, readOurBook, readWorkflows, untilQuiet } from './invariants-read';
import { replayHistories } from './invariants-replay';
import { bounded, drained, replayed, sticky, tenancy, terminal } from './invariants-rest';
import type { ProviderBook } from './provider-book';
import { readWalletJournal } from './wallet-journal';

export const INVARIANTS = {
  I1: zeroDouble,
  I2: zeroLost,
  I3: conservation,
  I4: order,
  I5: terminal,
  I6: sticky,
  I7: sameBytes,
  I8: history,
  I9: tenancy,
  I10: trace,
  I11: bounded,
  I12: drained,
  I13: replayed,
} as const satisfies Record<string, (index: Index) => string[]>;

export type InvariantName = keyof typeof INVARIANTS;
/** `ok`, or a sentence that names the rows. */
export type Invariants = Record<InvariantName, string>;

export interface CheckOptions {
  readonly pool: Pool;
  readonly providerBook: ProviderBook;
  readonly walletJournalFile: string;
  readonly client: Client;
  /** From the end of the faults until everything was at rest; null or infinite when it never was. */
  readonly drainMs: number | null;
  /** In `full`, one process's clock is shifted: its times are no order of events. */
  readonly scenario: string;
  readonly limits?: Partial<Limits>;
}

/** Operations that are asked for once more at the end. */
const REASKED = 50;
const ROWS_SHOWN = 10;
/** Scenarios in which the clock of one of our processes is shifted, by a day at most. */
const SHIFTED_CLOCKS: ReadonlySet<string> = new Set(['full', 'clock']);
const SHIFTED_CLOCK_TOLERANCE_MS = 2 * 86_400_000;

/** Checks the four books of a run that has come to rest. Reads only; the provider asks again for a sample. */
export async function checkInvariants(options: CheckOptions): Promise<Invariants> {
  const { pool, client, providerBook, scenario } = options;
  const reasked = (await providerBook.reask?.(REASKED)) ?? [];
  await untilQuiet(pool);
  const ours = await readOurBook(pool);
  return judge({
    provider: providerBook,
    reasked,
    wallet: readWalletJournal(options.walletJournalFile),
    ours,
    workflows: await readWorkflows(client, ours),
    unreplayable: await replayHistories(client),
    drainMs: options.drainMs,
    limits: {
      ...LIMITS,
      ...(SHIFTED_CLOCKS.has(scenario) ? { clockToleranceMs: SHIFTED_CLOCK_TOLERANCE_MS } : {}),
      ...options.limits,
    },
    betIdOf: await createBetIds(pool),
  });
}

/** Judges evidence, wherever it comes from. */
export function judge(evidence: Evidence): Invariants {
  const index = indexed(evidence);
  return Object.fromEntries(
    Object.entries(INVARIANTS).map(([name, check]) => [name, sentence(check(index))]),
  ) as Invariants;
}

function sentence(found: readonly string[]): string {
  if (found.length === 0) return 'ok';
  const more = found.length - ROWS_SHOWN;
  return found.slice(0, ROWS_SHOWN).join('. ') + (more > 0 ? `. And ${String(more)} more` : '');
}
