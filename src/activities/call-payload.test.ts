import { TERMS } from '../../test/support/played-round';
import type { RoundContext } from '../db/round-rows';
import type { CallContent } from '../domain/round/attempt';
import { callPayload } from './call-payload';

const betId = '66a1c0f2e1b2c3d4e5f60718';
const context: RoundContext = {
  roundId: '7',
  connectionId: 1,
  connectionKey: 'webgames',
  playerId: '100000001',
  roundRef: '4711',
  partnerId: 1,
  partnerPrefix: 'LAG1',
  userAgent: 'LAG1.0632094194',
  sessionId: '1',
  gameId: '1001',
  gameTitle: 'Süper Golf',
  providerName: 'PGSoft',
  terms: TERMS,
  breaker: 'closed',
  breakerTerms: {
    ratio: 0.5,
    callsMin: 10,
    windowMs: 10_000,
    openMsMin: 15_000,
    openMsMax: 60_000,
  },
  sessionEndsMs: null,
};
const report: Extract<CallContent, { verb: 'report' }> = {
  verb: 'report',
  betId,
  number: 1,
  stake: 500n,
  received: 0n,
  stakeBalance: '291.59',
  lastBalance: '291.59',
  createdMs: Date.UTC(2025, 0, 2, 3, 4, 5, 6),
  updatedMs: Date.UTC(2025, 0, 2, 3, 4, 6, 0),
};
const say = (content: CallContent, exponent = 2) =>
  callPayload(content, { ...context, terms: { ...TERMS, exponent } });
const recordOf = (change: Partial<typeof report>) =>
  JSON.parse(say({ ...report, ...change })) as Record<string, unknown>;

describe('the bytes of a wallet call', () => {
  test('take', () => {
    expect(say({ verb: 'take', betId, amount: 550n })).toBe(
      `{"balance":5.5,"bet_id":"${betId}","user_agent":"LAG1.0632094194"}`,
    );
  });

  test('take of a carrier', () => {
    expect(say({ verb: 'take', betId, amount: 0n })).toBe(
      `{"balance":0,"bet_id":"${betId}","user_agent":"LAG1.0632094194"}`,
    );
  });

  test('give', () => {
    expect(say({ verb: 'give', betId, stake: 500n, amount: 2_010n })).toBe(
      `{"balance":20.1,"bet":5,"bet_id":"${betId}","user_agent":"LAG1.0632094194"}`,
    );
  });

  test('end', () => {
    expect(say({ verb: 'end', betId, stake: 500n, win: 2_000n })).toBe(
      `{"balance":5,"bet_id":"${betId}","user_agent":"LAG1.0632094194","win_balance":20}`,
    );
  });

  test('report: the whole record, names in printable ASCII', () => {
    expect(say(report)).toBe(
      `{"_id":"${betId}","after_balance":291.59,"before_balance":296.59,` +
        `"createdAt":"2025-01-02T03:04:05.006Z","game":"Super Golf","game_id":"1001",` +
        `"provider":"PGSoft","receive_balance":0,"type":"create",` +
        `"updatedAt":"2025-01-02T03:04:06.000Z","used_balance":5,` +
        `"user_agent":"LAG1.0632094194","winlose":-5}`,
    );
  });

  test('amounts are printed in the scale of the currency', () => {
    expect(say({ verb: 'take', betId, amount: 550n }, 0)).toContain('"balance":550,');
    expect(say({ verb: 'take', betId, amount: 1n }, 4)).toContain('"balance":0.0001,');
  });
});

describe('the record of a bet', () => {
  test('is created by its first event and updated by every later one', () => {
    expect(recordOf({ number: 1 })).toMatchObject({ type: 'create' });
    expect(recordOf({ number: 2 })).toMatchObject({ type: 'update' });
    expect(recordOf({ number: 9 })).toMatchObject({ type: 'update' });
  });

  test('of a win: before is the stake’s reply and the stake, after the last reply', () => {
    expect(recordOf({ received: 2_000n, lastBalance: '311.59' })).toMatchObject({
      before_balance: 296.59,
      after_balance: 311.59,
      used_balance: 5,
      receive_balance: 20,
      winlose: 15,
    });
  });

  test('of a compensated stake shows a winlose of 0', () => {
    expect(recordOf({ received: 500n, lastBalance: '296.59' })).toMatchObject({
      before_balance: 296.59,
      after_balance: 296.59,
      winlose: 0,
    });
  });

  test('of a carrier uses nothing: before is the reply to its own /bet', () => {
    expect(recordOf({ stake: 0n, received: 100n, lastBalance: '292.59' })).toMatchObject({
      before_balance: 291.59,
      after_balance: 292.59,
      used_balance: 0,
      receive_balance: 1,
      winlose: 1,
    });
  });

  test('of a direct payout counts back from its only reply', () => {
    expect(
      recordOf({ stake: 0n, received: 100n, stakeBalance: null, lastBalance: '292.59' }),
    ).toMatchObject({ before_balance: 291.59, after_balance: 292.59 });
  });

  test('shows balances cut to the currency, never rounded up', () => {
    expect(recordOf({ stakeBalance: '291.599999', lastBalance: '291.599999' })).toMatchObject({
      before_balance: 296.59,
      after_balance: 291.59,
    });
  });

  test('of a wallet with more digits than can be signed still leaves', () => {
    expect(
      recordOf({
        stakeBalance: '12345678901234567890.12',
        lastBalance: '-12345678901234567890.12',
      }),
    ).toMatchObject({ before_balance: 9_999_999_999_999.99, after_balance: -9_999_999_999_999.99 });
  });

  test('of a stake that was taken without a balance counts back from the last reply', () => {
    expect(recordOf({ received: 2_000n, stakeBalance: null, lastBalance: '311.59' })).toMatchObject(
      { before_balance: 296.59, after_balance: 311.59 },
    );
  });
});
