/**
 * The house's rules are only worth their text if each of them catches a violation: every case below
 * builds a small house in a temporary folder with one fault in it and asks the real tools.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes';

const root = resolve(__dirname, '../..');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'roundhouse-house-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  for (const file of [
    'package.json',
    'tsconfig.json',
    '.dependency-cruiser.cjs',
    '.oxlintrc.json',
  ]) {
    cpSync(join(root, file), join(folder, file));
  }
  for (const [file, text] of Object.entries({ ...ROOMS, ...VIOLATIONS, ...LINT_FAULTS })) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file of each room that others import; all of them lawful by themselves. */
const ROOMS: Record<string, string> = Object.fromEntries(
  [
    'domain/money',
    'domain/round',
    'lib/clock',
    'lib/assert',
    'config/env',
    'contracts/names',
    'protocols/web-games/codes',
    'protocols/seamless-wallet/codes',
    'db/pool',
    'workflows/round',
    'activities/bet',
    'console/page',
    'worker/wiring',
    'api/app',
    'sandbox/web-games/book',
    'sandbox/partner/book',
    'stack/ports',
    'cli/text',
  ].map((path) => [`src/${path}.ts`, 'export const value = 1;\nexport type Value = number;\n']),
);

const importOf = (path: string) =>
  `import { value } from '${path}';\nexport const other = value;\n`;

/** One fault each: file -> its text. The rule that must name it is in the test's table. */
const VIOLATIONS: Record<string, string> = {
  'src/domain/bad-lib.ts': importOf('../lib/clock'),
  'src/domain/bad-package.ts': `import { z } from 'zod';\nexport const other = z;\n`,
  'src/domain/bad-file.ts': `import fs from 'node:fs';\nexport const other = fs;\n`,
  'src/lib/bad.ts': importOf('../domain/money'),
  'src/contracts/bad.ts': importOf('../db/pool'),
  'src/config/bad.ts': importOf('../contracts/names'),
  'src/protocols/web-games/bad-dialect.ts': importOf('../seamless-wallet/codes'),
  'src/protocols/web-games/bad-db.ts': importOf('../../db/pool'),
  'src/db/bad.ts': importOf('../protocols/web-games/codes'),
  'src/workflows/bad-lib.ts': importOf('../lib/clock'),
  'src/workflows/bad-activity.ts': importOf('../activities/bet'),
  'src/workflows/bad-package.ts': `import { z } from 'zod';\nexport const other = z;\n`,
  'src/workflows/bad-node.ts': `import fs from 'node:fs';\nexport const other = fs;\n`,
  'src/activities/bad.ts': importOf('../console/page'),
  'src/console/bad.ts': importOf('../api/app'),
  'src/api/bad-workflow.ts': importOf('../workflows/round'),
  'src/api/bad-worker.ts': importOf('../worker/wiring'),
  'src/worker/bad.ts': importOf('../workflows/round'),
  'src/sandbox/partner/bad-signature.ts': importOf('../../protocols/seamless-wallet/codes'),
  'src/sandbox/partner/bad-db.ts': importOf('../../db/pool'),
  'src/sandbox/partner/bad-domain.ts': importOf('../../domain/round'),
  'src/sandbox/partner/bad-side.ts': importOf('../web-games/book'),
  'src/stack/bad.ts': importOf('../cli/text'),
  'src/helpers/bad.ts': importOf('../lib/clock'),
  'src/api/bad-tool.ts': `import { chromium } from 'playwright-core';\nexport const other = chromium;\n`,
  'src/api/bad-unlisted.ts': `import ajv from 'ajv';\nexport const other = ajv;\n`,
  'src/lib/circle-one.ts': `import { two } from './circle-two';\nexport const one = (): number => two();\n`,
  'src/lib/circle-two.ts': `import { one } from './circle-one';\nexport const two = (): number => one();\n`,
  'src/lib/lost.ts': importOf('./nowhere'),
};

const WALLS: readonly (readonly [file: string, rule: string])[] = [
  ['src/domain/bad-lib.ts', 'wall-domain'],
  ['src/domain/bad-package.ts', 'domain-imports-no-package'],
  ['src/domain/bad-file.ts', 'domain-imports-no-package'],
  ['src/lib/bad.ts', 'wall-lib'],
  ['src/contracts/bad.ts', 'wall-contracts'],
  ['src/config/bad.ts', 'wall-config'],
  ['src/protocols/web-games/bad-dialect.ts', 'dialects-never-meet'],
  ['src/protocols/web-games/bad-db.ts', 'wall-protocols'],
  ['src/db/bad.ts', 'wall-db'],
  ['src/workflows/bad-lib.ts', 'wall-workflows'],
  ['src/workflows/bad-activity.ts', 'wall-workflows-types-only'],
  ['src/workflows/bad-package.ts', 'workflows-import-only-temporal-workflow'],
  ['src/workflows/bad-node.ts', 'workflows-import-only-temporal-workflow'],
  ['src/activities/bad.ts', 'wall-activities'],
  ['src/console/bad.ts', 'wall-console'],
  ['src/api/bad-workflow.ts', 'wall-api'],
  ['src/api/bad-worker.ts', 'wall-api'],
  ['src/worker/bad.ts', 'wall-worker'],
  ['src/sandbox/partner/bad-signature.ts', 'wall-sandbox'],
  ['src/sandbox/partner/bad-db.ts', 'wall-sandbox'],
  ['src/sandbox/partner/bad-domain.ts', 'wall-sandbox'],
  ['src/sandbox/partner/bad-side.ts', 'sandbox-sides-never-meet'],
  ['src/stack/bad.ts', 'wall-stack'],
  ['src/helpers/bad.ts', 'rooms-are-listed'],
  ['src/api/bad-tool.ts', 'no-development-package-in-production'],
  ['src/api/bad-unlisted.ts', 'no-unlisted-package'],
  ['src/lib/circle-one.ts', 'no-circle'],
  ['src/lib/lost.ts', 'no-unresolved'],
];

/** Lawful in every wall's eyes; the linter must speak. */
const LINT_FAULTS: Record<string, string> = {
  'src/api/reads-environment.ts': `export const home = process.env.HOME;\n`,
  'src/api/takes-environment.ts': `const { env } = process;\nexport const home = env;\n`,
  'src/api/imports-environment.ts': `import { env } from 'node:process';\nexport const home = env;\n`,
  'src/api/floats.ts': `const later = () => Promise.resolve(1);\nexport const go = () => {\n  later();\n};\n`,
  'src/api/misuses.ts': `export const wait = (later: () => Promise<void>) => {\n  setTimeout(later, 1);\n  [1].forEach(async () => later());\n};\n`,
  'src/api/any.ts': `export const take = (value: any): void => void value;\n`,
  'src/api/logs.ts': `console.log('hello');\nexport {};\n`,
  'src/workflows/reads-disk.ts': `import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n`,
  'src/workflows/reads-process.ts': `export const id = process.pid;\n`,
  'src/workflows/imports-nothing-odd.ts': importOf('../contracts/names'),
};

const LINT: readonly (readonly [file: string, rule: string])[] = [
  ['src/api/reads-environment.ts', 'no-restricted-properties'],
  ['src/api/takes-environment.ts', 'no-restricted-properties'],
  ['src/api/imports-environment.ts', 'no-restricted-imports'],
  ['src/api/floats.ts', 'no-floating-promises'],
  ['src/api/misuses.ts', 'no-misused-promises'],
  ['src/api/any.ts', 'no-explicit-any'],
  ['src/api/logs.ts', 'no-console'],
  ['src/workflows/reads-disk.ts', 'no-restricted-imports'],
  ['src/workflows/reads-process.ts', 'no-restricted-globals'],
];

function outputOf(file: string, args: readonly string[]): string {
  const result = spawnSync(process.execPath, [join(root, 'node_modules', file), ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
  });
  if (result.error) throw result.error;
  return result.stdout;
}

describe('the walls', () => {
  let found: Set<string>;

  beforeAll(() => {
    const report = JSON.parse(
      outputOf('dependency-cruiser/bin/dependency-cruise.mjs', ['--output-type', 'json', 'src']),
    ) as { summary: { violations: { from: string; rule: { name: string } }[] } };
    found = new Set(report.summary.violations.map(({ from, rule }) => `${from} ${rule.name}`));
  });

  test.each(WALLS)('%s is caught by %s', (file, rule) => {
    expect([...found].filter((line) => line.startsWith(`${file} `))).toContain(`${file} ${rule}`);
  });

  test('lawful files are left alone', () => {
    const lawful = [...found].filter((line) => line.split(' ')[0]! in ROOMS);
    expect(lawful).toEqual([]);
  });
});

describe('the linter', () => {
  let found: Set<string>;

  beforeAll(() => {
    const report = JSON.parse(outputOf('oxlint/bin/oxlint', ['--format', 'json', 'src'])) as {
      diagnostics: { filename: string; code: string }[];
    };
    found = new Set(
      report.diagnostics.map(
        ({ filename, code }) => `${filename} ${/\(([^)]+)\)/.exec(code)?.[1]}`,
      ),
    );
  });

  test.each(LINT)('%s is caught by %s', (file, rule) => {
    expect([...found].filter((line) => line.startsWith(`${file} `))).toContain(`${file} ${rule}`);
  });

  test('a lawful workflow is left alone', () => {
    expect([...found].filter((line) => line.includes('imports-nothing-odd'))).toEqual([]);
  });
});

describe('the supply', () => {
  const EVIL = { version: '1.0.0', integrity: 'sha512-x' };

  test.each([
    ['that would run a program at its installation', 'install scripts', { hasInstallScript: true }],
    ['from a host of somebody', 'lockfile', { resolved: 'https://packages.example.com/evil' }],
  ])('a package %s does not slip in by the lock file', (_name, check, fault) => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, unknown>;
    };
    lock.packages['node_modules/evil-package'] = { ...EVIL, ...fault };
    cpSync(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
    cpSync(join(root, '.npmrc'), join(folder, '.npmrc'));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(folder, 'scripts/check.mjs'), '--only', check],
      { encoding: 'utf8' },
    );
    expect(status).toBe(1);
    expect(stdout).toContain('evil-package');
  });
});

test('the containers register exactly the search attributes that rounds are started with', () => {
  const script = readFileSync(join(root, 'docker/temporal/setup-namespace.sh'), 'utf8');
  const registered = [...script.matchAll(/^ensure (\w+) (\w+)$/gm)];
  expect(registered.map(([, name, type]) => ({ name, type }))).toEqual([...SEARCH_ATTRIBUTES]);
});
