import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { WalletEffect, WalletLine } from './wallet-journal';

/** The chaos partners keep accounts with two decimals. */
export const EXPONENT = 2;
/** What a player starts with: more than any run can lose. */
export const OPENING_MINOR = 100_000_000n;

/** One call as the wallet understands it. */
export interface WalletCall {
  readonly partner: string;
  readonly endpoint: string;
  /** The id by which it de-duplicates inside its endpoint. */
  readonly key: string;
  readonly betId: string;
  readonly userAgent: string;
  readonly amount: bigint | null;
}

export interface Carried {
  readonly effect: WalletEffect;
  readonly balance: bigint;
}

export interface WalletBook {
  /** How many requests there were for this call before. */
  turn(call: WalletCall): number;
  /** Counts a request that was not carried out. */
  pass(call: WalletCall): void;
  /** Carries a call out, or finds that it was. `refuses`: it is to be told that there are no funds. */
  carryOut(call: WalletCall, options: { refuses: boolean; certified: boolean }): Carried;
  balanceOf(partner: string, userAgent: string): bigint;
}

/** The wallet's accounts and what it has said, rebuilt from the lines of its earlier lives. */
export function createWalletBook(
  earlier: readonly WalletLine[],
  isCertified: (partner: string) => boolean,
): WalletBook {
  const balances = new Map<string, bigint>();
  const taken = new Map<string, bigint>();
  const refused = new Set<string>();
  const turns = new Map<string, number>();

  const accountOf = (partner: string, userAgent: string) => `${partner} ${userAgent}`;
  const nameOf = (call: WalletCall) => `${call.partner} ${call.endpoint} ${call.key}`;
  const balanceOf = (partner: string, userAgent: string) =>
    balances.get(accountOf(partner, userAgent)) ?? OPENING_MINOR;
  const pass = (call: WalletCall) =>
    void turns.set(nameOf(call), (turns.get(nameOf(call)) ?? 0) + 1);

  for (const line of earlier) {
    if (!line.signature_ok) continue;
    const call = callOf(line.partner, line.endpoint, JSON.parse(line.body) as Fields);
    if (typeof call === 'string') continue;
    pass(call);
    if (line.effect === 'moved') {
      const balance = BigInt(line.balance ?? '0');
      taken.set(nameOf(call), balance);
      if (MOVES_MONEY.has(line.endpoint)) {
        balances.set(accountOf(line.partner, line.user_agent), balance);
      }
    } else if (line.effect === 'refused' && isCertified(line.partner)) {
      refused.add(nameOf(call));
    }
  }

  return {
    turn: (call) => turns.get(nameOf(call)) ?? 0,
    pass,
    balanceOf,
    carryOut(call, { refuses, certified }) {
      pass(call);
      const name = nameOf(call);
      const known = taken.get(name);
      const balance = balanceOf(call.partner, call.userAgent);
      // A stake of nothing is a bet too, and needs no funds.
      const needsFunds = call.endpoint === 'bet' && (call.amount ?? 0n) > 0n;
      const poor = needsFunds && (refuses || (call.amount ?? 0n) > balance);
      if (!certified && poor) return { effect: 'refused', balance };
      if (known !== undefined) return { effect: 'repeat', balance: known };
      if (refused.has(name)) return { effect: 'refused', balance };
      if (poor) {
        refused.add(name);
        return { effect: 'refused', balance };
      }
      const change = call.endpoint === 'bet' ? -(call.amount ?? 0n) : (call.amount ?? 0n);
      const after = balance + change;
      if (MOVES_MONEY.has(call.endpoint)) {
        balances.set(accountOf(call.partner, call.userAgent), after);
      }
      taken.set(name, after);
      return { effect: 'moved', balance: after };
    },
  };
}

const MOVES_MONEY: ReadonlySet<string> = new Set(['bet', 'settle-bet']);

export type Fields = Readonly<Record<string, unknown>>;

/** Reads a call by the partner document. Answers what is wrong with it when it is none. */
export function callOf(partner: string, endpoint: string, body: Fields): WalletCall | string {
  const text = (name: string) => (typeof body[name] === 'string' ? body[name] : undefined);
  const userAgent = text('user_agent');
  if (userAgent === undefined) return 'no user_agent';
  const call = (betId: string | undefined, amount: bigint | null | undefined, key = betId) =>
    betId === undefined || amount === undefined
      ? `broken ${endpoint}`
      : { partner, endpoint, key: key ?? '', betId, userAgent, amount };
  switch (endpoint) {
    case 'balance':
      return call('', null, userAgent);
    case 'bet':
      return call(text('bet_id'), minorOf(body.balance));
    case 'settle-bet':
      return minorOf(body.bet) === undefined
        ? 'no bet'
        : call(text('bet_id'), minorOf(body.balance));
    case 'bet-end':
      return minorOf(body.win_balance) === undefined
        ? 'no win_balance'
        : call(text('bet_id'), null);
    case 'history': {
      const id = text('_id');
      return call(id, null, `${id ?? ''} ${text('type') ?? ''} ${text('updatedAt') ?? ''}`);
    }
    default:
      return `no endpoint ${endpoint}`;
  }
}

/** A JSON number as minor units; undefined for what is no amount of this wallet's currency. */
export function minorOf(value: unknown): bigint | undefined {
  if (typeof value !== 'number') return undefined;
  const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(String(value));
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = ''] = match;
  const minor = BigInt(whole + fraction.padEnd(EXPONENT, '0'));
  return sign === '-' ? -minor : minor;
}

/** Shortest plain decimal text. */
export function decimalOf(minor: bigint): string {
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(EXPONENT + 1, '0');
  const text = `${digits.slice(0, -EXPONENT)}.${digits.slice(-EXPONENT)}`;
  return sign + text.replace(/\.?0+$/, '');
}

/** The partner document's "HMAC signature", read as a partner would who has only the document. */
export function isSigned(body: Fields, secret: string): boolean {
  const { hmac, ...payload } = body;
  if (typeof hmac !== 'string') return false;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(payload).sort()) sorted[key] = payload[key];
  const expected = createHmac('sha256', secret).update(JSON.stringify(sorted)).digest('hex');
  return (
    hmac.length === expected.length && timingSafeEqual(Buffer.from(hmac), Buffer.from(expected))
  );
}

/** SHA-256 of a body's own bytes without its `hmac` field, wherever that stands. */
export function shaWithoutHmac(body: string): string {
  const bare = body.replace(/,"hmac":"[^"]*"|"hmac":"[^"]*",/, '');
  return createHash('sha256').update(bare).digest('hex');
}
