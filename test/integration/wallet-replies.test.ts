import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { ReplyProfileSettings } from '../../src/protocols/seamless-wallet/reply-classifier';
import type { WalletClient } from '../../src/protocols/seamless-wallet/client';
import { brief, createWalletBench, STAKE, VERBS } from '../support/wallet-bench';

/*
 * Complete replies, over real HTTP: what each says about each of the four calls (SPEC §5). A reply is
 * scripted, each verb is called once, and the wallet counts: nothing is ever sent twice by the client.
 */

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const bench = createWalletBench();
let reply: Reply = {};
let calls = 0;
let client: WalletClient;
let url: string;

beforeAll(async () => {
  ({ url } = await bench.httpWallet((request, response) => {
    calls += 1;
    request.resume().on('end', () => {
      const { status = 200, headers = {}, body = '' } = reply;
      response.writeHead(status, { ...headers }).end(body);
    });
  }));
  client = bench.clientOf(url, { attemptTimeoutMs: 10_000 });
});
afterAll(bench.close);

/** What each verb makes of a reply; `of` says where it differs from the stake. */
async function outcomes(given: Reply, isRepeat = false, through = client) {
  reply = given;
  const seen: Record<string, string> = {};
  for (const verb of VERBS) {
    const before = calls;
    const { outcome } = await through.call(verb, STAKE, { isRepeat });
    expect(calls).toBe(before + 1);
    seen[verb] = brief(outcome);
  }
  return seen;
}

type Expected = Readonly<Partial<Record<(typeof VERBS)[number], string>>>;
const JUNK: Expected = {
  take: 'unknown not_json',
  give: 'unknown not_json',
  end: 'done',
  report: 'done',
};
const NO_BALANCE: Expected = {
  ...JUNK,
  take: 'unknown no_balance',
  give: 'unknown no_balance',
};
const done = (balance: string): Expected => ({
  take: `done ${balance}`,
  give: `done ${balance}`,
  end: 'done',
  report: 'done',
});
const everywhere = (outcome: string): Expected =>
  Object.fromEntries(VERBS.map((verb) => [verb, outcome]));
/** A refusal in the words of a 200: a record is acknowledged by the 200 all the same. */
const refused = (outcome: string): Expected => ({ ...everywhere(outcome), report: 'done' });

const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))),
  );

describe('a 200 that is no JSON object is never a success of a money call', () => {
  const rows: readonly (readonly [string, Reply])[] = [
    ['nothing', {}],
    ['blanks', { body: ' \r\n' }],
    ['HTML', { headers: { 'content-type': 'text/html' }, body: '<html>{"balance":5}</html>' }],
    ['HTML that says it is JSON', { headers: { 'content-type': 'application/json' }, body: '<p>' }],
    ['truncated JSON', { body: '{"balance":29' }],
    ['JSON and a tail', { body: '{"balance":5}}' }],
    ['two documents', { body: '{"balance":5}\n{"balance":5}' }],
    ['a byte order mark', { body: '\ufeff{"balance":5}' }],
    ['UTF-16', { body: Buffer.from('\ufeff{"balance":5}', 'utf16le') }],
    ['null', { body: 'null' }],
    ['true', { body: 'true' }],
    ['an array', { body: '[{"balance":5}]' }],
    ['a string', { body: '"{\\"balance\\":5}"' }],
    ['a number', { body: '5' }],
    ['single quotes', { body: "{'balance':5}" }],
    ['a comment', { body: '{"balance":5/*,*/}' }],
    ['a comma too many', { body: '{"balance":5,}' }],
    ['a form', { body: 'balance=5' }],
    ['NaN', { body: '{"balance":NaN}' }],
    ['Infinity', { body: '{"balance":Infinity}' }],
    ['a leading zero', { body: '{"balance":05}' }],
    ['a plus sign', { body: '{"balance":+5}' }],
    ['a number without its whole part', { body: '{"balance":.5}' }],
    ['hexadecimal', { body: '{"balance":0x5}' }],
    ['two balances', { body: '{"balance":5,"balance":6}' }],
    ['two balances, one escaped', { body: '{"balance":5,"\\u0062alance":6}' }],
    ['two errors', { body: '{"balance":5,"errors":"a","errors":""}' }],
    ['arrays 10,000 deep', { body: `${'['.repeat(10_000)}${']'.repeat(10_000)}` }],
    ['objects 10,000 deep', { body: `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}` }],
    ['depth beside a balance', { body: `{"balance":5,"x":${'['.repeat(20)}${']'.repeat(20)}}` }],
    ['a NUL in a string', { body: bytes('{"balance":5,"x":"', 0, '"}') }],
    ['a NUL behind the document', { body: bytes('{"balance":5}', 0) }],
    ['nothing but NULs', { body: Buffer.alloc(100) }],
    ['a broken escape', { body: '{"balance":5,"x":"\\u00"}' }],
    ['gzip', { headers: { 'content-encoding': 'gzip' }, body: gzipSync('{"balance":5}') }],
    ['deflate', { headers: { 'content-encoding': 'deflate' }, body: deflateSync('{"balance":5}') }],
    ['br', { headers: { 'content-encoding': 'br' }, body: brotliCompressSync('{"balance":5}') }],
  ];
  test.each(rows)('%s', async (_name, given) => {
    expect(await outcomes(given)).toEqual(JUNK);
  });

  test('a bet-end that names an error in what cannot be read is repeated', async () => {
    const seen = await outcomes({ body: '{"error":"busy"' });
    expect(seen).toEqual({ ...JUNK, end: 'unknown not_json' });
  });
});

describe('a JSON object without a usable balance is never a success of a money call', () => {
  test.each([
    '{}',
    '{"BALANCE":5}',
    '{"Balance":5}',
    '{"balance ":5}',
    '{"data":{"balance":5}}',
    '{"balance":null}',
    '{"balance":true}',
    '{"balance":[5]}',
    '{"balance":{"amount":5}}',
    '{"balance":""}',
    '{"balance":" 5"}',
    '{"balance":"5,00"}',
    '{"balance":"1 000"}',
    '{"balance":"NaN"}',
    '{"balance":"Infinity"}',
    '{"balance":"-Infinity"}',
    '{"balance":"5 EUR"}',
    '{"balance":"0x5"}',
    '{"balance":1e400}',
    '{"balance":-1e400}',
    '{"balance":1e41}',
    `{"balance":${'9'.repeat(41)}}`,
    '{"__proto__":{"balance":5}}',
    '{"constructor":{"prototype":{"balance":5}}}',
  ])('%s', async (body) => {
    expect(await outcomes({ body })).toEqual(NO_BALANCE);
    expect(({} as Record<string, unknown>).balance).toBeUndefined();
  });
});

describe('a balance is taken as the text it came in', () => {
  const rows: readonly (readonly [string, string | Buffer, string])[] = [
    ['zero', '{"balance":0}', '0'],
    ['a string', '{"balance":"291.59"}', '291.59'],
    ['beyond doubles', '{"balance":9007199254740993}', '9007199254740993'],
    ['30 digits', `{"balance":${'123456789'.repeat(3)}012}`, `${'123456789'.repeat(3)}012`],
    ['many decimals', '{"balance":0.1000000000000000055}', '0.1000000000000000055'],
    ['an exponent', '{"balance":1E+3}', '1E+3'],
    ['an escaped key', '{"\\u0062alance":5}', '5'],
    ['said twice alike', '{"balance":5,"balance":5}', '5'],
    ['beside __proto__', '{"__proto__":{"error":"x","balance":7},"balance":5}', '5'],
    ['beside names of Object', '{"hasOwnProperty":1,"toString":2,"balance":5}', '5'],
    ['beside a constructor', '{"constructor":{"prototype":{"error":"x"}},"balance":5}', '5'],
    ['beside a lone surrogate', '{"balance":5,"x":"\\ud800"}', '5'],
    ['beside a surrogate in bytes', bytes('{"balance":5,"x":"', 0xed, 0xa0, 0x80, '"}'), '5'],
    ['beside an escaped NUL', '{"balance":5,"x":"\\u0000"}', '5'],
    ['beside broken UTF-8', bytes('{"balance":5,"x":"', 0xff, 0xc3, '"}'), '5'],
    ['beside upper-case words', '{"balance":5,"ERROR":"INSUFFICIENT_FUNDS","BALANCE":6}', '5'],
  ];
  test.each(rows)('%s', async (_name, body, balance) => {
    expect(await outcomes({ body })).toEqual(done(balance));
    expect(({} as Record<string, unknown>).error).toBeUndefined();
  });

  test.each(['text/html', 'text/plain', 'application/xml', 'image/png', 'junk; charset=utf-7'])(
    'whatever its content type says: %s',
    async (type) => {
      const seen = await outcomes({ headers: { 'content-type': type }, body: '{"balance":5}' });
      expect(seen).toEqual(done('5'));
    },
  );

  test('a negative one is a success of a payout only, and is flagged', async () => {
    expect(await outcomes({ body: '{"balance":-0.01}' })).toEqual({
      ...done(''),
      take: 'unknown negative_balance negative_balance',
      give: 'done -0.01 negative_balance',
    });
  });
});

describe('a refusal in a 200', () => {
  const rows: readonly (readonly [string, Expected])[] = [
    ['{"error":"INSUFFICIENT_FUNDS"}', refused('declined funds')],
    // A bet-end fails by its error alone: the money of the bet is where it belongs by then.
    [
      '{"message":"Not enough money!","status":false}',
      { ...refused('declined funds'), end: 'done' },
    ],
    ['{"error":"Player blocked"}', refused('declined blocked')],
    ['{"code":"USER_NOT_FOUND","error":true}', refused('declined player_not_found')],
    ['{"error":"try again"}', refused('unknown refusal_unlisted')],
    ['{"balance":5,"error":{"code":"INSUFFICIENT_FUNDS"}}', refused('unknown refusal_unlisted')],
    ['{"balance":5,"error":["INSUFFICIENT_FUNDS"]}', refused('unknown refusal_unlisted')],
    ['{"balance":5,"code":7}', { ...refused('unknown refusal_unlisted'), end: 'done' }],
    ['{"balance":5,"success":false}', { ...refused('unknown refusal_unlisted'), end: 'done' }],
    ['{"balance":5,"status":"FALSE"}', { ...refused('unknown refusal_unlisted'), end: 'done' }],
    [
      '{"balance":5,"message":"insufficient funds"}',
      { ...refused('unknown contradictory'), end: 'done' },
    ],
  ];
  test.each(rows)('%s', async (body, expected) => {
    expect(await outcomes({ body })).toEqual(expected);
  });
});

/** The closed lists, written down once more from SPEC §5. */
const CONFIGURATION = [400, 401, 403, 404, 405, 410, 422];
const NOT_NOW = [408, 425, 429];

function ofStatus(status: number, hasFundsText: boolean): string {
  if (status === 409) return 'unknown duplicate duplicate';
  if (status === 402) return 'declined funds';
  if (NOT_NOW.includes(status) || status < 400 || status > 499) return 'unknown http_status';
  if (hasFundsText) return 'declined funds';
  return CONFIGURATION.includes(status) ? 'declined configuration' : 'unknown http_status';
}

describe('every status', () => {
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);

  test('2xx with a balance is a success of a money call; of a record only 200', async () => {
    for (const status of range(200, 299)) {
      const empty = status === 204;
      const seen = await outcomes({ status, body: '{"balance":5}' });
      const expected = empty ? JUNK : done('5');
      const report = status === 200 ? 'done' : 'unknown http_status';
      expect([status, seen]).toEqual([status, { ...expected, report }]);
    }
  });

  test('3xx is unknown, whatever it says', async () => {
    for (const status of range(300, 399)) {
      for (const body of ['', '{"balance":5}', '{"error":"INSUFFICIENT_FUNDS"}']) {
        const seen = await outcomes({ status, body });
        expect([status, seen]).toEqual([status, everywhere('unknown redirect')]);
      }
    }
  });

  test.each([
    ['nothing', '', false],
    ['a balance', '{"balance":5}', false],
    ['HTML', '<html>insufficient funds</html>', false],
    ['a funds text', '{"error":"INSUFFICIENT_FUNDS"}', true],
  ])(
    '4xx to 9xx with %s: declined by the closed lists only, done never',
    async (_n, body, text) => {
      for (const status of [...range(400, 599), 600, 700, 999]) {
        const seen = await outcomes({ status, body });
        expect([status, seen]).toEqual([status, everywhere(ofStatus(status, text))]);
      }
    },
  );

  test.each(['0', '1000000000', '-5', 'Wed, 21 Oct 2015 07:28:00 GMT', 'soon', ''])(
    'Retry-After %j changes nothing: the waits are those of the book',
    async (after) => {
      for (const status of [429, 503]) {
        const headers = { 'retry-after': after };
        expect(await outcomes({ status, headers })).toEqual(everywhere('unknown http_status'));
      }
    },
  );
});

describe('the table is data of a partner', () => {
  const through = (profile: ReplyProfileSettings) =>
    bench.clientOf(url, { attemptTimeoutMs: 10_000, profile });
  const stake = async (profile: ReplyProfileSettings, given: Reply, isRepeat = false) =>
    (await outcomes(given, isRepeat, through(profile))).take;

  test('its own texts are added to the lists, and win over a default', async () => {
    const profile = { replyTexts: { funds: ['ERR 1001 leer'], blocked: ['Unknown player'] } };
    expect(await stake(profile, { body: '{"error":"err-leer"}' })).toBe('declined funds');
    expect(await stake(profile, { body: '{"error":"unknown player"}' })).toBe('declined blocked');
    expect(await stake(profile, { body: '{"error":"nofunds"}' })).toBe('declined funds');
    expect(await stake({}, { body: '{"error":"err-leer"}' })).toBe('unknown refusal_unlisted');
  });

  test('no text of a partner makes a reply final that no text can make final', async () => {
    const profile = { replyTexts: { funds: ['busy'] } };
    for (const status of [301, 408, 409, 425, 429, 500, 503]) {
      const kind = (await stake(profile, { status, body: '{"error":"busy"}' }))?.split(' ')[0];
      expect([status, kind]).toEqual([status, 'unknown']);
    }
    expect(await stake(profile, { body: '{"balance":5,"error":"busy"}' })).toBe('declined funds');
    expect(await stake(profile, { body: '{"balance":5,"message":"busy"}' })).toBe(
      'unknown contradictory',
    );
  });

  test('of several texts the first listed one counts: error, code, message', async () => {
    const body = '{"message":"PLAYER_BLOCKED","code":"USER_NOT_FOUND","error":"what?"}';
    expect(await stake({}, { status: 400, body })).toBe('declined player_not_found');
    const profile = { replyTexts: { funds: ['what'] } };
    expect(await stake(profile, { status: 400, body })).toBe('declined funds');
  });

  test('402 is a matter of funds, unless a listed text says duplicate', async () => {
    const blocked = { status: 402, body: '{"error":"PLAYER_BLOCKED"}' };
    expect(await stake({}, blocked)).toBe('declined funds');
    const duplicate = { status: 402, body: '{"error":"DUPLICATE_BET"}' };
    expect(await stake({}, duplicate)).toBe('unknown duplicate duplicate');
  });

  test('a duplicate means done on a repeat, where the partner says so, and never for a payout', async () => {
    const means = { duplicateMeansDone: true };
    for (const given of [{ status: 409 }, { body: '{"error":"Already processed"}' }]) {
      const unknown = 'unknown duplicate duplicate';
      const ended = given.status === 409 ? {} : { report: 'done' };
      expect(await outcomes(given, true, through({}))).toEqual({
        ...everywhere(unknown),
        ...ended,
      });
      expect(await outcomes(given, false, through(means))).toEqual({
        ...everywhere(unknown),
        ...ended,
      });
      expect(await outcomes(given, true, through(means))).toEqual({
        ...everywhere('done duplicate'),
        give: unknown,
        ...ended,
      });
    }
  });

  test('a wallet that answers the repeat in words, or with another balance, is believed (W-09)', async () => {
    const body = '{"balance":7,"message":"already processed"}';
    expect(await outcomes({ body }, true)).toEqual({
      take: 'done 7 duplicate',
      give: 'done 7 duplicate',
      end: 'done',
      report: 'done',
    });
    expect(await outcomes({ body: '{"balance":123}' }, true)).toEqual(done('123'));
  });
});
