import fc from 'fast-check';
import { decodeAuthorization, decodeCredit, decodeDebit } from './decode';
import { isSignedBy, signatureOf } from './signature';

const CREDIT = {
  transaction_id: '2234',
  player_id: '1223',
  round_id: '12',
  token: '"Aj4BAnMZBepwoYqavIjwg3m3"',
  is_close: 'false',
  game_id: '3',
  amount: '42.6',
  hash: '"32feee2c4bcbc6cbcf837cfc7530ce5e"',
};

/** A body out of raw JSON texts, so that numbers reach the decoder exactly as written here. */
const bodyOf = (fields: Record<string, string | undefined>) =>
  `{${Object.entries(fields)
    .filter(([, json]) => json !== undefined)
    .map(([name, json]) => `"${name}":${json}`)
    .join(',')}}`;
const credit = (changes: Record<string, string | undefined> = {}) =>
  decodeCredit(bodyOf({ ...CREDIT, ...changes }));
const debit = (changes: Record<string, string | undefined> = {}) =>
  decodeDebit(bodyOf({ ...CREDIT, bet_amount: '42.6', ...changes }));

describe('direction (trap T1)', () => {
  test.each([
    ['Credit', credit(), 'stake'],
    ['Debit', debit(), 'payout'],
  ])('%s is a %#: %s', (_method, decoded, kind) => {
    expect(decoded).toMatchObject({ ok: true, request: { kind } });
  });
});

describe('decoding', () => {
  test('a Credit keeps every value as its source text', () => {
    expect(credit()).toEqual({
      ok: true,
      request: {
        kind: 'stake',
        playerId: '1223',
        roundId: '12',
        gameId: '3',
        transactionId: '2234',
        token: 'Aj4BAnMZBepwoYqavIjwg3m3',
        amountText: '42.6',
        isClose: false,
        hash: '32feee2c4bcbc6cbcf837cfc7530ce5e',
        hashValues: ['1223', '12', '3', '2234', 'Aj4BAnMZBepwoYqavIjwg3m3'],
      },
    });
  });

  test('the signed values are in the order the signature needs', () => {
    const decoded = credit();
    if (!decoded.ok) throw new Error(decoded.message);
    const { hashValues, hash } = decoded.request;
    expect(isSignedBy('Credit', hashValues, hash, ['secret'])).toBe(true);
  });

  test('an Authorization is decoded with its id as number or string', () => {
    const hash = signatureOf('Authorization', ['42', '2', 'T1'], 'secret');
    for (const playerId of ['42', '"42"']) {
      const decoded = decodeAuthorization(
        bodyOf({ player_id: playerId, game_id: '2', token: '"T1"', hash: `"${hash}"` }),
      );
      expect(decoded).toEqual({
        ok: true,
        request: {
          kind: 'authorization',
          playerId: '42',
          gameId: '2',
          token: 'T1',
          hash,
          hashValues: ['42', '2', 'T1'],
        },
      });
    }
  });

  test.each([
    '9223372036854775807',
    '-9223372036854775808',
    '9007199254740993',
    '9007199254740992',
    '"9223372036854775807"',
    '0',
    '-1',
  ])('transaction_id %s keeps every digit', (json) => {
    const id = json.replaceAll('"', '');
    expect(credit({ transaction_id: json })).toMatchObject({
      ok: true,
      request: { transactionId: id, hashValues: expect.arrayContaining([id]) as string[] },
    });
  });

  test('every 64-bit transaction_id is kept, one apart is another', () => {
    const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(long, (id) => {
        const decoded = credit({ transaction_id: id.toString() });
        expect(decoded).toMatchObject({ request: { transactionId: id.toString() } });
      }),
    );
  });

  test.each(['20', '"20.00"', '2e1', '"2E+1"', '0', '-0', '0.00', '123456789.123456789'])(
    'amount %s is kept as its source text',
    (json) => {
      const amountText = json.replaceAll('"', '');
      expect(credit({ amount: json })).toMatchObject({ ok: true, request: { amountText } });
    },
  );

  test('a Debit without bet_amount is a payout all the same', () => {
    for (const json of [undefined, 'null']) {
      const decoded = debit({ bet_amount: json });
      expect(decoded.ok && 'betAmountText' in decoded.request).toBe(false);
      expect(decoded.ok).toBe(true);
    }
    expect(debit()).toMatchObject({ request: { betAmountText: '42.6' } });
  });

  test('a hash that is no MD5 is left to the comparison, which says 10', () => {
    expect(credit({ hash: '"wrong"' }).ok).toBe(true);
  });

  test('unknown fields are ignored', () => {
    expect(credit({ extra: '{"a":[1]}' }).ok).toBe(true);
  });
});

describe('a broken shape is code 1 and names its field', () => {
  const rows: readonly (readonly [field: string, json: string | undefined])[] = [
    ...['player_id', 'round_id', 'game_id', 'transaction_id'].flatMap((field) =>
      [undefined, 'null', '-0', '"01"', '1.0', '"1.5"', '2.234e3', '""', '" 1"', '"+1"']
        .concat(['true', '{}', '[]', '"x"', '123456789012345678901', '"١"'])
        .map((json) => [field, json] as const),
    ),
    ['transaction_id', '9223372036854775808'],
    ['transaction_id', '-9223372036854775809'],
    ['token', undefined],
    ['token', '""'],
    ['token', '7'],
    ['token', `"${'x'.repeat(129)}"`],
    ['token', '"a\\u0000"'],
    ['token', '"é"'],
    ['amount', undefined],
    ['amount', '-1'],
    ['amount', '"-0.01"'],
    ['amount', '"1,5"'],
    ['amount', '""'],
    ['amount', '"0x10"'],
    ['amount', '"Infinity"'],
    ['amount', 'true'],
    ['amount', '[1]'],
    ['amount', '1e9999'],
    ['amount', `1${'0'.repeat(64)}`],
    ['is_close', undefined],
    ['is_close', '"true"'],
    ['is_close', '0'],
    ['is_close', 'null'],
    ['hash', undefined],
    ['hash', '5'],
    ['hash', `"${'a'.repeat(129)}"`],
  ];
  test.each(rows)('%s: %s', (field, json) => {
    const decoded = credit({ [field]: json });
    expect(decoded).toMatchObject({ ok: false, code: 1 });
    expect(!decoded.ok && decoded.message).toContain(field);
  });

  test('bet_amount: "x"', () => {
    expect(debit({ bet_amount: '"x"' })).toMatchObject({
      ok: false,
      message: 'bet_amount must be a decimal number',
    });
  });

  test.each([
    '',
    'null',
    '[]',
    '"x"',
    '{',
    '{}{}',
    '\ufeff{}',
    'player_id=1&amount=2',
    '['.repeat(100_000),
    bodyOf({ ...CREDIT, amount: '007' }),
    `${bodyOf(CREDIT).slice(0, -1)},"amount":43}`,
  ])('a body that is not one JSON object: %.40s', (text) => {
    for (const decode of [decodeAuthorization, decodeCredit, decodeDebit]) {
      expect(decode(text)).toMatchObject({ ok: false, code: 1 });
    }
  });

  test('inherited names are no fields', () => {
    expect(decodeCredit(`{"__proto__":${bodyOf(CREDIT)}}`).ok).toBe(false);
  });
});

test('no text and no JSON makes a decoder throw', () => {
  const value = fc.oneof(fc.jsonValue(), fc.string(), fc.double());
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record(Object.fromEntries(Object.keys(CREDIT).map((name) => [name, value])))
      .map((record) => JSON.stringify(record)),
  );
  fc.assert(
    fc.property(body, (text) => {
      for (const decode of [decodeAuthorization, decodeCredit, decodeDebit]) {
        expect(typeof decode(text).ok).toBe('boolean');
      }
    }),
    { numRuns: 500 },
  );
});
