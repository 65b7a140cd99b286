// The plain forwarder: the least one can do and still not take a stake twice. A row per operation is
// committed before the call and one after it; what follows the answer is tried a few times from memory.
import { Pool } from 'pg';
import { sleep } from '../../src/lib/clock';
import { readConfig, sayReady } from '../processes';
import { listenAsPeer, type MoneyReply, type MoneyRequest, type PeerConfig } from './front';
import { betOf, createWalletCalls, Declined } from './wallet-calls';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS operations (
    player_id bigint NOT NULL, round text NOT NULL, kind text NOT NULL, transaction text NOT NULL,
    amount text NOT NULL, code int, balance text, created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (player_id, round, kind, transaction)
  )`;
const INSERT = `INSERT INTO operations (player_id, round, kind, transaction, amount)
  VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`;
const SELECT = `SELECT code, balance FROM operations
  WHERE player_id = $1 AND round = $2 AND kind = $3 AND transaction = $4`;
const UPDATE = `UPDATE operations SET code = $5, balance = $6
  WHERE player_id = $1 AND round = $2 AND kind = $3 AND transaction = $4`;

/** Nobody waits for what follows the answer, and nobody knows of it after a crash. */
const TRIES_MAX = 5;
const RETRY_MS = 1_000;

const config = readConfig<PeerConfig>();
const wallet = createWalletCalls(config);
const pool = new Pool({ connectionString: config.databaseUrl, max: 20 });

async function settle(request: MoneyRequest): Promise<MoneyReply> {
  const { playerId, round, kind, transaction, amount } = request;
  const key = [playerId, round, kind, transaction];
  const { rowCount } = await pool.query({
    name: 'insert',
    text: INSERT,
    values: [...key, amount],
  });
  if (rowCount === 0) return stored(key);
  const bet = betOf(request);
  let reply: MoneyReply;
  try {
    const balance = kind === 'stake' ? await wallet.take(bet) : await wallet.give(bet, amount);
    reply = { code: 0, balance };
  } catch (error) {
    if (!(error instanceof Declined)) throw error;
    reply = { code: 2, why: 'Insufficient funds' };
  }
  const balance = reply.code === 0 ? reply.balance : null;
  await pool.query({ name: 'update', text: UPDATE, values: [...key, reply.code, balance] });
  if (reply.code === 0) void follow(request, reply.balance);
  return reply;
}

async function stored(key: string[]): Promise<MoneyReply> {
  const { rows } = await pool.query<{ code: 0 | 2 | null; balance: string | null }>({
    name: 'select',
    text: SELECT,
    values: key,
  });
  const row = rows[0];
  if (row?.code === 0 && row.balance !== null) return { code: 0, balance: row.balance };
  return row?.code === 2
    ? { code: 2, why: 'Insufficient funds' }
    : { code: 1, why: 'still under way' };
}

async function follow(request: MoneyRequest, balance: string): Promise<void> {
  const bet = betOf(request);
  const isStake = request.kind === 'stake';
  const payout = isStake ? '0' : request.amount;
  if (request.isClose) await repeated(() => wallet.end(bet, payout));
  await repeated(() => wallet.report(bet, isStake ? 'create' : 'update', payout, balance));
}

async function repeated(call: () => Promise<void>): Promise<void> {
  for (let turn = 1; ; turn++) {
    try {
      return await call();
    } catch (error) {
      if (turn === TRIES_MAX) return void process.stderr.write(`given up: ${String(error)}\n`);
      await sleep(RETRY_MS);
    }
  }
}

void pool.query(SCHEMA).then(() => listenAsPeer(config, settle, sayReady));
