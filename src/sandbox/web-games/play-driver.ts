import { z } from 'zod';
import { currencyOf } from '../../domain/currency';
import { formatAmount, parseAmount } from '../../domain/money';
import { sleep } from '../../lib/clock';
import { askJson, InterruptedError, type Casino, type CasinoGame } from './casino';
import { createDraw } from './engine';

export interface PlayPlan {
  readonly rounds: number;
  readonly seed: string;
  readonly players: number;
  readonly concurrency: number;
  readonly partnerId: string;
  readonly progress: (text: string) => void;
}

export interface PlaySummary {
  readonly rounds: number;
  readonly by_shape: Record<string, number>;
  /** Per currency, as decimal text: what the casino accepted. */
  readonly stakes: Record<string, string>;
  readonly wins: Record<string, string>;
  /** Per code: stakes and wins the casino refused. */
  readonly refused: Record<string, number>;
  readonly top_ups: number;
  /** Calls without a definite answer in the end; null when the provider could not be asked. */
  readonly unanswered: number | null;
  readonly interruptions: readonly string[];
  readonly seconds: number;
  readonly rounds_per_second: number;
}

const VIEW = z.object({
  currency: z.string(),
  stakes: z.array(z.string()).min(1),
  busy: z.boolean(),
  round: z
    .object({
      round_id: z.string(),
      state: z.enum(['playing', 'finished', 'refused']),
      shape: z.string().nullable(),
      stake: z.string().nullable(),
      win: z.string().nullable(),
      notice: z.object({ code: z.number().nullable(), text: z.string() }).nullable(),
    })
    .nullable(),
});
type View = z.output<typeof VIEW>;

/** How long the driver waits, at the end and for each round, for calls to be answered. */
const PATIENCE_MS = 60_000;
const POLL_MS = 250;
const TOP_UP = '1000';

/**
 * Plays rounds over all shapes, the way players do. Players, games, stakes, shapes and amounts follow
 * from the seed alone.
 */
export async function playRounds(casino: Casino, plan: PlayPlan): Promise<PlaySummary> {
  const started = Date.now();
  const tally = createTally();
  const games = await casino.games();
  if (games.length === 0) throw new InterruptedError('the casino offers no games');
  const origins = new Set<string>();
  const players = Math.min(plan.players, plan.rounds);
  let next = 0;
  const playNext = async (): Promise<void> => {
    while (next < players) {
      const index = next++;
      const rounds = Math.floor(plan.rounds / players) + (index < plan.rounds % players ? 1 : 0);
      try {
        await playOne(casino, plan, games, { index, rounds }, origins, tally);
      } catch (error) {
        if (!(error instanceof InterruptedError)) throw error;
        tally.interruptions.push(`player ${String(index + 1)}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(plan.concurrency, players) }, playNext));
  const unanswered = await waitForAnswers([...origins], plan.partnerId);
  const seconds = (Date.now() - started) / 1000;
  return {
    rounds: tally.rounds,
    by_shape: sorted(tally.shapes),
    stakes: tally.stakes.print(),
    wins: tally.wins.print(),
    refused: sorted(tally.refused),
    top_ups: tally.topUps,
    unanswered,
    interruptions: tally.interruptions,
    seconds: Math.round(seconds * 10) / 10,
    rounds_per_second: Math.round((tally.rounds / Math.max(seconds, 0.001)) * 10) / 10,
  };
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether everything was answered: what the driver's exit code says. */
export function isComplete(summary: PlaySummary): boolean {
  return summary.unanswered === 0 && summary.interruptions.length === 0;
}

async function playOne(
  casino: Casino,
  plan: PlayPlan,
  games: readonly CasinoGame[],
  share: { readonly index: number; readonly rounds: number },
  origins: Set<string>,
  tally: Tally,
): Promise<void> {
  const name = `play${String(share.index + 1)}`;
  const draw = createDraw(`${plan.seed}/${name}`);
  const game = games[draw(games.length)] as CasinoGame;
  const player = await casino.createPlayer(name);
  const { origin, play } = await casino.openGame(player, game);
  origins.add(origin);
  const base = `${origin}/play/${play}`;
  const steered = await askJson(`${origin}/sandbox/sessions/${play}`, {
    method: 'PUT',
    body: { seed: `${plan.seed}/${name}` },
  });
  if (steered.status !== 200) throw new InterruptedError('the provider takes no seed');
  let view = read(await askJson(base));
  for (let round = 0; round < share.rounds; round++) {
    const stake = view.stakes[draw(view.stakes.length)];
    const answer = await askJson(`${base}/spin`, { method: 'POST', body: { stake } });
    view = await untilSettled(base, read(answer));
    tally.add(view);
    if (view.busy) throw new InterruptedError(`round ${view.round?.round_id ?? ''} has no answer`);
    if (tally.rounds % 50 === 0) plan.progress(`${String(tally.rounds)} of ${String(plan.rounds)}`);
    if (view.round?.notice?.code === 2) {
      await casino.topUp(player, TOP_UP);
      tally.topUps++;
    }
  }
}

function read(answer: { status: number; body: unknown }): View {
  const view = VIEW.safeParse(answer.body);
  if (answer.status === 200 && view.success) return view.data;
  throw new InterruptedError(
    `the provider answered HTTP ${String(answer.status)} ${JSON.stringify(answer.body)}`,
  );
}

async function untilSettled(base: string, first: View): Promise<View> {
  const end = Date.now() + PATIENCE_MS;
  let view = first;
  while (view.busy && Date.now() < end) {
    await sleep(POLL_MS);
    view = read(await askJson(base));
  }
  return view;
}

async function waitForAnswers(
  origins: readonly string[],
  partnerId: string,
): Promise<number | null> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    let count = 0;
    try {
      for (const origin of origins) {
        const url = `${origin}/sandbox/unanswered?partner_id=${partnerId}`;
        count += z.object({ count: z.number() }).parse((await askJson(url)).body).count;
      }
    } catch {
      return null;
    }
    if (count === 0 || Date.now() > end) return origins.length === 0 ? null : count;
    await sleep(POLL_MS);
  }
}

type Tally = ReturnType<typeof createTally>;

function createTally() {
  const shapes = new Map<string, number>();
  const refused = new Map<string, number>();
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  return {
    rounds: 0,
    topUps: 0,
    shapes,
    refused,
    interruptions: [] as string[],
    stakes: createSums(),
    wins: createSums(),
    add({ currency, round, busy }: View) {
      if (!round) return;
      this.rounds++;
      count(shapes, round.shape ?? (busy ? 'unknown' : 'refused'));
      if (!busy && round.notice) count(refused, String(round.notice.code ?? 'unknown'));
      if (round.stake !== null) this.stakes.add(currency, round.stake);
      if (round.win !== null) this.wins.add(currency, round.win);
    },
  };
}

/** Sums of decimal text per currency, exact to the last coin. */
function createSums() {
  const sums = new Map<string, bigint>();
  const exponentOf = (currency: string) => currencyOf(currency)?.exponent ?? 2;
  return {
    add(currency: string, text: string) {
      const amount = parseAmount(text, exponentOf(currency));
      if (amount.ok) sums.set(currency, (sums.get(currency) ?? 0n) + amount.minor);
    },
    print: () =>
      Object.fromEntries(
        [...sums].map(([currency, sum]) => [currency, formatAmount(sum, exponentOf(currency))]),
      ),
  };
}
