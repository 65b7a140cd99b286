import type { OutgoingHttpHeaders } from 'node:http';
import { updateConnection } from '../../src/db/connections';
import { updatePartner } from '../../src/db/partners';
import { askFrom } from '../support/ask-from';
import { certificateFolder, type CertificateFolder } from '../support/certificate-folder';
import { startRoundhouse, type TestRoundhouse } from '../support/roundhouse';
import { createTestAuthority } from '../support/test-authority';

/** On both IP lists. */
const ALLOWED = '203.0.113.10';
/** On neither. */
const ATTACKER = '198.18.0.9';
/** Ours: what stands before the API, and what stands before that. */
const PROXY = '127.0.0.2';
const OUTER_PROXY = '192.0.2.7';
const STRANGER = '127.0.0.9';
const PARTNER = '127.0.0.10';

const { ca, issue } = createTestAuthority();
let house: TestRoundhouse;
let folder: CertificateFolder;
/** Behind proxies of ours, and an API whose operator named none. */
let behindProxies = 0;
let alone = 0;

beforeAll(async () => {
  folder = await certificateFolder(issue('localhost'));
  house = await startRoundhouse();
  const ipWhitelist = [ALLOWED, '2001:db8:7::/48', PARTNER];
  await updatePartner(house.office, house.partner.prefix, { ipWhitelist });
  await updateConnection(house.office, house.connection.key, { ipWhitelist });
  const start = async (...trustedProxies: string[]) => {
    const transport = { development: false, trustedProxies, tls: folder.files };
    return Number(new URL((await house.startApi({ transport })).baseUrl).port);
  };
  behindProxies = await start(PROXY, '192.0.2.0/24');
  alone = await start();
});
afterAll(async () => {
  await house?.close();
  await folder?.remove();
});

/** Whether a request with these headers passes the partner's IP list, and the provider's. */
async function passes(
  from: string,
  headers: OutgoingHttpHeaders,
  port = behindProxies,
): Promise<{ partner: boolean; provider: boolean }> {
  const partner = await askFrom({
    port,
    ca,
    from,
    path: '/game/provider',
    headers: { 'x-api-key': house.apiKey, ...headers },
  });
  const provider = await askFrom({
    port,
    ca,
    from,
    method: 'POST',
    path: '/providers/sandbox/Credit',
    headers,
  });
  if (partner.status !== 200) {
    expect(partner).toMatchObject({ status: 403, text: '{"error":"IP not allowed"}' });
  }
  expect(provider.status).toBe(200);
  const { message } = JSON.parse(provider.text) as { message: string };
  return { partner: partner.status === 200, provider: message !== 'Address not allowed' };
}

const NOBODY = { partner: false, provider: false };
const BOTH = { partner: true, provider: true };

/** Each header by which a proxy somewhere tells an address. */
const FORGED: OutgoingHttpHeaders[] = [
  { 'x-forwarded-for': ALLOWED },
  { 'x-forwarded-for': `${ALLOWED}, ${PROXY}` },
  { 'x-forwarded-for': `${ALLOWED}, ${OUTER_PROXY}, ${PROXY}` },
  { 'x-forwarded-for': [ALLOWED, ALLOWED] },
  { 'X-FORWARDED-FOR': ALLOWED },
  ...[
    'x-real-ip',
    'x-client-ip',
    'x-cluster-client-ip',
    'x-originating-ip',
    'x-remote-ip',
    'x-remote-addr',
    'remote-addr',
    'client-ip',
    'true-client-ip',
    'cf-connecting-ip',
    'fastly-client-ip',
    'x-forwarded',
    'forwarded-for',
    'x-original-forwarded-for',
    'x-envoy-external-address',
    'via',
  ].map((name) => ({ [name]: ALLOWED })),
  { forwarded: `for=${ALLOWED}` },
  { forwarded: `for="${ALLOWED}";proto=https;by=${PROXY}` },
];

test('the socket of a listed address passes, so that what follows means something', async () => {
  expect(await passes(PARTNER, {})).toEqual(BOTH);
  expect(await passes(PARTNER, {}, alone)).toEqual(BOTH);
  expect(await passes(STRANGER, {})).toEqual(NOBODY);
});

describe('a forged forwarding header does not pass the IP list', () => {
  test.each(FORGED)('sent by a stranger: %j', async (headers) => {
    expect(await passes(STRANGER, headers)).toEqual(NOBODY);
    expect(await passes(STRANGER, headers, alone)).toEqual(NOBODY);
  });

  test.each(FORGED)('sent through our proxy, which tells the true address: %j', async (forged) => {
    const first = forged['x-forwarded-for'] ?? forged['X-FORWARDED-FOR'];
    // A proxy adds to the header's end, or in a line of its own.
    const added = [...(first === undefined ? [] : [first].flat()), ATTACKER] as string[];
    const { 'X-FORWARDED-FOR': _, ...others } = forged;
    const joined = { ...others, 'x-forwarded-for': added.join(', ') };
    expect(await passes(PROXY, joined)).toEqual(NOBODY);
    expect(await passes(PROXY, { ...others, 'x-forwarded-for': added })).toEqual(NOBODY);
  });

  test('sent through our proxy, of which the operator said nothing', async () => {
    expect(await passes(PROXY, { 'x-forwarded-for': ALLOWED }, alone)).toEqual(NOBODY);
  });

  test('nor does it take the place of a listed address away', async () => {
    const headers = { 'x-forwarded-for': ATTACKER, 'x-real-ip': ATTACKER };
    expect(await passes(PARTNER, headers)).toEqual(BOTH);
  });
});

describe('through our proxies the list sees the address of the client', () => {
  test.each([
    ALLOWED,
    `::ffff:${ALLOWED}`,
    '::ffff:cb00:710a',
    '::FFFF:CB00:710A',
    '2001:db8:7::1',
    '2001:DB8:0007:0:0:0:0:1',
    `${ALLOWED}, ${OUTER_PROXY}`,
    `${ALLOWED}, ::ffff:${OUTER_PROXY}`,
    `${ATTACKER}, ${ALLOWED}, ${OUTER_PROXY}`,
    `garbage, ${ALLOWED}`,
    `\t${ALLOWED} ,${OUTER_PROXY}`,
  ])('%s', async (value) => {
    expect(await passes(PROXY, { 'x-forwarded-for': value })).toEqual(BOTH);
  });
});

describe('a forwarded address that is none passes no list', () => {
  test.each([
    '',
    ' ',
    ',',
    'unknown',
    '_hidden',
    'localhost',
    `${ALLOWED}:443`,
    `[${ALLOWED}]`,
    '[2001:db8:7::1]:443',
    `"${ALLOWED}"`,
    `for=${ALLOWED}`,
    `${ALLOWED}/32`,
    `${ALLOWED} ${ATTACKER}`,
    `${ALLOWED};${ATTACKER}`,
    `${ALLOWED}, garbage`,
    `${ALLOWED}, unknown`,
    `${ALLOWED}, ${ATTACKER}:443`,
    `${ALLOWED}, ${OUTER_PROXY}:443`,
    '0313.0.113.10',
    '203.0.113.010',
    '0xcb.0.113.10',
    '3405803786',
    '203.0.28938',
    '::203.0.113.10',
    '64:ff9b::cb00:710a',
    OUTER_PROXY,
    PROXY,
  ])('"%s"', async (value) => {
    expect(await passes(PROXY, { 'x-forwarded-for': value })).toEqual(NOBODY);
  });
});
