import { describeOutcome, type WalletOutcome } from './wallet-outcome';

describe('a wallet outcome', () => {
  const rows: readonly (readonly [WalletOutcome, string])[] = [
    [
      { kind: 'done', balance: '291.59', text: 'HTTP 200', httpStatus: 200 },
      'done, balance 291.59',
    ],
    [{ kind: 'done', text: 'HTTP 204', httpStatus: 204 }, 'done'],
    [
      { kind: 'declined', reason: 'funds', text: 'HTTP 402', httpStatus: 402 },
      'declined (funds): HTTP 402',
    ],
    [
      { kind: 'not_sent', reason: 'dns', text: 'wallet host not found' },
      'not sent (dns): wallet host not found',
    ],
    [
      { kind: 'unknown', reason: 'timeout', text: 'no answer within 2000 ms' },
      'unknown (timeout): no answer within 2000 ms',
    ],
  ];
  test.each(rows)('reads as one line for an operator: %j', (outcome, line) => {
    expect(describeOutcome(outcome)).toBe(line);
  });
});
