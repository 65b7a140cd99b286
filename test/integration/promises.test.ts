/** What the documents promise, they name the tests of: here is seen that these tests exist. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasTest, namedTests } from '../support/named-tests';

const RULES = 15;
const ATTACKS = 29;

const ofRules = namedTests('docs/operations/promises.md', /^\d+$/);
const ofAttacks = namedTests('SECURITY.md', /^S\d+$/);

test('every rule names at least one test, in its order', () => {
  const rules = [...new Set(ofRules.map(({ row }) => row))];
  expect(rules).toEqual(Array.from({ length: RULES }, (_, index) => String(index + 1)));
});

test('every known attack names a test that tries it, or the reason why it does not apply', () => {
  const text = readFileSync(join(__dirname, '..', '..', 'SECURITY.md'), 'utf8');
  const excused = [...text.matchAll(/^- (S\d+): .{40,}/gm)].map(([, row]) => row);
  const all = Array.from({ length: ATTACKS }, (_, index) => `S${index + 1}`);
  const named = new Set(ofAttacks.map(({ row }) => row));
  expect(all.filter((row) => !named.has(row) && !excused.includes(row))).toEqual([]);
  expect(excused.filter((row) => row !== undefined && named.has(row))).toEqual([]);
});

test('every test that a document names exists', () => {
  expect([...ofRules, ...ofAttacks].filter((named) => !hasTest(named))).toEqual([]);
});

test('a title that no file has is noticed, and so is a file that is not there', () => {
  const [known] = ofRules;
  const { file = '', title = '' } = known ?? {};
  expect(hasTest({ file, title })).toBe(true);
  expect(hasTest({ file, title: `${title} not` })).toBe(false);
  expect(hasTest({ file: 'test/integration/gone.test.ts', title })).toBe(false);
});
