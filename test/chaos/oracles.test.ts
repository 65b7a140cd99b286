import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPartner, partnerByPrefix } from '../../src/db/partners';
import { findOrCreatePlayer } from '../../src/db/players';
import { createSession } from '../../src/db/sessions';
import { productsFor } from '../../src/db/catalogue';
import { sleep } from '../../src/lib/clock';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestRoundhouse } from '../support/roundhouse';
import { checkInvariants, type Invariants } from './invariants';
import { createChaosProvider, type ChaosPlayer, type ChaosProvider } from './provider';
import { startChaosWallet, type ChaosWallet } from './wallet';
import { readWalletJournal } from './wallet-journal';
import type { WalletControl } from './wallet-modes';

const PARTNERS = ['CHA1', 'CHA2'];
const ALL_OK = Object.fromEntries(
  Array.from({ length: 13 }, (_, number) => [`I${String(number + 1)}`, 'ok']),
);

let folder: string;
let house: TestRoundhouse;
let wallet: ChaosWallet;
let api: { baseUrl: string };
const secrets: Record<string, string> = Object.fromEntries(PARTNERS.map((name) => [name, '']));
const players: ChaosPlayer[] = [];

const journalFile = () => join(folder, 'wallet.jsonl');

async function startWallet(port: number): Promise<void> {
  wallet = await startChaosWallet({
    port,
    journalFile: journalFile(),
    secrets,
    seed: 11,
    attemptMs: 500,
  });
}

async function control(change: WalletControl): Promise<void> {
  const response = await fetch(`${wallet.url}/control`, {
    method: 'POST',
    body: JSON.stringify(change),
  });
  if (!response.ok) throw new Error(await response.text());
}

async function makePlayers(prefix: string): Promise<void> {
  const { agentSecret } = await createPartner(house.office, {
    prefix,
    currency: 'EUR',
    walletUrl: `${wallet.url}/${prefix}`,
    settings: { wallet_attempt_timeout_ms: 500, dedup_before_funds: true },
  });
  secrets[prefix] = agentSecret;
  const partner = await partnerByPrefix(house.pool, prefix);
  if (!partner) throw new Error('no partner');
  const [product] = await productsFor(house.pool, partner);
  for (const reference of ['ada', 'bea']) {
    const { player } = await findOrCreatePlayer(house.pool, partner, reference);
    const { token } = await createSession(house.pool, {
      playerId: player.playerId,
      partnerId: partner.id,
      connectionId: house.connection.id,
      productId: product?.id ?? 0,
      gameId: '11',
      currency: 'EUR',
      isDemo: false,
      isMobile: false,
      nowMs: Date.now(),
    });
    players.push({ id: player.playerId, token, partner: prefix, gameIds: ['11', '12'] });
  }
}

function createProvider(seed: number, name: string): ChaosProvider {
  let turn = 0;
  return createChaosProvider({
    seed,
    apiUrl: () => ((turn += 1) % 2 === 0 ? api.baseUrl : house.baseUrl),
    connectionKey: 'sandbox',
    apiKey: 'secret',
    players,
    bookFile: join(folder, `${name}.jsonl`),
    repeats: true,
    callTimeoutMs: 2_500,
    delayScale: 0.5,
  });
}

async function play(provider: ChaosProvider, rounds: number): Promise<void> {
  provider.start(4);
  while (provider.stats().rounds < rounds) await sleep(20);
  await provider.stopNewRounds();
}

async function comeToRest(provider: ChaosProvider): Promise<Invariants> {
  const since = Date.now();
  await provider.settle();
  await eventually(async () => {
    const { rows } = await house.pool.query<{ what: string }>(
      `SELECT 'call ' || bet_id || '/' || verb || ' ' || attempts || ' ' || coalesce(last_failure, '') AS what
         FROM obligations WHERE status = 'open'
       UNION ALL SELECT 'bet ' || id FROM bets WHERE decision = 'open'
       UNION ALL SELECT 'payout ' || id FROM operations WHERE payout_state IN ('owed', 'waiting')
       UNION ALL SELECT 'round ' || id FROM rounds WHERE status = 'closing'`,
    );
    if (rows.length > 0) throw new Error(rows.map(({ what }) => what).join(', '));
  }, 60_000);
  await sleep(500);
  return checkInvariants({
    pool: house.pool,
    providerBook: provider.book(),
    walletJournalFile: journalFile(),
    client: house.client,
    drainMs: Date.now() - since,
    scenario: 'calm',
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chaos-oracles-'));
  players.length = 0;
  house = await startRoundhouse({ connection: { idle_close_ms: 600_000 } });
  api = await house.startApi();
  await startWallet(0);
  for (const prefix of PARTNERS) await makePlayers(prefix);
});
afterEach(async () => {
  await wallet?.close();
  await house?.close();
  await rm(folder, { recursive: true, force: true });
});

test('the four books of an honest run agree in every way that is checked', async () => {
  const provider = createProvider(3, 'honest');
  await play(provider, 24);
  expect(await comeToRest(provider)).toEqual(ALL_OK);
  const { operations, ok, unanswered } = provider.stats();
  expect(ok).toBe(operations);
  expect(unanswered).toBe(0);
});

test('a wallet that misbehaves in every way, and dies, costs nobody a cent', async () => {
  await control({
    modes: {
      hang: 0.02,
      error500: 0.06,
      lose: 0.06,
      late: 0.03,
      slow: 0.05,
      garbage: 0.06,
      reset: 0.04,
      half_close: 0.04,
      redirect: 0.03,
      refuse_funds: 0.05,
    },
  });
  const provider = createProvider(5, 'rough');
  provider.start(4);
  while (provider.stats().rounds < 8) await sleep(20);
  const port = Number(new URL(wallet.url).port);
  await wallet.close();
  await sleep(300);
  await startWallet(port);
  while (provider.stats().rounds < 20) await sleep(20);
  await provider.stopNewRounds();
  await control({ modes: {} });
  expect(await comeToRest(provider)).toEqual(ALL_OK);
  const modes = new Set(readWalletJournal(journalFile()).map(({ mode }) => mode));
  expect(modes.size).toBeGreaterThan(6);
});
