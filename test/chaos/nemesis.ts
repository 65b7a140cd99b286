import { sleep } from '../../src/lib/clock';
import type { ChaosMachine, OwnProcess } from './machine';
import type { PlannedFault } from './plan';
import type { ChaosProcess } from './processes';
import type { Random } from './random';
import { LINK_GROUPS, type FaultKind, type LinkFault } from './scenarios';
import type { WalletRates } from './wallet-modes';
import { NOISY_PARTNER, PARTNERS } from './world';

/** A fault as it was. */
export interface FaultRecord {
  readonly kind: FaultKind;
  /** Whom it met, in words; why not, when it did not fire. */
  readonly target: string;
  /** From the start of the run. */
  readonly beganMs: number;
  readonly endedMs: number;
  readonly fired: boolean;
}

export interface Nemesis {
  /** Carries out the plan; resolves when all of it has ended, or soon after `stop`. */
  run(): Promise<void>;
  /** Ends the faults under way and begins no more. */
  stop(): void;
  records(): readonly FaultRecord[];
  /** SIGKILLs by victim: api, worker, postgres, temporal, wallet. */
  kills(): Readonly<Record<string, number>>;
}

/** What a fault has done; `undo` is called when its time is over. */
type Effect = { readonly target: string; readonly undo?: () => Promise<void> | void };

/** A victim that is just being started again is waited for this long. */
const VICTIM_UP_MS = 30_000;

const DAY_MS = 86_400_000;
const CLOCK_OFFSETS_MS = [600_000, -600_000, DAY_MS, -DAY_MS] as const;

/** The rates of each way in which wallets fail for a while; of all three partners unless it says one. */
const WALLET_FAULTS: Readonly<Partial<Record<FaultKind, WalletRates>>> = {
  wallet_hangs: { hang: 0.4 },
  wallet_errs: { error500: 0.5 },
  wallet_loses_answers: { lose: 0.4, late: 0.15, half_close: 0.1, reset: 0.1 },
  wallet_garbles: { garbage: 0.35, redirect: 0.1 },
  // Together: a stake that was taken, whose repeat is refused, is what certification is about.
  wallet_refuses: { lose: 0.35, refuse_funds: 0.35 },
  wallet_dies_on_one_partner: { hang: 1 },
  wallet_loses_most_of_one_partner: { lose: 0.85 },
};

/** Does what the plan says, and writes down what became of it. */
export function createNemesis(
  machine: ChaosMachine,
  plan: readonly PlannedFault[],
  usual: WalletRates,
  report: (line: string) => void,
): Nemesis {
  const stopping = new AbortController();
  const records: FaultRecord[] = [];
  const kills: Record<string, number> = {};
  const beganAt = Date.now();
  const elapsed = () => Date.now() - beganAt;

  async function carryOut(fault: PlannedFault): Promise<void> {
    await sleep(Math.max(0, fault.atMs - elapsed()), stopping.signal);
    if (stopping.signal.aborted) return;
    const beganMs = elapsed();
    let effect: Effect | string;
    try {
      effect = await begin(fault);
    } catch (error) {
      effect = error instanceof Error ? error.message : String(error);
    }
    const fired = typeof effect !== 'string';
    const target = typeof effect === 'string' ? effect : effect.target;
    report(`${fired ? 'fault' : 'FAULT NOT FIRED'} ${fault.kind}: ${target}`);
    if (typeof effect !== 'string' && effect.undo) {
      await sleep(fault.durationMs, stopping.signal);
      await effect.undo();
    }
    records.push({ kind: fault.kind, target, beganMs, endedMs: elapsed(), fired });
  }

  /** A sentence instead of an effect says why nothing was done. */
  async function begin(fault: PlannedFault): Promise<Effect | string> {
    const { kind, random, durationMs } = fault;
    const { apis, workers, postgres, temporal, wallet } = machine;
    switch (kind) {
      case 'kill_api':
        return kill('api', random.pick(apis), durationMs);
      case 'kill_worker':
        return kill('worker', random.pick(workers), durationMs);
      case 'kill_both_workers':
        return killAll('worker', workers, durationMs);
      case 'kill_wallet':
        return kill('wallet', wallet, durationMs);
      case 'restart_postgres':
        // SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, recovery from the log.
        return kill('postgres', postgres, durationMs, 'SIGQUIT');
      case 'restart_temporal':
        return kill('temporal', temporal, durationMs);
      case 'pause_api':
        return pause(random.pick(apis));
      case 'pause_worker':
        return pause(random.pick(workers));
      case 'shift_clock':
        return shiftClock(
          random.pick([...new Set([...apis, ...workers])]),
          random.pick(CLOCK_OFFSETS_MS),
        );
      case 'wallet_hangs':
      case 'wallet_errs':
      case 'wallet_loses_answers':
      case 'wallet_garbles':
      case 'wallet_refuses':
        return disturbWallet(WALLET_FAULTS[kind] ?? {}, random.pick(PARTNERS));
      case 'wallet_dies_on_one_partner':
      case 'wallet_loses_most_of_one_partner':
        return disturbWallet(WALLET_FAULTS[kind] ?? {}, NOISY_PARTNER);
      default:
        return disturbLink(kind, random);
    }
  }

  async function kill(
    victims: string,
    victim: ChaosProcess,
    downMs: number,
    signal: NodeJS.Signals = 'SIGKILL',
  ): Promise<Effect | string> {
    const killed = (await victim.untilUp(VICTIM_UP_MS)) && (await victim.kill(signal, downMs));
    if (!killed) return `${victim.name} was not up`;
    kills[victims] = (kills[victims] ?? 0) + 1;
    return { target: `${victim.name}, down for ${String(downMs)} ms` };
  }

  async function killAll(
    victims: string,
    all: readonly ChaosProcess[],
    downMs: number,
  ): Promise<Effect | string> {
    const effects = await Promise.all(all.map((victim) => kill(victims, victim, downMs)));
    return (
      effects.find((effect) => typeof effect === 'string') ?? {
        target: all.map(({ name }) => name).join(' and '),
      }
    );
  }

  async function pause(victim: ChaosProcess): Promise<Effect | string> {
    const resume = (await victim.untilUp(VICTIM_UP_MS)) ? victim.pause() : undefined;
    return resume ? { target: victim.name, undo: resume } : `${victim.name} was not up`;
  }

  /** The shift needs a start of the process, and so does its end; both are kills. */
  async function shiftClock(victim: OwnProcess, offsetMs: number): Promise<Effect | string> {
    const restart = async (ms: number) => {
      victim.shiftClock(ms);
      return (await victim.untilUp(VICTIM_UP_MS)) && victim.kill('SIGKILL', 0);
    };
    if (!(await restart(offsetMs)) || !(await victim.untilUp(VICTIM_UP_MS))) {
      victim.shiftClock(0);
      return `${victim.name} was not up`;
    }
    return {
      target: `${victim.name} by ${String(offsetMs / 60_000)} min`,
      undo: async () => void (await restart(0)),
    };
  }

  async function disturbWallet(rates: WalletRates, partner: string): Promise<Effect | string> {
    if (!(await machine.wallet.untilUp(VICTIM_UP_MS))) return 'the wallet was not up';
    const told = await setRates(partner, rates);
    return told === undefined
      ? { target: partner, undo: async () => void (await setRates(partner, usual)) }
      : told;
  }

  /** The wallet program may be dying at this very moment: asked until it has taken the rates in. */
  async function setRates(partner: string, modes: WalletRates): Promise<string | undefined> {
    for (let turn = 1; ; turn++) {
      try {
        await machine.controlWallet({ partner, modes });
        return undefined;
      } catch (error) {
        if (turn === 50) return error instanceof Error ? error.message : String(error);
        await sleep(200);
      }
    }
  }

  async function disturbLink(kind: FaultKind, random: Random): Promise<Effect> {
    const group = LINK_GROUPS.find((name) => kind.endsWith(`_${name}`));
    const fault = kind.slice(0, -1 - (group?.length ?? 0)) as LinkFault;
    const { name, proxy } = random.pick(machine.links.filter((link) => link.group === group));
    const direction = random.pick(['up', 'down'] as const);
    const pass = () => {
      proxy.disturb('up', { kind: 'pass' });
      proxy.disturb('down', { kind: 'pass' });
    };
    switch (fault) {
      case 'cut':
        return { target: `${name}, ${String(proxy.cut())} connections` };
      case 'half_close': {
        const count = proxy.halfClose(direction);
        // Whoever has not noticed by then shall not wait for ever.
        return {
          target: `${name} ${direction}, ${String(count)} connections`,
          undo: () => void proxy.cut(),
        };
      }
      case 'refuse':
        await proxy.refuse();
        return { target: name, undo: () => proxy.welcome() };
      case 'delay': {
        const msMax = random.int(50, 400);
        proxy.disturb(direction, { kind: 'delay', msMin: 5, msMax });
        return { target: `${name} ${direction}, up to ${String(msMax)} ms`, undo: pass };
      }
      case 'slice': {
        const bytesMax = random.int(1, 60);
        proxy.disturb(direction, { kind: 'slice', bytesMax });
        return { target: `${name} ${direction}, ${String(bytesMax)} bytes`, undo: pass };
      }
    }
  }

  return {
    async run() {
      await Promise.all(plan.map(carryOut));
    },
    stop: () => stopping.abort(),
    records: () => records,
    kills: () => kills,
  };
}
