import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What one JavaScript thread did within a window: microseconds of its samples by part, idle ones left out. */
export interface ThreadProfile {
  readonly pid: number;
  /** Node's own number: 0 is the main thread. */
  readonly threadId: number;
  readonly busyUs: number;
  readonly parts: ReadonlyMap<string, number>;
  /** Of these, inside a write to a socket: the kernel carries the bytes to the other end's queue meanwhile. */
  readonly writesUs: number;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  /** Microseconds of the machine's monotonic clock, which `process.hrtime` reads too. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SOCKET_WRITE = /^(writev|writeBuffer|write(Utf8|Latin1)String)$/;

/**
 * Reads what `--cpu-prof` left in a folder, a file a thread.
 *
 * @param fromUs begin of the window, by `process.hrtime`
 */
export function readThreadProfiles(dir: string, fromUs: number, toUs: number): ThreadProfile[] {
  const profiles: ThreadProfile[] = [];
  for (const name of readdirSync(dir)) {
    const [, pid, threadId] = /^CPU\.\d+\.\d+\.(\d+)\.(\d+)\.\d+\.cpuprofile$/.exec(name) ?? [];
    if (pid === undefined) continue;
    const profile = JSON.parse(readFileSync(join(dir, name), 'utf8')) as CpuProfile;
    const ids = { pid: Number(pid), threadId: Number(threadId) };
    profiles.push({ ...ids, ...sumOf(profile, fromUs, toUs) });
  }
  return profiles;
}

function sumOf(profile: CpuProfile, fromUs: number, toUs: number) {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const owners = new Map<number, string>();
  const ownerOf = (id: number): string => {
    const owner = owners.get(id) ?? nearestOwner(id, frames, parents);
    owners.set(id, owner);
    return owner;
  };
  const parts = new Map<string, number>();
  let [busyUs, writesUs, nowUs] = [0, 0, profile.startTime];
  profile.samples.forEach((id, index) => {
    const us = profile.timeDeltas[index] ?? 0;
    nowUs += us;
    const { functionName = '' } = frames.get(id) ?? {};
    if (nowUs < fromUs || nowUs > toUs || functionName === '(idle)') return;
    busyUs += us;
    if (SOCKET_WRITE.test(functionName)) writesUs += us;
    parts.set(ownerOf(id), (parts.get(ownerOf(id)) ?? 0) + us);
  });
  return { busyUs, writesUs, parts };
}

/** Whose work a sample is: the nearest caller that is a package's or ours. Node's own code works for who called it. */
function nearestOwner(
  leaf: number,
  frames: ReadonlyMap<number, CallFrame>,
  parents: ReadonlyMap<number, number>,
): string {
  const own = frames.get(leaf)?.functionName ?? '';
  if (own === '(garbage collector)') return 'garbage collector';
  let node: string | undefined;
  for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) {
    const url = frames.get(id)?.url ?? '';
    const owner = ownerOfUrl(url);
    if (owner !== undefined) return owner;
    node ??= /^node:(?:internal\/)?([^/:]+)/.exec(url)?.[1];
  }
  return node === undefined ? "Node's own, not JavaScript" : `Node: ${node}`;
}

function ownerOfUrl(url: string): string | undefined {
  const packageName = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(url)?.[1];
  if (packageName !== undefined) return packageName;
  if (/workflow-bundle|^evalmachine/.test(url)) return 'workflow bundle';
  const [, room, file] = /\/(?:dist|src)\/([^/]+)\/([^/]+?)(?:\.[jt]s)?(?:$|\/)/.exec(url) ?? [];
  return room === undefined ? undefined : `ours: ${room}/${String(file)}`;
}
