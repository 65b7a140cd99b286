// Makes sure that what a command needs is there: the right Node.js, the packages, the build. Plain
// JavaScript without packages, because it runs before any is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');
const STAMP = join(DIST, '.build-stamp');
const NODE_MIN = [20, 19];

/** Ends the process with one sentence when Node.js is older than package.json asks for. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  fail(
    `Roundhouse needs Node.js ${NODE_MIN.join('.')} or newer; this is ${process.versions.node}. ` +
      'Install a newer Node.js and run the command again.',
  );
}

/**
 * Runs `npm ci` when node_modules is missing or older than the lock file.
 *
 * @param folder whose package.json it is: the root's, or one with packages of its own
 * @param flags further flags of npm ci
 */
export function ensureInstalled(folder = ROOT, flags = []) {
  const lock = join(folder, 'package-lock.json');
  const installed = join(folder, 'node_modules', '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  say(
    existsSync(installed) ? 'package-lock.json has changed: npm ci' : 'Installing packages: npm ci',
  );
  // Under npm its own script is at hand; run directly, npm is looked for in the PATH.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-fund', '--no-audit', ...flags];
  const result = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: folder, stdio: toStderr() })
    : spawnSync('npm', args, { cwd: folder, stdio: toStderr() });
  if (result.status !== 0) {
    fail(
      'npm ci failed (its own message is above). When the package index cannot be reached, check the ' +
        "network or npm's registry setting and run the command again.",
    );
  }
}

/** Builds when anything the build reads has changed since the last one. */
export function ensureBuilt() {
  const sum = sumOfInputs();
  if (isBuilt(sum)) return;
  const unlock = lockBuild();
  try {
    if (!isBuilt(sum)) build(sum);
  } finally {
    unlock();
  }
}

function isBuilt(sum) {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sum;
}

function build(sum) {
  const begin = Date.now();
  say('Building');
  rmSync(STAMP, { force: true });
  runNode([join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json']);
  const sources = filesBelow(join(ROOT, 'src'));
  copyAssets(sources);
  removeOrphans(sources);
  say('Bundling the workflows');
  const bundler = join(DIST, 'worker', 'bundle-workflows.js');
  runNode(['-e', `require(${JSON.stringify(bundler)}).bundleWorkflows()`]);
  writeFileSync(STAMP, sum);
  say(`Built in ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}

function runNode(args) {
  const result = spawnSync(process.execPath, args, { cwd: ROOT, stdio: toStderr() });
  if (result.status !== 0) fail('The build failed; its messages are above.');
}

/** One sum over the names and contents of everything the build reads. */
function sumOfInputs() {
  const hash = createHash('sha256');
  const files = [
    ...filesBelow(join(ROOT, 'src')),
    ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'scripts/prepare.mjs'].map(
      (name) => join(ROOT, name),
    ),
  ];
  for (const file of files.sort()) {
    hash
      .update(`${relative(ROOT, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Everything that is not TypeScript (SQL, style sheets, pictures, browser scripts) lies beside its code. */
function copyAssets(sources) {
  for (const file of sources.filter((name) => !name.endsWith('.ts'))) {
    const target = join(DIST, relative(join(ROOT, 'src'), file));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
}

/** Removes what an earlier build made from a source that is gone, which would still be found and run. */
function removeOrphans(sources) {
  const wanted = new Set(['.tsbuildinfo', 'workflow-bundle.js']);
  for (const file of sources) {
    const name = relative(join(ROOT, 'src'), file);
    if (!name.endsWith('.ts')) wanted.add(name);
    else if (!name.endsWith('.test.ts')) {
      const stem = name.slice(0, -'.ts'.length);
      wanted.add(`${stem}.js`).add(`${stem}.js.map`);
    }
  }
  for (const file of filesBelow(DIST)) {
    if (!wanted.has(relative(DIST, file))) rmSync(file);
  }
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Two commands at once must not build into the same folder; a lock of a dead process does not count. */
function lockBuild() {
  const path = join(ROOT, '.cache', 'build.lock');
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!holderIsAlive(path)) rmSync(path, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
}

function holderIsAlive(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    // Between making the file and writing the number into it.
    if (pid === 0) return Date.now() - statSync(path).mtimeMs < 5_000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Standard output belongs to the command that is prepared; progress goes to standard error. */
function toStderr() {
  return ['ignore', 2, 2];
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

export function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
