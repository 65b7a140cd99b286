import { betId, type OperationKey } from './bet-id';

const key: OperationKey = {
  installation: '0123456789abcdef',
  connection: 7,
  kind: 'stake',
  playerId: '100000001',
  roundRef: '9223372036854775807',
  transactionRef: '9007199254740993',
};

describe('a bet_id', () => {
  // Computed with sha256sum over the JSON array of SPEC §2, not with this code.
  test.each<[Partial<OperationKey>, string]>([
    [{}, '0761f8c13599c89a3342dc4f'],
    [{ kind: 'payout' }, '304de6663c969592c4142814'],
    [
      {
        installation: 'ffffffffffffffff',
        connection: 1,
        playerId: '100000000',
        roundRef: '1',
        transactionRef: '-1',
      },
      'd4a48e15dc5947037302ee15',
    ],
  ])('is the same on every machine for ever: %j', (change, id) => {
    expect(betId({ ...key, ...change })).toBe(id);
  });

  test('differs when any part of the operation’s key does, one step beyond a double included', () => {
    const keys: OperationKey[] = [
      key,
      { ...key, installation: '0123456789abcdee' },
      { ...key, connection: 8 },
      { ...key, kind: 'payout' },
      { ...key, playerId: '100000002' },
      { ...key, roundRef: '9223372036854775806' },
      { ...key, transactionRef: '9007199254740992' },
    ];
    expect(new Set(keys.map(betId)).size).toBe(keys.length);
  });

  test('no two keys run into each other where their parts touch', () => {
    const one = betId({ ...key, roundRef: '12', transactionRef: '3' });
    const other = betId({ ...key, roundRef: '1', transactionRef: '23' });
    expect(one).not.toBe(other);
  });

  test('has 24 lower-case hex characters', () => {
    for (let n = 0; n < 100; n++) {
      expect(betId({ ...key, transactionRef: String(n) })).toMatch(/^[0-9a-f]{24}$/);
    }
  });
});
