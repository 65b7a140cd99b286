import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const RULES = 15;

interface Promised {
  readonly rule: number;
  readonly file: string;
  readonly title: string;
}

/** The rows of the table: a number, three cells; in the last, files in backticks and titles in “quotes”. */
function promises(): Promised[] {
  const text = readFileSync(join(ROOT, 'docs/operations/promises.md'), 'utf8');
  return text.split('\n').flatMap((line) => {
    const cells = /^\| (\d+) \|(?:[^|]*\|){2}([^|]*)\|$/.exec(line);
    return (cells?.[2] ?? '').split('<br>').flatMap((kept) => {
      const file = /`([^`]+)`/.exec(kept)?.[1] ?? 'no file is named';
      return [...kept.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({
        rule: Number(cells?.[1]),
        file,
        title,
      }));
    });
  });
}

/** Whether a file has a test of this title: it stands as the first argument of a call, quoted. */
function hasTest(file: string, title: string): boolean {
  const path = join(ROOT, file);
  if (!file.endsWith('.test.ts') || !existsSync(path)) return false;
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`\\(\\s*(['"\`])${escaped}\\1,`).test(readFileSync(path, 'utf8'));
}

test('every rule names at least one test, in its order', () => {
  const rules = [...new Set(promises().map(({ rule }) => rule))];
  expect(rules).toEqual(Array.from({ length: RULES }, (_, index) => index + 1));
});

test('every test that the table of promises names exists', () => {
  const missing = promises().filter(({ file, title }) => !hasTest(file, title));
  expect(missing).toEqual([]);
});

test('a title that no file has is noticed, and so is a file that is not there', () => {
  const [known] = promises();
  expect(hasTest(known?.file ?? '', known?.title ?? '')).toBe(true);
  expect(hasTest(known?.file ?? '', `${known?.title ?? ''} not`)).toBe(false);
  expect(hasTest('test/integration/gone.test.ts', known?.title ?? '')).toBe(false);
});
