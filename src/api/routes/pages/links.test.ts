import { createHmac } from 'node:crypto';
import { createLinks, ROUND_LINK_MS } from './links';

const BET = '64aa6ac13b909c3b91986abe';
const KEY = Buffer.alloc(32, 7);
let nowMs = 1_800_000_000_000;
const links = createLinks({
  publicBaseUrl: 'https://play.example.com',
  key: KEY,
  clock: { nowMs: () => nowMs },
});

function partsOf(url: string) {
  const { pathname, searchParams } = new URL(url);
  return {
    betId: pathname.slice('/rounds/'.length),
    expires: searchParams.get('expires') ?? '',
    signature: searchParams.get('signature') ?? '',
  };
}

beforeEach(() => (nowMs = 1_800_000_000_000));

test('a link is valid for a day and then says that it has expired', () => {
  const { betId, expires, signature } = partsOf(links.roundUrl(BET));
  expect(betId).toBe(BET);
  expect(links.verifyRound(betId, expires, signature)).toBe('valid');
  nowMs += ROUND_LINK_MS;
  expect(links.verifyRound(betId, expires, signature)).toBe('expired');
});

test('changing the bet, the time or a letter of the signature makes it a forgery', () => {
  const { betId, expires, signature } = partsOf(links.roundUrl(BET));
  const otherLetter = signature.startsWith('A') ? 'B' : 'A';
  expect(links.verifyRound(BET.replace('6', '7'), expires, signature)).toBe('forged');
  expect(links.verifyRound(betId, String(Number(expires) + 1), signature)).toBe('forged');
  expect(links.verifyRound(betId, expires, otherLetter + signature.slice(1))).toBe('forged');
  expect(links.verifyRound(betId, expires, '')).toBe('forged');
  expect(links.verifyRound(betId, '', signature)).toBe('forged');
});

test('a signature that only decodes to the right one is a forgery', () => {
  const { betId, expires, signature } = partsOf(links.roundUrl(BET));
  const bytes = Buffer.from(signature, 'base64url');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const twin = alphabet.split('').find((letter) => {
    const spelled = signature.slice(0, -1) + letter;
    return spelled !== signature && Buffer.from(spelled, 'base64url').equals(bytes);
  });
  const lenient = [
    signature.slice(0, -1) + String(twin),
    `${signature}=`,
    ` ${signature}`,
    `${signature.slice(0, 9)}!*${signature.slice(9)}`,
    bytes.toString('base64') === signature ? `${signature}\n` : bytes.toString('base64'),
  ];
  for (const spelled of lenient) {
    expect(Buffer.from(spelled, 'base64url')).toEqual(bytes);
    expect(links.verifyRound(betId, expires, spelled)).toBe('forged');
  }
});

test('the link of another installation is a forgery', () => {
  const other = createLinks({
    publicBaseUrl: 'https://play.example.com',
    key: Buffer.alloc(32, 8),
    clock: { nowMs: () => nowMs },
  });
  const { betId, expires, signature } = partsOf(other.roundUrl(BET));
  expect(links.verifyRound(betId, expires, signature)).toBe('forged');
});

test('a signature in another spelling of the same bytes opens nothing', () => {
  const { betId, expires, signature } = partsOf(links.roundUrl(BET));
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const spare = alphabet[alphabet.indexOf(signature.at(-1) ?? '') + 1] ?? '';
  const spellings = [
    `${signature}=`,
    `${signature} `,
    `${signature}.`,
    `${signature.slice(0, 9)}\n${signature.slice(9)}`,
    `${signature.slice(0, 9)}!${signature.slice(9)}`,
    signature.slice(0, -1) + spare,
  ];
  for (const spelling of spellings) {
    const bytes = Buffer.from(spelling, 'base64url');
    expect(bytes).toEqual(Buffer.from(signature, 'base64url'));
    expect(links.verifyRound(betId, expires, spelling)).toBe('forged');
  }
  expect(links.verifyRound(betId, expires, signature)).toBe('valid');
});

test("an operator's link is another kind: neither opens what the other opens", () => {
  const { searchParams, pathname } = new URL(links.operatorUrl('7'));
  expect(pathname).toBe('/operator/rounds/7');
  const [expires, signature] = [searchParams.get('expires')!, searchParams.get('signature')!];
  expect(links.verifyOperator('7', expires, signature)).toBe('valid');
  expect(links.verifyOperator('8', expires, signature)).toBe('forged');
  // Were a bet ever named like a round, its link would still be of its own kind.
  const players = createHmac('sha256', KEY).update(`round-link\n7\n${expires}`).digest('base64url');
  expect(links.verifyOperator('7', expires, players)).toBe('forged');
  expect(links.verifyRound('7', expires, signature)).toBe('forged');
  nowMs += 60 * 60 * 1_000;
  expect(links.verifyOperator('7', expires, signature)).toBe('expired');
});
