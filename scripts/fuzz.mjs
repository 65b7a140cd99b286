// npm run fuzz: installs and builds what is missing, schemathesis into a Python environment of its own
// included, then lets it read our OpenAPI documents and call a stack (test/fuzz/main.ts).
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, ensureBuilt, ensureInstalled, fail, requireNode } from './prepare.mjs';

/** What schemathesis asks for. */
const PYTHON_MIN = [3, 11];
const REQUIREMENTS = join(ROOT, 'test', 'fuzz', 'requirements.txt');
const ENVIRONMENT = join(ROOT, '.cache', 'fuzz', 'python');
const STAMP = join(ENVIRONMENT, '.stamp');

requireNode();
ensureInstalled();
ensureBuilt();
const schemathesis = ensureSchemathesis(findPython());

const machine = spawn(
  process.execPath,
  [
    '-r',
    join(ROOT, 'scripts', 'typescript.cjs'),
    join(ROOT, 'test', 'fuzz', 'main.ts'),
    schemathesis,
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
// The run ends its own processes; we only report how it ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => machine.kill(signal));
machine.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));

function findPython() {
  const wanted = PYTHON_MIN.join('.');
  for (const name of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11']) {
    const { stdout, status } = spawnSync(
      name,
      [
        '-c',
        'import sys; print(sys.version_info >= tuple(map(int, sys.argv[1].split("."))))',
        wanted,
      ],
      { encoding: 'utf8' },
    );
    if (status === 0 && stdout.trim() === 'True') return name;
  }
  return fail(
    `The API fuzzer needs Python ${wanted} or newer, and there is no such python3 in the PATH: ` +
      'nothing was fuzzed. Install it and run "npm run fuzz" again.',
  );
}

/** The environment is made anew when the pinned versions or the Python change; a half-made one never counts. */
function ensureSchemathesis(python) {
  const program = join(ENVIRONMENT, 'bin', 'schemathesis');
  const { stdout: version } = spawnSync(python, ['-VV'], { encoding: 'utf8' });
  const stamp = createHash('sha256')
    .update(readFileSync(REQUIREMENTS))
    .update(version)
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return program;
  process.stderr.write('Installing schemathesis into .cache/fuzz/python\n');
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  mkdirSync(ENVIRONMENT, { recursive: true });
  run(python, ['-m', 'venv', ENVIRONMENT]);
  run(join(ENVIRONMENT, 'bin', 'python'), [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'],
    ...['--require-hashes', '--only-binary', ':all:', '-r', REQUIREMENTS],
  ]);
  writeFileSync(STAMP, stamp);
  return program;
}

function run(program, args) {
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail('The API fuzzer could not be installed; the message is above.');
}
