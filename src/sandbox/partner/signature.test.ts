import { isSigned, signatureOf } from './signature';

const SECRET = 'example-agent-secret';

// Computed with the partner document's own sample code.
const VECTORS: readonly (readonly [string, Record<string, unknown>, string])[] = [
  [
    'balance',
    { user_agent: 'LAG1.0632094194' },
    '243871b470c1d2f96e918cd71e9fe61e90dbeb372b9e066997b0b725965823a4',
  ],
  [
    'bet',
    { user_agent: 'LAG1.0632094194', balance: 5, bet_id: '1677950013029748736' },
    'c00edc8dd2b2269f45fa55439ecb890e1e46df9d186f3c98e140d311711b06cb',
  ],
  [
    'settle-bet',
    { user_agent: 'LAG1.0632094194', bet: 5, balance: 20, bet_id: '1677950013029748736' },
    '4534b18cbdf94e9de1820a86a21d4efabe2017f3a6130cc77f1f07a079e5ee96',
  ],
  [
    'bet-end',
    { user_agent: 'LAG1.0632094194', balance: 5, win_balance: 20, bet_id: '1677950013029748736' },
    'f2f2981b25524d6f64570017c9e64419afd01eb15e1ffc78c92e6a0febce355e',
  ],
  [
    'history',
    {
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
    },
    '858159f3b145834dd6b469a72b060465fb89f35ec81fc12988410b1ac02f9bd5',
  ],
  [
    'bet with cents',
    { user_agent: 'LAG1.p2', balance: 0.1, bet_id: '64aa6ac13b909c3b91986abe' },
    'bc3dcab29eaa149a725b9e8d401e2baefe2ea2e096c17d2c523b94ae2af4eb7a',
  ],
  [
    'bet smallest portable',
    { user_agent: 'LAG1.p2', balance: 0.0001, bet_id: '64aa6ac13b909c3b91986abf' },
    '23c55b2016707f967d6a24e0f94e6924e6e7373ddae6a9ccb32e92103503b595',
  ],
];

test.each(VECTORS)(
  "the document's %s is signed as its sample code signs it",
  (_name, payload, hmac) => {
    expect(signatureOf(payload, SECRET)).toBe(hmac);
    expect(isSigned({ ...payload, hmac }, SECRET)).toBe(true);
  },
);

test('a changed field, another secret, a missing or odd hmac are not signed', () => {
  const [, payload, hmac] = VECTORS[1]!;
  expect(isSigned({ ...payload, balance: 6, hmac }, SECRET)).toBe(false);
  expect(isSigned({ ...payload, more: 1, hmac }, SECRET)).toBe(false);
  expect(isSigned({ ...payload, hmac }, 'another secret')).toBe(false);
  expect(isSigned(payload, SECRET)).toBe(false);
  expect(isSigned({ ...payload, hmac: hmac.toUpperCase() }, SECRET)).toBe(false);
  expect(isSigned({ ...payload, hmac: [hmac] }, SECRET)).toBe(false);
  for (const odd of [null, 5, 'x', [payload]]) expect(isSigned(odd, SECRET)).toBe(false);
});
