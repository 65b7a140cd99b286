/** The pictures in the repository: all that the documents show, nothing else, and none that makes a clone slow. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FILM, SHOWN } from './shown';

const ROOT = join(__dirname, '..', '..');
const IMAGES = join(ROOT, 'docs', 'images');
const PICTURE_BYTES_MAX = 200 * 1024;
const FILM_BYTES_MAX = 1536 * 1024;

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

test('every picture that the README shows is one that the script takes, and lies there; no other does', () => {
  const shown = [...readme.matchAll(/docs\/images\/([\w.-]+)/g)].map(([, name]) => name);
  expect(new Set(shown)).toEqual(new Set(SHOWN));
  expect(new Set(readdirSync(IMAGES))).toEqual(new Set(SHOWN));
});

test('every picture says in words what is to be seen on it', () => {
  const pictures = readme.match(/<img [^>]*>/g) ?? [];
  expect(pictures.length).toBeGreaterThan(0);
  expect(pictures.filter((picture) => !/alt="[^"]{20,}"/.test(picture))).toEqual([]);
});

test('no picture is larger than 200 KB, and the film is below 1.5 MB', () => {
  const size = (name: string) => statSync(join(IMAGES, name)).size;
  const tooLarge = SHOWN.filter((name) => name !== FILM && size(name) > PICTURE_BYTES_MAX);
  expect(tooLarge).toEqual([]);
  expect(size(FILM)).toBeLessThan(FILM_BYTES_MAX);
});
