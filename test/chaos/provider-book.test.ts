import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bookOf, createRecords, type Entry, type Records } from './provider-book';
import type { ProviderReply } from './provider-call';
import { scriptRound } from './provider-rounds';

let folder: string;
let records: Records;
let entry: Entry;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chaos-provider-'));
  records = createRecords(join(folder, 'book.jsonl'));
  entry = {
    key: 'stake/1/2/3',
    lane: 0,
    kind: 'stake',
    partner: 'CHA1',
    playerId: '1',
    game: '11',
    round: '2',
    transaction: '3',
    amount: 500n,
    isClose: false,
    body: '{}',
    belief: 'unknown',
    code: null,
    balance: null,
    externalSessionId: null,
    calls: 0,
    unanswered: 0,
    failures: 0,
    gaveUp: false,
    doubtful: false,
    sticky: null,
    unstuck: false,
  };
  records.open(entry);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const none: ProviderReply = { kind: 'none', why: 'timeout' };
function said(code: number, message = '', balance: string | null = null): ProviderReply {
  const text = JSON.stringify({ code, message, balance });
  return { kind: 'answer', code, message, text, balance, externalSessionId: null };
}

/** Answers calls made one after the other; what the book finds wrong with them. */
function told(...replies: ProviderReply[]): readonly string[] {
  for (const reply of replies) records.answered(entry, records.invoked(entry), reply);
  return bookOf(records, true).violations;
}

test('no answer and code 1 leave it open; a later 0 counts', () => {
  expect(told(none, said(1, 'not yet'))).toEqual([]);
  expect(entry).toMatchObject({ belief: 'unknown', doubtful: true, unanswered: 1, calls: 2 });
  expect(told(said(0, 'Ok', '95'))).toEqual([]);
  expect(entry).toMatchObject({ belief: 'accepted', balance: '95' });
});

test('a stake that was given up counts when a late answer says so', () => {
  told(said(1, 'not yet'));
  records.giveUp(entry);
  expect(entry.belief).toBe('refused');
  told(said(0, 'Ok', '95'));
  expect(entry.belief).toBe('accepted');
});

test('a code 0 with other bytes is a violation', () => {
  expect(told(said(0, 'Ok', '95'), said(0, 'Ok', '95'))).toEqual([]);
  expect(told(said(0, 'Ok', '94'))).toHaveLength(1);
});

test.each([1, 2, 5, 8, 14])('a code %i after code 0 is a violation', (code) => {
  expect(told(said(0, 'Ok', '95'), said(code, 'something'))).toHaveLength(1);
  expect(entry.belief).toBe('accepted');
});

test('a code 0 after a refusal is a violation', () => {
  expect(told(said(2, 'Insufficient funds'), said(0, 'Ok', '95'))).toHaveLength(1);
});

test('an outage after code 0 is none, when the stored answer comes again', () => {
  expect(told(said(0, 'Ok', '95'), said(1, 'Internal Error'))).toHaveLength(1);
  expect(told(said(0, 'Ok', '95'))).toEqual([]);
});

test('a code 1 that was asked for before the 0 came is none', () => {
  const first = records.invoked(entry);
  const second = records.invoked(entry);
  records.answered(entry, second, said(0, 'Ok', '95'));
  records.answered(entry, first, said(1, 'not yet'));
  expect(bookOf(records, true).violations).toEqual([]);
});

test('each call is on paper: invoke, and then ok, fail or info', () => {
  told(none, said(1, 'not yet'), said(2, 'Insufficient funds'));
  const lines = readFileSync(join(folder, 'book.jsonl'), 'utf8').trim().split('\n');
  const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual(['invoke', 'info', 'invoke', 'info', 'invoke', 'fail']);
});

test('rounds are the same for a seed, of every shape, with ids of their own beyond a double', () => {
  const scripts = Array.from({ length: 400 }, (_, n) => scriptRound(3, n % 5, n));
  expect(scripts).toEqual(Array.from({ length: 400 }, (_, n) => scriptRound(3, n % 5, n)));
  expect(new Set(scripts.map(({ shape }) => shape)).size).toBe(8);
  expect(new Set(scripts.map(({ round }) => round)).size).toBe(400);
  const steps = scripts.flatMap(({ steps: own, late }) => (late ? [...own, late] : own));
  const ids = steps.map(({ transaction }) => transaction);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => !Number.isSafeInteger(Number(id)))).toBe(true);
});
