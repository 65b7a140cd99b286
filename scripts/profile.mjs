// node scripts/profile.mjs DIR: the CPU profiles that a run with --profile left, summed up: self time by
// package (or folder of ours), a table a thread, and the functions that take most.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const GROUPS_MAX = 14;
const FUNCTIONS_MAX = 12;

const dir = process.argv[2] ?? '.';
for (const file of readdirSync(dir).filter((name) => name.endsWith('.cpuprofile'))) {
  print(file, JSON.parse(readFileSync(join(dir, file), 'utf8')));
}

function print(file, profile) {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const groups = new Map();
  const functions = new Map();
  let busyUs = 0;
  profile.samples.forEach((id, index) => {
    const node = byId.get(id);
    const us = profile.timeDeltas[index];
    const { functionName, url, lineNumber } = node.callFrame;
    if (functionName === '(idle)') return;
    busyUs += us;
    const group = groupOf(functionName, url);
    groups.set(group, (groups.get(group) ?? 0) + us);
    const name = `${functionName || '(anonymous)'} ${group}:${lineNumber + 1}`;
    functions.set(name, (functions.get(name) ?? 0) + us);
  });
  const lines = (map, count) =>
    [...map]
      .sort(([, a], [, b]) => b - a)
      .slice(0, count)
      .map(([name, us]) => `  ${((100 * us) / busyUs).toFixed(1).padStart(5)} %  ${name}`);
  const wallUs = profile.endTime - profile.startTime;
  process.stdout.write(
    [
      `${file}: busy ${(busyUs / 1e6).toFixed(1)} s of ${(wallUs / 1e6).toFixed(1)} s`,
      ...lines(groups, GROUPS_MAX),
      ' by function',
      ...lines(functions, FUNCTIONS_MAX),
      '',
    ].join('\n') + '\n',
  );
}

function groupOf(functionName, url) {
  if (functionName.startsWith('(')) return functionName;
  const packageName = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(url)?.[1];
  if (packageName) return packageName;
  if (url.includes('workflow-bundle')) return 'workflow bundle';
  const room = /\/dist\/([^/]+)/.exec(url)?.[1];
  if (room) return `ours: ${room}`;
  return url.startsWith('node:') ? url.split('/')[0] : url || '(native)';
}
