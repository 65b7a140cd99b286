import { CREDIT_CODE_OF_DECLINE, WEB_GAMES_CODES } from './codes';
import { encodeAuthorization, encodeFailure, encodeMoney, encodeRefusal } from './encode';

describe('answers to the provider', () => {
  test('Authorization has exactly the documented fields, the balance verbatim', () => {
    const answer = { playerId: '100000042', currency: 'RUB', nick: 'Player100000042' };
    expect(encodeAuthorization({ ...answer, balance: '10000.12', externalSession: 's-1' })).toBe(
      '{"code":0,"message":"Ok","player_id":100000042,"currency":"RUB","nick":"Player100000042",' +
        '"balance":10000.12,"external_session":"s-1"}',
    );
    expect(encodeAuthorization({ ...answer, balance: '0' })).not.toContain('external_session');
  });

  test('Credit and Debit print the balance verbatim and the operation as a number', () => {
    expect(encodeMoney({ balance: '999999999999999.1', externalSessionId: 2147483647 })).toBe(
      '{"code":0,"message":"Ok","balance":999999999999999.1,"external_session_id":2147483647}',
    );
  });

  test.each(['', '1e3', '01', '.5', '5.', '1,5', 'NaN', '5,"code":1'])(
    'a balance of %j is a bug and never an answer',
    (balance) => expect(() => encodeMoney({ balance, externalSessionId: 1 })).toThrow(/balance/),
  );

  test.each([-1, 0.5, 2 ** 31, Number.NaN])('so is the operation number %p', (number) => {
    expect(() => encodeMoney({ balance: '1', externalSessionId: number })).toThrow(/32-bit/);
  });

  test('a refusal is code and message, escaped, with lower-case keys', () => {
    expect(encodeRefusal('Credit', 2)).toBe('{"code":2,"message":"Insufficient funds"}');
    expect(encodeRefusal('Debit', 1, 'bad "x"')).toBe('{"code":1,"message":"bad \\"x\\""}');
    expect(encodeFailure()).toBe('{"code":1,"message":"Internal Error"}');
  });

  test('the codes are the ones the document lists, per method', () => {
    const listed = Object.entries(WEB_GAMES_CODES).map(([method, codes]) => [
      method,
      Object.keys(codes).map(Number),
    ]);
    expect(Object.fromEntries(listed)).toEqual({
      Authorization: [0, 1, 10, 11, 14],
      Credit: [0, 1, 2, 4, 5, 8, 10, 11, 14],
      Debit: [0, 1, 4, 5, 8, 10, 11, 14],
    });
  });

  test("a declined stake is told by the table's code", () => {
    expect(CREDIT_CODE_OF_DECLINE).toEqual({
      funds: 2,
      blocked: 4,
      player_not_found: 11,
      configuration: 1,
    });
  });
});
