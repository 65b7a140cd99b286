import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

/** A test that a document names. */
export interface NamedTest {
  readonly row: string;
  readonly file: string;
  readonly title: string;
}

/**
 * What the rows of a table name in their last cell: files in backticks, each followed by titles in “quotes”,
 * one file a `<br>`.
 *
 * @param row what the first cell of a row looks like
 */
export function namedTests(document: string, row: RegExp): NamedTest[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return text.split('\n').flatMap((line) => {
    const cells = /^\| ([^|]+?) +\|(?:[^|]*\|)+?([^|]*)\|$/.exec(line);
    const name = cells?.[1];
    if (name === undefined || !row.test(name)) return [];
    return (cells?.[2] ?? '').split('<br>').flatMap((kept) => {
      const file = /`([^`]+)`/.exec(kept)?.[1] ?? 'no file is named';
      return [...kept.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ row: name, file, title }));
    });
  });
}

/** Whether a file has a test of this title: it stands as the first argument of a call, quoted. */
export function hasTest({ file, title }: Pick<NamedTest, 'file' | 'title'>): boolean {
  const path = join(ROOT, file);
  if (!file.endsWith('.test.ts') || !existsSync(path)) return false;
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`\\(\\s*(['"\`])${escaped}\\1,`).test(readFileSync(path, 'utf8'));
}
