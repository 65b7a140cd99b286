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
  const text = readText(`/proc/${String(pid)}/stat`);
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
