import { endPayload, givePayload, readPayload, reportPayload, takePayload } from './payloads';
import { canonical } from './signature';

const bet = { userAgent: 'LAG1.0632094194', betId: '1677950013029748736', stake: '5' };

describe("the partner document's bodies", () => {
  test('balance names the player alone', () => {
    expect(canonical(readPayload(bet))).toBe('{"user_agent":"LAG1.0632094194"}');
  });

  test('bet carries the stake as `balance`', () => {
    expect(canonical(takePayload(bet))).toBe(
      '{"balance":5,"bet_id":"1677950013029748736","user_agent":"LAG1.0632094194"}',
    );
  });

  test('settle-bet carries the stake as `bet` and the payout as `balance`', () => {
    expect(canonical(givePayload({ ...bet, payout: '20' }))).toBe(
      '{"balance":20,"bet":5,"bet_id":"1677950013029748736","user_agent":"LAG1.0632094194"}',
    );
  });

  test('bet-end carries the stake as `balance` and the payout as `win_balance`', () => {
    expect(canonical(endPayload({ ...bet, payout: '20.50' }))).toBe(
      '{"balance":5,"bet_id":"1677950013029748736","user_agent":"LAG1.0632094194","win_balance":20.5}',
    );
  });

  test('history carries the whole record, `_id` being the bet_id and names transliterated', () => {
    const text = canonical(
      reportPayload({
        betId: '66a1c0f2e1b2c3d4e5f60718',
        type: 'update',
        userAgent: 'LAG1.0632094194',
        product: 'PGSoft',
        game: 'Süper Golf & Drive',
        gameId: '1513328',
        beforeBalance: '296.59',
        afterBalance: '311.59',
        stake: '5',
        payout: '20',
        winlose: '15',
        createdAt: '2026-06-04T09:30:00.000Z',
        updatedAt: '2026-06-04T09:30:04.000Z',
      }),
    );
    expect(JSON.parse(text)).toEqual({
      _id: '66a1c0f2e1b2c3d4e5f60718',
      type: 'update',
      provider: 'PGSoft',
      game: 'Super Golf Drive',
      game_id: '1513328',
      user_agent: 'LAG1.0632094194',
      before_balance: 296.59,
      after_balance: 311.59,
      used_balance: 5,
      receive_balance: 20,
      winlose: 15,
      createdAt: '2026-06-04T09:30:00.000Z',
      updatedAt: '2026-06-04T09:30:04.000Z',
    });
  });
});
