import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** A run plays some minutes and repeats what a busy machine kept it from; it ends itself long before this. */
jest.setTimeout(1_200_000);

const ROOT = join(__dirname, '..', '..');

interface ChaosEnd {
  readonly ok: boolean;
  readonly rounds: number;
  readonly operations_ok_share: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly drain_ms: number | null;
  readonly invariants: Readonly<Record<string, string>>;
}

/** Runs the machine as its command does, and answers what its last line says, or all it printed. */
async function chaos(...options: string[]): Promise<ChaosEnd | string> {
  const child = spawn(
    process.execPath,
    ['-r', './scripts/typescript.cjs', 'test/chaos/main.ts', '--json', ...options],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let printed = '';
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const last = printed.trimEnd().split('\n').at(-1) ?? '';
  return code === 0 ? (JSON.parse(last) as ChaosEnd) : `exit ${code}\n${told}\n${printed}`;
}

test.each([
  ['in one process', '20', []],
  ['apart', '21', ['--apart']],
])(
  'API and worker %s, 300 rounds with twelve kills, and a death at every crash point for every kind of call: nothing lost, nothing twice',
  async (_, seed, layout) => {
    const run = ['--seed', seed, '--minutes', '2.5', '--rounds', '300', '--kills', '12', ...layout];
    const end = await chaos(...run);
    expect(end).toMatchObject({ ok: true });
    if (typeof end === 'string') return;
    expect(end.rounds).toBeGreaterThanOrEqual(300);
    expect((end.kills.api ?? 0) + (end.kills.worker ?? 0)).toBeGreaterThanOrEqual(12);
    expect(Object.values(end.invariants)).toEqual(Array.from({ length: 13 }, () => 'ok'));
  },
);
