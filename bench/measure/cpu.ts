import { readFileSync, readdirSync } from 'node:fs';

/** The unit of the times in /proc; it is this on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/**
 * CPU seconds a process and everything below it have used, those that have ended included. PostgreSQL's
 * backends come and go: what an ended child used is in its parent's account.
 */
export function cpuSecondsOf(pid: number): number {
  const children = childrenByParent();
  const below = (parent: number): number[] => [
    parent,
    ...(children.get(parent) ?? []).flatMap(below),
  ];
  let ticks = 0;
  for (const each of below(pid)) ticks += ticksOf(each);
  return ticks / TICKS_PER_SECOND;
}

/** CPU seconds of every thread alive of a process and of those below it, by thread id. */
export function threadSecondsOf(pid: number): Map<string, number> {
  const children = childrenByParent();
  const below = (parent: number): number[] => [
    parent,
    ...(children.get(parent) ?? []).flatMap(below),
  ];
  const seconds = new Map<string, number>();
  for (const each of below(pid)) {
    const folder = `/proc/${String(each)}/task`;
    for (const thread of namesIn(folder)) {
      seconds.set(thread, secondsIn(`${folder}/${thread}/stat`));
    }
  }
  return seconds;
}

/** The threads of one process, and the CPU seconds of each. The first is the main thread. */
export function threadsOf(pid: number): { id: number; name: string; seconds: number }[] {
  const folder = `/proc/${String(pid)}/task`;
  return namesIn(folder)
    .map(Number)
    .sort((a, b) => a - b)
    .map((id) => {
      const thread = `${folder}/${String(id)}`;
      return { id, name: readText(`${thread}/comm`).trim(), seconds: secondsIn(`${thread}/stat`) };
    });
}

/** The processes that one has started, and the CPU seconds of each by itself. */
export function childrenOf(pid: number): { id: number; seconds: number }[] {
  return (childrenByParent().get(pid) ?? []).map((id) => ({
    id,
    seconds: secondsIn(`/proc/${String(id)}/stat`),
  }));
}

function secondsIn(path: string): number {
  const [user = 0, system = 0] = fieldsIn(path).slice(11, 13).map(Number);
  return (user + system) / TICKS_PER_SECOND;
}

/** CPU seconds of the whole machine since it started: its cores at work, and all of them. */
export function machineSeconds(): { readonly busy: number; readonly all: number } {
  const [first = ''] = readText('/proc/stat').split('\n');
  // user, nice, system, idle, iowait, irq, softirq, steal of proc(5).
  const ticks = first.split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, each) => sum + each, 0);
  return {
    busy: (all - (ticks[3] ?? 0) - (ticks[4] ?? 0)) / TICKS_PER_SECOND,
    all: all / TICKS_PER_SECOND,
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

// utime, stime, and those of children that were waited for: fields 14 to 17 of proc(5).
function ticksOf(pid: number): number {
  return fieldsOf(pid)
    .slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0);
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(fieldsOf(Number(name))[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  return children;
}

/** From the third field on: the second, the program's name, may contain anything. */
function fieldsOf(pid: number): string[] {
  return fieldsIn(`/proc/${String(pid)}/stat`);
}

function fieldsIn(path: string): string[] {
  const text = readText(path);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
