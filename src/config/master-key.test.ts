import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SettingsError } from './env';
import { readMasterKeys } from './master-key';

const ONE = '1'.repeat(64);
const TWO = '2f'.repeat(32);
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'roundhouse-key-'));
  file = join(folder, 'master.key');
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (given: { MASTER_KEY?: string; MASTER_KEY_FILE?: string }) =>
  readMasterKeys({ MASTER_KEY: undefined, MASTER_KEY_FILE: undefined, ...given });

test('a key comes from a file or the environment, earlier ones behind it', () => {
  writeFileSync(file, `${ONE}\n${TWO.toUpperCase()}\n\n`);
  const fromFile = read({ MASTER_KEY_FILE: file });
  const fromEnvironment = read({ MASTER_KEY: `${ONE},${TWO}` });
  expect(fromFile.map(({ id }) => id)).toEqual(fromEnvironment.map(({ id }) => id));
  expect(fromFile).toHaveLength(2);
  expect(read({ MASTER_KEY: ONE })[0].id).toBe(fromFile[0].id);
});

test.each([
  ['none at all', {}, 'MASTER_KEY_FILE: is missing, and MASTER_KEY too'],
  ['both', { MASTER_KEY: ONE, MASTER_KEY_FILE: '/k' }, 'only one of them'],
  ['a file that is not there', { MASTER_KEY_FILE: '/nowhere/master.key' }, '(ENOENT)'],
  ['a short key', { MASTER_KEY: 'hunter2' }, 'MASTER_KEY: key 1 is not 64 hex characters'],
  ['a broken earlier key', { MASTER_KEY: `${ONE},hunter2` }, 'key 2 is not 64 hex characters'],
  ['blanks', { MASTER_KEY: ' ,' }, 'holds no key'],
])('%s is refused with what to do, and never with the key itself', (_name, given, text) => {
  const refused = (): unknown => read(given);
  expect(refused).toThrow(SettingsError);
  expect(refused).toThrow(text);
  expect(refused).not.toThrow(/hunter2|1111/);
});
