import { sleep } from '../src/lib/clock';
import type { AnsweredCall, LoadDriver, Played, Shape } from './load/play';
import { cpuSecondsOf } from './measure/cpu';
import type { PostgresMeter } from './measure/postgres';
import { readRequests } from './measure/temporal';
import type { Stage } from './stage';
import type { Subject } from './subject';
import type { WalletCall } from './wallet/book';

/** One subject's turn: some seconds of one shape at one number in flight. */
export interface Turn {
  readonly subject: Subject['name'];
  readonly shape: Shape;
  readonly inFlight: number;
  readonly rounds: number;
  /** From the first call until the wallet had everything of every round. */
  readonly seconds: number;
  /** Milliseconds, one a call. `Ours` is what is left without the wallet's own time. */
  readonly credit: readonly number[];
  readonly creditOurs: readonly number[];
  readonly debit: readonly number[];
  readonly debitOurs: readonly number[];
  readonly duplicates: number;
  readonly retries: number;
  readonly refused: number;
  /** CPU seconds by process, all of the turn and what follows it. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly writes: number;
  readonly walBytes: number;
  readonly transactions: number;
  /** Requests to Temporal by operation; empty where there is none. */
  readonly requests: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

/** How long the wallet may wait for what is owed to it after the last answer. */
const FINISH_MS = 60_000;
/** What ends after the wallet's last call (a last workflow task, a note that is saved late) counts too. */
const SETTLE_MS = 400;

/** Above the revive window, after which a stake that was refused and came true is given back. */
const BOOKS_WAIT_MS = 90_000;
const BOOKS_POLL_MS = 3_000;

/** A subject with the provider that plays on it. */
export interface Seat {
  readonly subject: Subject;
  readonly driver: LoadDriver;
}

/** Plays one turn and measures it. Only one turn may be played at a time. */
export async function playTurn(
  { stage, meter }: { stage: Stage; meter: PostgresMeter },
  { subject, driver }: Seat,
  options: { shape: Shape; inFlight: number; seconds: number },
): Promise<Turn> {
  const { shape, inFlight } = options;
  await subject.wallet.calls();
  const { finished: before } = await subject.wallet.books();
  const read = () => readCounters(stage, meter, subject);
  const start = await read();
  const beganAt = performance.now();
  const endsAt = beganAt + options.seconds * 1_000;
  const played = await driver.play({ shape, inFlight, goOn: () => performance.now() < endsAt });
  const faults = [...played.faults];
  const wanted = before + played.rounds.length;
  if (!(await subject.wallet.untilFinished(wanted, FINISH_MS))) {
    faults.push('the wallet did not get everything');
  }
  const seconds = (performance.now() - beganAt) / 1_000;
  await sleep(SETTLE_MS);
  const end = await read();
  return {
    subject: subject.name,
    shape,
    inFlight,
    rounds: played.rounds.length,
    seconds,
    ...latencies(played, await subject.wallet.calls()),
    duplicates: played.duplicates,
    retries: played.retries,
    refused: played.refused,
    cpu: minus(end.cpu, start.cpu),
    writes: Number(end.postgres.writes - start.postgres.writes),
    walBytes: Number(end.postgres.walBytes - start.postgres.walBytes),
    transactions: end.postgres.transactions - start.postgres.transactions,
    requests: minus(end.requests, start.requests),
    faults,
  };
}

async function readCounters(stage: Stage, meter: PostgresMeter, subject: Subject) {
  const { postgres, temporal, temporalPostgres, wallet } = stage;
  const servers = {
    postgres,
    ...(subject.temporal ? { temporal } : {}),
    ...(subject.temporal && temporalPostgres ? { "temporal's postgres": temporalPostgres } : {}),
  };
  const cpu: Record<string, number> = {};
  for (const [name, { pid }] of Object.entries({ ...subject.processes, ...servers, wallet })) {
    cpu[name] = cpuSecondsOf(pid ?? 0);
  }
  const { user, system } = process.cpuUsage();
  cpu.provider = (user + system) / 1e6;
  const requests = subject.temporal
    ? Object.fromEntries(await readRequests(temporal.metricsUrl, subject.temporal.namespace))
    : {};
  return { cpu, requests, postgres: await meter.read(subject.database) };
}

function minus(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}

function latencies(
  { calls }: Played,
  walletCalls: readonly WalletCall[],
): Pick<Turn, 'credit' | 'creditOurs' | 'debit' | 'debitOurs'> {
  const byPlayer = new Map<string, WalletCall[]>();
  for (const call of walletCalls) {
    const name = `${call.endpoint} ${call.userAgent}`;
    const list = byPlayer.get(name);
    if (list) list.push(call);
    else byPlayer.set(name, [call]);
  }
  const result = { credit: [], creditOurs: [], debit: [], debitOurs: [] } as Record<
    'credit' | 'creditOurs' | 'debit' | 'debitOurs',
    number[]
  >;
  for (const call of calls) {
    const tookMs = Number(call.answeredNs - call.sentNs) / 1e6;
    const oursMs = tookMs - walletMs(call, byPlayer);
    (call.kind === 'stake' ? result.credit : result.debit).push(tookMs);
    (call.kind === 'stake' ? result.creditOurs : result.debitOurs).push(oursMs);
  }
  return result;
}

/** The wallet's own time for the call that moved the money, which arrived while the provider waited. */
function walletMs(
  { kind, userAgent, sentNs, answeredNs }: AnsweredCall,
  calls: ReadonlyMap<string, WalletCall[]>,
): number {
  const endpoint = kind === 'stake' ? 'bet' : 'settle-bet';
  return (calls.get(`${endpoint} ${userAgent}`) ?? [])
    .filter(({ arrivedNs }) => arrivedNs >= sentNs && arrivedNs <= answeredNs)
    .reduce((sum, { tookMs }) => sum + tookMs, 0);
}

/**
 * What does not agree between the provider's book, the wallet's and the subject's own: nothing, if all is
 * well. What is still on its way (a refused stake that came true and is given back) has time to arrive.
 */
export async function compareBooks(seat: Seat): Promise<string[]> {
  const end = Date.now() + BOOKS_WAIT_MS;
  for (;;) {
    const faults = await differences(seat);
    if (faults.length === 0 || Date.now() > end) return faults;
    await sleep(BOOKS_POLL_MS);
  }
}

async function differences({ subject, driver }: Seat): Promise<string[]> {
  const faults: string[] = [];
  const wallet = await subject.wallet.books();
  const provider = driver.book();
  let staked = 0n;
  let paid = 0n;
  for (const [player, told] of provider) {
    const held = wallet.sums.get(player) ?? { taken: 0n, given: 0n };
    staked += told.taken;
    paid += told.given;
    // What was taken and given back is no difference.
    if (held.given - held.taken === told.given - told.taken) continue;
    faults.push(
      `${player}: the provider has -${String(told.taken)} +${String(told.given)}, ` +
        `the wallet -${String(held.taken)} +${String(held.given)}`,
    );
  }
  for (const [player, { taken, given }] of wallet.sums) {
    if (!provider.has(player) && taken !== given)
      faults.push(`${player}: only the wallet has rounds`);
  }
  if (wallet.badSignatures > 0) faults.push(`${String(wallet.badSignatures)} bad signatures`);
  return [...faults, ...((await subject.audit?.({ staked, paid })) ?? [])];
}
