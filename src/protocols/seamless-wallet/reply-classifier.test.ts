import fc from 'fast-check';
import type { WalletOutcome } from '../../domain/wallet-outcome';
import {
  classifyReply,
  createReplyProfile,
  type ClassifiedVerb,
  type ReplyProfileSettings,
} from './reply-classifier';
import { DEFAULT_REPLY_TEXTS, normaliseReplyText } from './reply-texts';

function classify(
  verb: ClassifiedVerb,
  status: number,
  body: string,
  { isRepeat = false, ...settings }: ReplyProfileSettings & { isRepeat?: boolean } = {},
) {
  return classifyReply(verb, { status, body }, createReplyProfile(settings), { isRepeat });
}

/** `done 5`, `declined funds`, `unknown timeout`, with flags behind. */
function brief(outcome: WalletOutcome): string {
  const what = outcome.kind === 'done' ? (outcome.balance ?? '') : outcome.reason;
  return [outcome.kind, what, ...(outcome.flags ?? [])].filter((part) => part !== '').join(' ');
}

type Row = readonly [status: number, body: string, outcome: string];

describe('a stake is done on row 1 of the table only', () => {
  const rows: readonly Row[] = [
    [200, '{"balance":291.59,"tmp":0,"fish_remaining":0}', 'done 291.59'],
    [201, '{"balance":0}', 'done 0'],
    [200, '{"balance":-0}', 'done -0'],
    [200, '{"balance":"291.590000001"}', 'done 291.590000001'],
    [200, '{"balance":12345678901234567890.12}', 'done 12345678901234567890.12'],
    [200, '{"balance":1.5e2}', 'done 1.5e2'],
    [200, '{"balance":5,"error":null,"code":0,"status":true,"success":true}', 'done 5'],
    [200, '{"balance":5,"error":"","code":"200","status":"ok"}', 'done 5'],
    [200, '{"balance":5,"error":false,"code":200,"status":0}', 'done 5'],
    [200, '{"balance":5,"error":0.0,"code":null}', 'done 5'],
    [200, '{"balance":5,"message":"welcome"}', 'done 5'],
    [200, '{"balance":5,"Error":"INSUFFICIENT_FUNDS"}', 'done 5'],
  ];
  test.each(rows)('%i %s', (status, body, outcome) => {
    expect(brief(classify('take', status, body))).toBe(outcome);
  });
});

describe('a stake is declined by the closed lists only', () => {
  const rows: readonly Row[] = [
    [402, '', 'declined funds'],
    [402, '<html>', 'declined funds'],
    [402, '{"balance":3}', 'declined funds'],
    [200, '{"error":"INSUFFICIENT_FUNDS"}', 'declined funds'],
    [200, '{"error":"Insufficient balance.","balance":3}', 'declined funds'],
    [200, '{"status":false,"message":"Not enough money"}', 'declined funds'],
    [422, '{"code":"NOT_ENOUGH_BALANCE"}', 'declined funds'],
    [451, '{"error":"insufficient-funds"}', 'declined funds'],
    [403, '{"error":"Player blocked"}', 'declined blocked'],
    [200, '{"code":"LIMIT_EXCEEDED"}', 'declined blocked'],
    [400, '{"message":"self-excluded"}', 'declined blocked'],
    [400, '{"error":"suspended"}', 'declined blocked'],
    [404, '{"error":"User not found"}', 'declined player_not_found'],
    [200, '{"error":"unknown player"}', 'declined player_not_found'],
    [400, '', 'declined configuration'],
    [401, '{"error":"invalid signature"}', 'declined configuration'],
    [403, '<html>', 'declined configuration'],
    [404, '{"error":"Not Found"}', 'declined configuration'],
    [405, '', 'declined configuration'],
    [410, '', 'declined configuration'],
    [422, '{"Error":"INSUFFICIENT_FUNDS"}', 'declined configuration'],
  ];
  test.each(rows)('%i %s', (status, body, outcome) => {
    expect(brief(classify('take', status, body))).toBe(outcome);
  });
});

describe('everything else about a stake is unknown', () => {
  const rows: readonly Row[] = [
    [301, '', 'unknown redirect'],
    [304, '{"balance":5}', 'unknown redirect'],
    [308, '{"balance":5}', 'unknown redirect'],
    [408, '{"error":"insufficient funds"}', 'unknown http_status'],
    [409, '{"error":"insufficient funds"}', 'unknown duplicate duplicate'],
    [425, '{"error":"insufficient funds"}', 'unknown http_status'],
    [429, '{"error":"insufficient funds"}', 'unknown http_status'],
    [418, '', 'unknown http_status'],
    [500, '{"error":"insufficient funds"}', 'unknown http_status'],
    [503, '{"balance":5}', 'unknown http_status'],
    [200, '', 'unknown not_json'],
    [204, '', 'unknown not_json'],
    [200, '<html>', 'unknown not_json'],
    [200, 'null', 'unknown not_json'],
    [200, '[{"balance":5}]', 'unknown not_json'],
    [200, '"5"', 'unknown not_json'],
    [200, '{"balance":29', 'unknown not_json'],
    [200, '\ufeff{"balance":5}', 'unknown not_json'],
    [200, '{"balance":5,"balance":6}', 'unknown not_json'],
    [200, `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'unknown not_json'],
    [200, '{}', 'unknown no_balance'],
    [200, '{"Balance":5}', 'unknown no_balance'],
    [200, '{"__proto__":{"balance":5}}', 'unknown no_balance'],
    [200, '{"balance":null}', 'unknown no_balance'],
    [200, '{"balance":true}', 'unknown no_balance'],
    [200, '{"balance":""}', 'unknown no_balance'],
    [200, '{"balance":"5,00"}', 'unknown no_balance'],
    [200, '{"balance":"NaN"}', 'unknown no_balance'],
    [200, '{"balance":1e400}', 'unknown no_balance'],
    [200, '{"balance":1e99}', 'unknown no_balance'],
    [200, '{"data":{"balance":5}}', 'unknown no_balance'],
    [200, '{"balance":-0.01}', 'unknown negative_balance negative_balance'],
    [200, '{"balance":5,"error":"try later"}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"error":{}}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"error":{"code":"INSUFFICIENT_FUNDS"}}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"error":true}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"code":1}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"code":"OK"}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"status":false}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"success":false}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"success":"false"}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"success":0}', 'unknown refusal_unlisted'],
    [200, '{"error":"your account is blocked or so"}', 'unknown refusal_unlisted'],
    [200, '{"balance":5,"message":"insufficient funds"}', 'unknown contradictory'],
  ];
  test.each(rows)('%i %s', (status, body, outcome) => {
    expect(brief(classify('take', status, body))).toBe(outcome);
  });
});

describe('duplicates', () => {
  const rows: readonly (readonly [number, string, boolean, boolean, string])[] = [
    [409, '', true, true, 'done duplicate'],
    [409, '{"balance":7}', true, true, 'done 7 duplicate'],
    [400, '{"error":"Duplicate bet_id"}', true, true, 'done duplicate'],
    [409, '', true, false, 'unknown duplicate duplicate'],
    [409, '', false, true, 'unknown duplicate duplicate'],
    [400, '{"error":"Duplicate bet_id"}', false, false, 'unknown duplicate duplicate'],
    [200, '{"balance":7,"message":"already processed"}', true, false, 'done 7 duplicate'],
  ];
  test.each(rows)('%i %s, repeat %s, means done %s', (status, body, isRepeat, means, outcome) => {
    const options = { isRepeat, duplicateMeansDone: means };
    expect(brief(classify('take', status, body, options))).toBe(outcome);
  });

  test('a payout is never done by a duplicate alone', () => {
    const options = { isRepeat: true, duplicateMeansDone: true };
    expect(brief(classify('give', 409, '', options))).toBe('unknown duplicate duplicate');
  });
});

describe('the other calls', () => {
  const rows: readonly (readonly [ClassifiedVerb, ...Row])[] = [
    ['give', 200, '{"balance":311.59}', 'done 311.59'],
    ['give', 200, '{"balance":-3}', 'done -3 negative_balance'],
    ['give', 204, '', 'unknown not_json'],
    ['give', 402, '', 'declined funds'],
    ['give', 200, '{"error":"player blocked"}', 'declined blocked'],
    ['give', 401, '', 'declined configuration'],
    ['give', 500, '', 'unknown http_status'],
    ['end', 200, '', 'done'],
    ['end', 204, '', 'done'],
    ['end', 200, '<html>', 'done'],
    ['end', 200, '{"balance":-1,"status":false}', 'done'],
    ['end', 200, '{"error":null}', 'done'],
    ['end', 200, '{"error":"busy"}', 'unknown refusal_unlisted'],
    ['end', 200, '{"error":"user not found"}', 'declined player_not_found'],
    ['end', 200, '{"error":1,"error":2}', 'unknown not_json'],
    ['end', 302, '', 'unknown redirect'],
    ['end', 500, '', 'unknown http_status'],
    ['report', 200, '', 'done'],
    ['report', 200, '{"error":"no"}', 'done'],
    ['report', 201, '', 'unknown http_status'],
    ['report', 404, '', 'declined configuration'],
    ['report', 503, '', 'unknown http_status'],
    ['read', 200, '{"balance":296.59}', 'done 296.59'],
    ['read', 200, '{"balance":-1}', 'done -1 negative_balance'],
    ['read', 404, '{"error":"user not found"}', 'declined player_not_found'],
  ];
  test.each(rows)('%s: %i %s', (verb, status, body, outcome) => {
    expect(brief(classify(verb, status, body))).toBe(outcome);
  });

  test('a record is acknowledged by 200 and by nothing else of the 2xx', () => {
    expect(classify('report', 202, '{"balance":5}').kind).toBe('unknown');
  });
});

describe("a partner's own texts", () => {
  const replyTexts = { funds: ['Kein Guthaben!'], blocked: ['duplicate'] };
  test('extend the lists, normalised', () => {
    const outcome = classify('take', 200, '{"error":"KEIN_GUTHABEN"}', { replyTexts });
    expect(brief(outcome)).toBe('declined funds');
    expect(brief(classify('take', 402, ''))).toBe('declined funds');
  });
  test('win over a default', () => {
    expect(brief(classify('take', 400, '{"error":"duplicate"}', { replyTexts }))).toBe(
      'declined blocked',
    );
  });
  test('without a letter match nothing', () => {
    const outcome = classify('take', 200, '{"error":"42"}', { replyTexts: { funds: ['1001'] } });
    expect(brief(outcome)).toBe('unknown refusal_unlisted');
  });
});

test('the default lists are normalised, and no text means two things', () => {
  const all = Object.values(DEFAULT_REPLY_TEXTS).flat();
  expect(all).toEqual(all.map(normaliseReplyText));
  expect(new Set(all).size).toBe(all.length);
});

test('any reply whatever is classified without an exception, and only row 1 is done', () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), fc.string(), (status, body) => {
      expect(classify('take', status, body).kind).not.toBe('done');
    }),
  );
});

test('texts for operators hold nothing but letters and digits of a reply', () => {
  const outcome = classify('take', 200, '{"error":"<b>x</b>\\u0007 secret=\\"s\\""}');
  expect(outcome.text).toBe('HTTP 200 with an error "b x b secret s"');
});
