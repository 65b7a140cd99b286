/**
 * `npm run screenshots`: starts a system of its own, plays in it, and takes the pictures that README and docs
 * show. A second run gives the same pictures apart from times and ids.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startBrowser } from '../support/browser';
import { createTestStack } from '../support/stack';
import { captureSurvivedKill } from './capture';
import { takePictures } from './pictures';
import { smallPng } from './png';
import { FILM, isDrawn, SHOWN } from './shown';

const ROOT = join(__dirname, '..', '..');
const IMAGES = join(ROOT, 'docs', 'images');

const USAGE = `npm run screenshots -- [--out <folder>] [--only pictures|film] [--no-docs]

  --out      where all pictures go, each page on a desk and in a hand, light and dark (.cache/screenshots)
  --only     the pictures without the film, or the film alone
  --no-docs  leaves docs/images as it is
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(ROOT, '.cache', 'screenshots') },
      only: { type: 'string' },
      'no-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  if (values.only !== undefined && !['pictures', 'film'].includes(values.only))
    throw new Error(USAGE);
  const out = resolve(values.out);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const made = await makeAll(out, values.only);
  if (values['no-docs']) return;
  mkdirSync(IMAGES, { recursive: true });
  for (const name of SHOWN.filter((one) => made.includes(one))) {
    const picture = readFileSync(join(out, name));
    writeFileSync(
      join(IMAGES, name),
      name === FILM || isDrawn(name) ? picture : await smallPng(picture),
    );
    say(`docs/images/${name}  ${kilobytes(join(IMAGES, name))}`);
  }
}

async function makeAll(out: string, only: string | undefined): Promise<string[]> {
  const made: string[] = [];
  const keep = (name: string, content: Buffer) => {
    writeFileSync(join(out, name), content);
    made.push(name);
  };
  say('Starting a system of its own');
  const stack = await createTestStack();
  // Its processes have a session of their own: a Ctrl-C does not reach them.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stack.dispose().finally(() => process.exit(130)));
  }
  try {
    await stack.start();
    const browser = await startBrowser();
    try {
      if (only !== 'film') await takePictures(stack, browser, keep);
      if (only !== 'pictures') keep(FILM, await captureSurvivedKill(stack, browser));
    } finally {
      await browser.close();
    }
  } finally {
    await stack.dispose();
  }
  say(`${String(made.length)} pictures in ${out}`);
  return made;
}

const kilobytes = (file: string) => `${String(Math.ceil(statSync(file).size / 1_024))} KB`;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
});
