import fc from 'fast-check';
import { roundKeyOf, roundWorkflowId } from './round';

test('a workflow id names connection, player and round, and gives them back', () => {
  expect(roundWorkflowId({ connection: 'sandbox', playerId: '100000003', roundRef: '12' })).toBe(
    'round/sandbox/100000003/12',
  );
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}$/),
      fc.integer({ min: 100_000_000, max: 999_999_999 }).map(String),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      (connection, playerId, roundRef) => {
        const key = { connection, playerId, roundRef };
        expect(roundKeyOf(roundWorkflowId(key))).toEqual(key);
      },
    ),
  );
});

test('the id of any other workflow is no round', () => {
  expect(roundKeyOf('sweep-2026-11-21T08:00:00Z')).toBeUndefined();
  expect(roundKeyOf('round/sandbox/12')).toBeUndefined();
});
