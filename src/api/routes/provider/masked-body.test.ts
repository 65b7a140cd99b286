import { maskedBody } from './masked-body';

const secrets = { token: 'tAbc123', hash: 'd41d8cd98f00b204e9800998ecf8427e' };

test.each([
  ['as it came', `{"a":1,"token":"tAbc123","hash":"${secrets.hash}"}`],
  [
    'written with escapes',
    `{"a":1,"token":"\\u0074Abc123","hash":"\\u0064${secrets.hash.slice(1)}"}`,
  ],
  ['under a name with escapes', `{"a":1,"\\u0074oken":"tAbc123","hash":"${secrets.hash}"}`],
  ['said twice', `{"a":1,"token":"tAbc123","other":"tAbc123","hash":"${secrets.hash}"}`],
])('evidence holds neither the token nor the hash of a request %s', (_, body) => {
  const masked = maskedBody(body, secrets);
  expect(masked).not.toMatch(/Abc123|8cd98f/);
  expect(masked).toContain('"a":1');
  expect(masked).toContain('"[masked]"');
});

test('everything else of the request is kept byte for byte, up to a limit', () => {
  const body = '{"amount": 10.50 ,"player_id":"100000001","x":"\\ud83d"}';
  expect(maskedBody(body, secrets)).toBe(body);
  expect(maskedBody(`"${'x'.repeat(10_000)}"`, secrets)).toHaveLength(4_096);
});
