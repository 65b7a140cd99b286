import { parseLosslessJson } from '../../lib/json';
import { ShapeError } from './field-reader';
import { readWalletRequest, type WalletEndpoint } from './wallet-request';

const read = (endpoint: WalletEndpoint, body: string) =>
  readWalletRequest(endpoint, parseLosslessJson(body), 2);

test('amounts are read from their digits, not through a double', () => {
  const body = '{"user_agent":"LAG1.p","bet_id":"b1","balance":1234567890123.45}';
  expect(read('bet', body)).toMatchObject({ stakeMinor: 123456789012345n });
  // The same double as 0.1, but not the same amount.
  const near = '{"user_agent":"LAG1.p","bet_id":"b1","balance":0.10000000000000000001}';
  expect(() => read('bet', near)).toThrow(ShapeError);
});

test.each([
  ['bet', '{"user_agent":"LAG1.p","bet_id":"b1"}', 'balance is missing'],
  ['bet', '{"user_agent":"LAG1.p","bet_id":"b1","balance":"5"}', 'balance is not a number'],
  ['bet', '{"user_agent":"LAG1.p","bet_id":"b1","balance":-5}', 'balance is negative'],
  ['bet', '{"user_agent":"LAG1.p","bet_id":5,"balance":5}', 'bet_id is not usable'],
  ['bet', '{"user_agent":"LAG1/p","bet_id":"b1","balance":5}', 'user_agent is not usable'],
  ['settle-bet', '{"user_agent":"LAG1.p","bet_id":"b1","balance":5}', 'bet is missing'],
  ['bet-end', '{"user_agent":"LAG1.p","bet_id":"b1","balance":5}', 'win_balance is missing'],
  ['history', '{"user_agent":"LAG1.p","_id":"b1","type":"delete"}', 'type must be one of'],
  ['balance', '[]', 'the body is not an object'],
] as const)('%s of %s is refused: %s', (endpoint, body, text) => {
  expect(() => read(endpoint, body)).toThrow(text);
});
