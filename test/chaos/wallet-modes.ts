import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRandom } from './random';

/**
 * How the wallet can misbehave, in the order in which rates are added up. `before` and `after` say
 * whether the money moves: `either` is chosen for each request.
 */
export const WALLET_MODES = {
  hang: 'before',
  error500: 'either',
  lose: 'after',
  late: 'after',
  slow: 'after',
  garbage: 'either',
  reset: 'before',
  half_close: 'after',
  redirect: 'before',
  refuse_funds: 'before',
} as const satisfies Record<string, 'before' | 'after' | 'either'>;

export type WalletMode = keyof typeof WALLET_MODES;
export type WalletRates = Partial<Record<WalletMode, number>>;

/** What happens to one request. */
export interface ModeChoice {
  readonly mode: WalletMode | 'honest';
  /** Whether the request is carried out, should it be good. */
  readonly moves: boolean;
  /** In [0, 1): for whatever else has to be chosen, such as the kind of garbage. */
  readonly detail: number;
}

const MODE_NAMES = Object.keys(WALLET_MODES) as WalletMode[];

/**
 * Chooses by seed, endpoint, bet and how often the bet was asked about: the order in which requests of
 * different bets arrive changes nothing.
 */
export function chooseMode(
  seed: number,
  request: { partner: string; endpoint: string; betId: string; turn: number },
  rates: WalletRates,
): ModeChoice {
  const name = `${request.partner}/${request.endpoint}/${request.betId}/${String(request.turn)}`;
  // Two streams: another rate changes which requests are hit, and not what happens to those that are.
  let left = createRandom(seed, `mode ${name}`).next();
  const details = createRandom(seed, `detail ${name}`);
  const coin = details.chance(0.5);
  const detail = details.next();
  for (const mode of MODE_NAMES) {
    left -= rates[mode] ?? 0;
    if (left >= 0) continue;
    const when = WALLET_MODES[mode];
    return { mode, moves: when === 'after' || (when === 'either' && coin), detail };
  }
  return { mode: 'honest', moves: true, detail };
}

/** What `POST /control` can set. Without `partner` it is for all of them. */
export interface WalletControl {
  readonly partner?: string;
  /** Replaces the rates there were; those not named are 0. */
  readonly modes?: WalletRates;
  /** False: refusals are forgotten, and funds are looked at before repeats. */
  readonly certified?: boolean;
}

interface Standing {
  modes: WalletRates;
  certified: boolean;
}

export interface WalletSwitchboard {
  of(partner: string): Standing;
  /** @throws Error naming what cannot be set */
  set(control: unknown): void;
  all(): Record<string, Standing>;
}

/** The rates in force, kept in a file of their own, so that a killed wallet misbehaves on as before. */
export function createWalletSwitchboard(
  file: string,
  partners: readonly string[],
): WalletSwitchboard {
  const standing = new Map<string, Standing>(
    partners.map((partner) => [partner, { modes: {}, certified: true }]),
  );
  if (existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Standing>;
    for (const [partner, one] of Object.entries(kept)) standing.set(partner, one);
  }
  const all = () => Object.fromEntries(standing);
  return {
    of: (partner) => standing.get(partner) ?? { modes: {}, certified: true },
    all,
    set(control) {
      const { partner, modes, certified } = checked(control);
      if (partner !== undefined && !standing.has(partner)) throw new Error(`no partner ${partner}`);
      for (const [name, one] of standing) {
        if (partner !== undefined && name !== partner) continue;
        if (modes) one.modes = modes;
        if (certified !== undefined) one.certified = certified;
      }
      writeFileSync(`${file}.new`, JSON.stringify(all()));
      renameSync(`${file}.new`, file);
    },
  };
}

function checked(control: unknown): WalletControl {
  if (typeof control !== 'object' || control === null) throw new Error('control must be an object');
  const { partner, modes, certified } = control as WalletControl;
  if (partner !== undefined && typeof partner !== 'string') throw new Error('partner is no text');
  if (certified !== undefined && typeof certified !== 'boolean') throw new Error('certified');
  let sum = 0;
  for (const [mode, rate] of Object.entries(modes ?? {})) {
    if (!Object.hasOwn(WALLET_MODES, mode)) throw new Error(`no mode ${mode}`);
    if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1)) throw new Error(`rate of ${mode}`);
    sum += rate;
  }
  if (sum > 1.000_001) throw new Error('the rates are more than 1 together');
  return {
    ...(partner === undefined ? {} : { partner }),
    ...(modes ? { modes } : {}),
    ...(certified === undefined ? {} : { certified }),
  };
}
