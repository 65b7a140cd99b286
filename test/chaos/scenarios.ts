import type { WalletRates } from './wallet-modes';

/** Between whom a link runs. */
export const LINK_GROUPS = ['postgres', 'temporal', 'wallet', 'api'] as const;
export type LinkGroup = (typeof LINK_GROUPS)[number];

export const LINK_FAULTS = ['cut', 'delay', 'refuse', 'slice', 'half_close'] as const;
export type LinkFault = (typeof LINK_FAULTS)[number];

export type FaultKind =
  | 'kill_api'
  | 'kill_worker'
  | 'kill_both_workers'
  | 'kill_wallet'
  | 'pause_api'
  | 'pause_worker'
  | 'restart_postgres'
  | 'restart_temporal'
  | 'shift_clock'
  | 'wallet_hangs'
  | 'wallet_errs'
  | 'wallet_loses_answers'
  | 'wallet_garbles'
  | 'wallet_refuses'
  | 'wallet_dies_on_one_partner'
  | 'wallet_loses_most_of_one_partner'
  | `${LinkFault}_${LinkGroup}`;

/** One run's world: what goes wrong how often, and what may be left at its end. */
export interface Scenario {
  readonly name: string;
  /** What it shows, in a line. */
  readonly promise: string;
  /** Faults a minute, by kind. */
  readonly perMinute: Readonly<Partial<Record<FaultKind, number>>>;
  /** Whether every failpoint is armed once. */
  readonly failpoints: boolean;
  /** Whether the partners are certified (`dedup_before_funds`). */
  readonly certified: boolean;
  /** Whether the provider repeats a call that it has no answer to. */
  readonly providerRepeats: boolean;
  /** What the wallets do all the time, beside the faults. */
  readonly walletRates: WalletRates;
}

const KILLS = {
  kill_api: 1.5,
  kill_worker: 1.5,
  kill_both_workers: 0.3,
  kill_wallet: 0.6,
} as const;

const PAUSES = { pause_api: 0.3, pause_worker: 0.4 } as const;
const SERVERS = { restart_postgres: 0.5, restart_temporal: 0.4 } as const;

const WALLETS = {
  wallet_hangs: 0.4,
  wallet_errs: 0.4,
  wallet_loses_answers: 0.6,
  wallet_garbles: 0.4,
  wallet_refuses: 0.3,
  wallet_dies_on_one_partner: 0.5,
  wallet_loses_most_of_one_partner: 0.4,
} as const;

function links(perMinute: number): Partial<Record<FaultKind, number>> {
  return Object.fromEntries(
    LINK_GROUPS.flatMap((group) =>
      LINK_FAULTS.map((fault) => [`${fault}_${group}`, perMinute] as const),
    ),
  );
}

/** A wallet of an ordinary day: now and then an answer is slow, lost, or an error. */
const UNEVEN: WalletRates = { slow: 0.03, lose: 0.01, error500: 0.01 };
const GOOD: WalletRates = {};

const BASE = {
  failpoints: false,
  certified: true,
  providerRepeats: true,
  walletRates: UNEVEN,
} as const;

const ALL: Scenario[] = [
  {
    ...BASE,
    name: 'full',
    promise: 'everything fails, and not a cent is lost or moved twice',
    perMinute: {
      ...KILLS,
      ...PAUSES,
      ...SERVERS,
      ...WALLETS,
      ...links(0.15),
      shift_clock: 0.4,
    },
    failpoints: true,
  },
  {
    ...BASE,
    name: 'kills',
    promise: 'our own processes, the database, Temporal and the wallet are killed',
    perMinute: { ...KILLS, ...PAUSES, ...SERVERS },
  },
  {
    ...BASE,
    name: 'servers',
    promise: 'the database and Temporal are killed under processes that live on',
    perMinute: { restart_postgres: 3, restart_temporal: 1.5 },
  },
  {
    ...BASE,
    name: 'failpoints',
    promise: 'a process dies once at every point of the design, for every kind of call',
    perMinute: {
      wallet_loses_answers: 1.5,
      wallet_dies_on_one_partner: 1,
      wallet_loses_most_of_one_partner: 1,
    },
    failpoints: true,
  },
  {
    ...BASE,
    name: 'network',
    promise: 'every link is cut, delayed, refused, sliced and half closed',
    perMinute: links(0.5),
  },
  {
    ...BASE,
    name: 'wallet',
    promise: 'the wallets hang, lose answers, answer nonsense and die',
    perMinute: Object.fromEntries(
      [...Object.entries(WALLETS), ['kill_wallet', 0.6] as const].map(([kind, rate]) => [
        kind,
        rate * 2.5,
      ]),
    ),
  },
  { ...BASE, name: 'calm', promise: 'nothing fails', perMinute: {}, walletRates: GOOD },
  {
    ...BASE,
    name: 'uncertified',
    promise: 'wallets that are not certified: what stays open is named by a case',
    perMinute: { ...WALLETS, wallet_refuses: 3, kill_worker: 1, kill_api: 0.5 },
    certified: false,
  },
  {
    ...BASE,
    name: 'silent-provider',
    promise:
      'a provider that never repeats: stakes are given back, and what it was not told is named',
    perMinute: { ...KILLS, cut_api: 1.5, half_close_api: 1, wallet_loses_answers: 1 },
    providerRepeats: false,
  },
];

export const SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  ALL.map((scenario) => [scenario.name, scenario]),
);

const CALLS = ['stake', 'payout', 'compensation', 'carrier', 'close', 'history'] as const;

/** Where a process can be told to die, and for which kinds of call: `<point>.<kind>`. */
const FAILPOINTS: readonly string[] = [
  ...[
    'attempt_uncommitted',
    'attempt_committed',
    'call_sent',
    'reply_read',
    'result_committed',
    'drain_committed',
  ].flatMap((point) => CALLS.map((kind) => `${point}.${kind}`)),
  'close_committed.round',
  ...[
    'intent_uncommitted',
    'intent_committed',
    'request_handed',
    'answer_stored',
    'deadline_decided',
  ].flatMap((point) => ['stake', 'payout'].map((kind) => `${point}.${kind}`)),
];

/** @param apart API and worker are two processes: then no hand waits for more (docs/decisions/0015) */
export function failpointsOf(apart: boolean): readonly string[] {
  return apart ? FAILPOINTS : [...FAILPOINTS, 'hand_open.round'];
}
