/** Who changed what: written with the change, never to be changed, and a chain (decision 0009). */
import pino from 'pino';
import { createSealJournal } from '../../src/activities/seal-journal';
import { auditSnapshot } from '../../src/db/audit';
import { recordChange, type AuditLogEntry } from '../../src/db/audit-log';
import { createBook } from '../../src/db/book';
import { openStrayCase } from '../../src/db/cases';
import { partnerByPrefix } from '../../src/db/partners';
import { findOrCreatePlayer } from '../../src/db/players';
import { createPool, type Pool } from '../../src/db/pool';
import { transaction } from '../../src/db/transaction';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { createTestCli, type TestCli } from '../support/test-cli';

let database: TestDatabase;
let pool: Pool;
let cli: TestCli['cli'];
let json: TestCli['json'];

beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 5 });
  ({ cli, json } = createTestCli(pool));
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const newPartner = (prefix = 'LAG1', ...more: string[]) =>
  json<Record<string, string>>(
    ...['partner', 'create', '--prefix', prefix, '--currency', 'EUR'],
    ...['--wallet-url', 'http://127.0.0.1:9', ...more],
  );
const newConnection = () =>
  json(
    ...['connection', 'create', 'games', '--dialect', 'web-games', '--partner-id', '7'],
    ...['--base-url', 'http://127.0.0.1:9', '--api-key', 'a-providers-key'],
  );
const entries = () => json<AuditLogEntry[]>('audit-log', 'show');
const actions = async () => (await entries()).map(({ action }) => action);

test('every change of a party is told: who, what, before and after', async () => {
  await newPartner('LAG1', '--as', 'alice');
  await json('partner', 'update', 'LAG1', '--settings', '{"max_in_flight": 7}', '--as', 'bob');
  await json('partner', 'suspend', 'LAG1');
  await json('partner', 'resume', 'LAG1');
  await json('partner', 'rotate-key', 'LAG1');
  await json('partner', 'rotate-secret', 'LAG1');
  await json('partner', 'rotate-secret', 'LAG1', '--activate');
  await newConnection();
  await json('connection', 'update', 'games', '--partner-id', '8');
  await json('connection', 'suspend', 'games');
  await json('connection', 'rotate-key', 'games', '--api-key', 'another-key');
  await json('connection', 'rotate-callback-secret', 'games');
  await json('connection', 'rotate-callback-secret', 'games', '--off');
  const partner = await partnerByPrefix(pool, 'LAG1');
  const { player } = await findOrCreatePlayer(pool, partner!, '0632094194');
  await json('player', 'block', 'LAG1.0632094194');
  await json('player', 'unblock', 'LAG1.0632094194');

  const log = await entries();
  expect(log.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
    'partner.create LAG1',
    'partner.update LAG1',
    'partner.suspend LAG1',
    'partner.resume LAG1',
    'partner.rotate-key LAG1',
    'partner.rotate-secret LAG1',
    'partner.activate-secret LAG1',
    'connection.create games',
    'connection.update games',
    'connection.suspend games',
    'connection.rotate-key games',
    'connection.rotate-callback-secret games',
    'connection.drop-callback-secret games',
    `player.block ${player.playerId}`,
    `player.unblock ${player.playerId}`,
  ]);
  expect(log[0]).toMatchObject({ actor: 'alice', before: null, after: { currency: 'EUR' } });
  expect(log[1]).toMatchObject({
    actor: 'bob',
    before: { settings: {} },
    after: { settings: { max_in_flight: 7 } },
  });
  expect(log[2]).toMatchObject({ before: { status: 'active' }, after: { status: 'suspended' } });
  expect(log[8]).toMatchObject({ before: { partner_id: '7' }, after: { partner_id: '8' } });
  expect(log[2]?.actor).toMatch(/./);
});

test('no secret and no reference of a player is in it', async () => {
  const { api_key: first, agent_secret: secret } = await newPartner();
  const { api_key: second } = await json<Record<string, string>>('partner', 'rotate-key', 'LAG1');
  const next = await json<Record<string, string>>('partner', 'rotate-secret', 'LAG1');
  await newConnection();
  await json('connection', 'update', 'games', '--api-key', 'another-key');
  const partner = await partnerByPrefix(pool, 'LAG1');
  await findOrCreatePlayer(pool, partner!, '0632094194');
  await json('player', 'block', 'LAG1.0632094194');
  const { rows } = await pool.query<{ row: string }>('SELECT t::text AS row FROM audit_log t');
  const text = rows.map(({ row }) => row).join('\n');
  const secretPart = (key = '') => key.split('_')[3] ?? key;
  for (const clear of [secretPart(first), secretPart(second), secret, next.agent_secret]) {
    expect(clear?.length).toBeGreaterThan(40);
    expect(text).not.toContain(clear);
  }
  expect(text).not.toMatch(/a-providers-key|another-key|0632094194/);
});

test('a change that was refused, or changed nothing, is no entry', async () => {
  await newPartner();
  await cli('partner', 'update', 'LAG1', '--settings', '{"max_in_flight": 0}');
  await cli('partner', 'suspend', 'NOPE');
  await json('partner', 'resume', 'LAG1');
  expect(await actions()).toEqual(['partner.create']);
});

test('a change that is rolled back takes its entry with it, and a change without its entry is not made', async () => {
  await newPartner();
  const change = { action: 'test', subject: 'x', before: null, after: null };
  const failing = transaction(pool, async (client) => {
    await recordChange(client, { actor: 'a' }, change);
    throw new Error('the change failed');
  });
  await expect(failing).rejects.toThrow('the change failed');
  expect(await actions()).toEqual(['partner.create']);

  const tooLong = await cli('partner', 'suspend', 'LAG1', '--as', 'x'.repeat(65));
  expect(tooLong.code).toBe(2);
  expect(tooLong.err).toContain('--as');
  await pool.query('ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (false) NOT VALID');
  expect((await cli('partner', 'suspend', 'LAG1')).code).toBe(1);
  expect((await partnerByPrefix(pool, 'LAG1'))?.status).toBe('active');
});

test('a resolved case is told, with its decision and without its note', async () => {
  const stray = { kind: 'orphan_payout', subject: 'games/100000000/1/2', roundId: null } as const;
  await openStrayCase(pool, { ...stray, amount: 100n, currency: null, evidence: {} });
  await json(
    'cases',
    'resolve',
    '1',
    '--as',
    'dismiss',
    '--note',
    'Mr Smith rang',
    '--by',
    'carol',
  );
  expect(await entries()).toEqual([]);
  await json(
    ...['cases', 'resolve', '1', '--as', 'dismiss', '--note', 'Mr Smith rang', '--by', 'carol'],
    '--apply',
  );
  const log = await entries();
  expect(log).toMatchObject([
    {
      actor: 'carol',
      action: 'case.resolve',
      subject: '1',
      before: { kind: 'orphan_payout', status: 'open' },
      after: { status: 'resolved', resolution: 'dismiss' },
    },
  ]);
  expect(JSON.stringify(log)).not.toContain('Smith');
});

test('changes made at the same time are one chain', async () => {
  await newPartner();
  const change = (index: number) => ({
    action: 'test',
    subject: String(index),
    before: null,
    after: { 'a "quoted" – name': [String(index)] },
  });
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      transaction(pool, (client) => recordChange(client, { actor: 'many' }, change(index))),
    ),
  );
  const report = await auditSnapshot(pool);
  expect(report.contradictions).toEqual([]);
  expect(report.audit_log).toMatchObject({ entries: 21, last: { number: '21' } });
});

test('entries can be neither changed nor removed', async () => {
  await newPartner();
  for (const statement of [
    `UPDATE audit_log SET actor = 'somebody else'`,
    'DELETE FROM audit_log',
    'TRUNCATE audit_log',
  ]) {
    await expect(pool.query(statement)).rejects.toThrow('append-only');
  }
});

test.each([
  ['a changed name', `UPDATE audit_log SET actor = 'mallory' WHERE number = 2`, 'entry 2'],
  [
    'a changed value',
    `UPDATE audit_log SET after = '{"status":"active"}' WHERE number = 2`,
    'entry 2',
  ],
  ['a changed time', `UPDATE audit_log SET at = at - interval '1 day' WHERE number = 2`, 'entry 2'],
  ['a removed entry', 'DELETE FROM audit_log WHERE number = 2', 'entry 3'],
])('the audit names %s, past the triggers', async (_name, tampering, where) => {
  await newPartner();
  await json('partner', 'suspend', 'LAG1');
  await json('partner', 'resume', 'LAG1');
  await pool.query('ALTER TABLE audit_log DISABLE TRIGGER USER');
  await pool.query(tampering);
  const report = await auditSnapshot(pool);
  expect(report.ok).toBe(false);
  expect(report.contradictions).toMatchObject([
    { rule: 'the audit log is a chain', where: `audit log ${where}` },
  ]);
});

test('--since shows what came later, and refuses what is no moment', async () => {
  await newPartner();
  const since = async (moment: string) =>
    (await json<AuditLogEntry[]>('audit-log', 'show', '--since', moment)).length;
  expect(await since('2026-01-01')).toBe(1);
  expect(await since(new Date(Date.now() + 60_000).toISOString())).toBe(0);
  const refused = await cli('audit-log', 'show', '--since', 'yesterday');
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toContain('--since');
  expect((await cli('audit-log', 'show')).out).toMatch(/^NUMBER +AT +ACTOR +ACTION +SUBJECT/);
});

test('who can rewrite the book cannot rewrite what its log told: each entry leaves once, with its hash', async () => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const book = createBook({ pool, installation: 'i', timeScale: 1 });
  const told = () =>
    lines
      .splice(0)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => 'change' in line);
  const sealJournal = createSealJournal({ book, log });

  await newPartner('LAG1', '--as', 'alice');
  await sealJournal();
  const [created] = await entries();
  expect(told()).toEqual([
    expect.objectContaining({
      change: '1',
      digest: created?.hash,
      actor: 'alice',
      action: 'partner.create',
      subject: 'LAG1',
    }),
  ]);
  await json('partner', 'suspend', 'LAG1');
  await sealJournal();
  expect(told().map(({ action }) => action)).toEqual(['partner.suspend']);
  await sealJournal();
  expect(told()).toEqual([]);
});
