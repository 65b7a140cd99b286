import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { childEnvironment } from '../../src/config/child-environment';

const run = promisify(execFile);

/** Has a Go program profile itself for some seconds; it knows its functions even when its symbols were stripped. */
export async function takeGoProfile(url: string, seconds: number, file: string): Promise<void> {
  const response = await fetch(`${url}/debug/pprof/profile?seconds=${String(seconds)}`);
  if (!response.ok) throw new Error(`${url}: HTTP ${String(response.status)}`);
  await writeFile(file, Buffer.from(await response.arrayBuffer()));
}

/** CPU milliseconds by part, from a profile's stacks: to the nearest caller whose work it is. */
export async function goParts(file: string): Promise<Map<string, number>> {
  const { stdout } = await run('go', ['tool', 'pprof', '-traces', '-unit=ms', file], {
    env: childEnvironment({}),
    maxBuffer: 1_000_000_000,
  });
  const parts = new Map<string, number>();
  // A stack begins with its time and its innermost function; its callers follow, a line each.
  for (const block of stdout.split(/^-{10}.*$/m).slice(1)) {
    const lines = block.trim().split('\n');
    const [, time, first = ''] = /^\s*([\d.]+)(?:ms)?\s+(.*)$/.exec(lines[0] ?? '') ?? [];
    if (time === undefined) continue;
    const part = partOf([first, ...lines.slice(1)].map((line) => line.trim()));
    parts.set(part, (parts.get(part) ?? 0) + Number(time));
  }
  return parts;
}

/** Work that is the same for whoever causes it, wherever in a stack it shows first. */
const COMMON: readonly (readonly [RegExp, string])[] = [
  [/^runtime\.(gcBgMarkWorker|bgsweep|bgscavenge|gcAssistAlloc|GC)/, 'Go: garbage collector'],
  [/^runtime\.(mcall|schedule|findRunnable|park_m|goschedImpl|mstart)/, 'Go: scheduler'],
  [/^google\.golang\.org\/grpc|^golang\.org\/x\/net\/http2/, 'gRPC and HTTP/2'],
  [/^google\.golang\.org\/protobuf/, 'protobuf'],
  [/^(github\.com\/jackc\/pgx|database\/sql|github\.com\/jmoiron\/sqlx)/, 'database driver'],
];

function partOf(stack: readonly string[]): string {
  for (const name of stack) {
    for (const [pattern, part] of COMMON) if (pattern.test(name)) return part;
    const [, room] =
      /^go\.temporal\.io\/server\/((?:service\/)?[^/.]+(?:\/[^/.]+)?)/.exec(name) ?? [];
    if (room !== undefined) return `server: ${room}`;
  }
  return 'Go: other';
}
