import { createHmac } from 'node:crypto';
import { appendFileSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChaosWallet, type ChaosWallet } from './wallet';
import { readWalletJournal } from './wallet-journal';
import { chooseMode, type WalletControl } from './wallet-modes';

const SECRET = 'a secret';
let folder: string;
let wallet: ChaosWallet;
const file = () => join(folder, 'journal.jsonl');
const start = async (port = 0) =>
  (wallet = await startChaosWallet({
    port,
    journalFile: file(),
    secrets: { CHA1: SECRET },
    seed: 1,
    attemptMs: 50,
  }));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chaos-wallet-'));
  await start();
});
afterEach(async () => {
  await wallet.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask(endpoint: string, payload: Record<string, unknown>): Promise<unknown> {
  const fields = Object.keys(payload).sort();
  const text = JSON.stringify(Object.fromEntries(fields.map((name) => [name, payload[name]])));
  const hmac = createHmac('sha256', SECRET).update(text).digest('hex');
  const response = await fetch(`${wallet.url}/CHA1/${endpoint}`, {
    method: 'POST',
    body: `${text.slice(0, -1)},"hmac":"${hmac}"}`,
    redirect: 'manual',
  });
  const body = await response.text();
  return response.status === 200
    ? (JSON.parse(body) as { balance: number }).balance
    : response.status;
}

async function control(change: WalletControl): Promise<number> {
  const body = JSON.stringify(change);
  return (await fetch(`${wallet.url}/control`, { method: 'POST', body })).status;
}

const bet = (id: string, amount = 5) => ({ user_agent: 'CHA1.ada', balance: amount, bet_id: id });
const effects = () => readWalletJournal(file()).map(({ effect }) => effect);

test('a repeat is answered as the first time and moves nothing, at each endpoint by itself', async () => {
  expect(await ask('bet', bet('b1'))).toBe(999_995);
  expect(await ask('settle-bet', { ...bet('b1', 7.5), bet: 5 })).toBe(1_000_002.5);
  expect(await ask('bet', bet('b1'))).toBe(999_995);
  expect(await ask('settle-bet', { ...bet('b1', 7.5), bet: 5 })).toBe(1_000_002.5);
  expect(await ask('balance', { user_agent: 'CHA1.ada' })).toBe(1_000_002.5);
  expect(effects()).toEqual(['moved', 'moved', 'repeat', 'repeat', 'none']);
});

test('a wrong signature moves nothing and is written down', async () => {
  const response = await fetch(`${wallet.url}/CHA1/bet`, {
    method: 'POST',
    body: JSON.stringify({ ...bet('b1'), hmac: 'no' }),
  });
  expect(response.status).toBe(401);
  expect(readWalletJournal(file())).toMatchObject([{ signature_ok: false, effect: 'none' }]);
});

test('a wallet that was killed goes on where its journal ends, and misbehaves as before', async () => {
  await ask('bet', bet('b1'));
  await control({ modes: { refuse_funds: 1 } });
  expect(await ask('bet', bet('b2'))).toBe(402);
  await wallet.close();
  appendFileSync(file(), '{"t":1,"torn');
  await start();
  expect(await ask('bet', bet('b3'))).toBe(402);
  await control({ modes: {} });
  expect(await ask('bet', bet('b1'))).toBe(999_995);
  expect(await ask('bet', bet('b2'))).toBe(402);
  expect(await ask('bet', bet('b4'))).toBe(999_990);
  expect(effects()).toEqual(['moved', 'refused', 'refused', 'repeat', 'refused', 'moved']);
});

test('an uncertified wallet forgets its refusals and refuses repeats of what it took', async () => {
  await control({ partner: 'CHA1', certified: false, modes: { refuse_funds: 1 } });
  expect(await ask('bet', bet('b1'))).toBe(402);
  await control({ modes: {} });
  expect(await ask('bet', bet('b1'))).toBe(999_995);
  await control({ modes: { refuse_funds: 1 } });
  expect(await ask('bet', bet('b1'))).toBe(402);
  expect(await ask('bet', bet('carrier', 0))).toBe(999_995);
  expect(effects()).toEqual(['refused', 'moved', 'refused', 'moved']);
});

test.each(['lose', 'half_close', 'late', 'slow'] as const)('%s moves the money', async (mode) => {
  await control({ modes: { [mode]: 1 } });
  await ask('bet', bet('b1')).catch(() => undefined);
  expect(effects()).toEqual(['moved']);
});

test.each(['reset', 'redirect', 'hang'] as const)('%s moves nothing', async (mode) => {
  await control({ modes: { [mode]: 1 } });
  const asked = ask('bet', bet('b1')).catch(() => undefined);
  if (mode !== 'hang') await asked;
  while (effects().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(effects()).toEqual(['none']);
});

test('rates that make no sense are refused', async () => {
  expect(await control({ modes: { hang: 0.7, lose: 0.7 } })).toBe(400);
  expect(await control({ modes: { nonsense: 1 } as never })).toBe(400);
  expect(await control({ partner: 'NONE', modes: {} })).toBe(400);
});

test('what happens to a request depends on the seed and on itself, and comes as often as asked for', () => {
  const choose = (seed: number, n: number) =>
    chooseMode(
      seed,
      { partner: 'CHA1', endpoint: 'bet', betId: `bet ${String(n)}`, turn: 0 },
      { hang: 0.2, lose: 0.1 },
    );
  const numbers = Array.from({ length: 2_000 }, (_, n) => n);
  const chosen = numbers.map((n) => choose(7, n));
  expect(numbers.map((n) => choose(7, n))).toEqual(chosen);
  expect(numbers.map((n) => choose(8, n))).not.toEqual(chosen);
  const share = (mode: string) => chosen.filter((one) => one.mode === mode).length / 2_000;
  expect(share('hang')).toBeCloseTo(0.2, 1);
  expect(share('lose')).toBeCloseTo(0.1, 1);
  expect(share('honest')).toBeCloseTo(0.7, 1);
});
