// Writes the software bill of materials: every package that runs in production, from the lock file alone, as
// CycloneDX: npm run sbom [-- <file>], by default .cache/sbom.cdx.json. The same lock file and npm give the same file.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ROOT, fail } from './prepare.mjs';

const file = resolve(process.argv[2] ?? join(ROOT, '.cache', 'sbom.cdx.json'));
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
const bom = allPackages();

// npm's own --omit dev leaves out packages that development needs as well, such as pg: the lock file knows better.
const inProduction = new Set([`${lock.name}@${lock.version}`]);
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === '' || entry.dev || entry.devOptional) continue;
  inProduction.add(`${entry.name ?? path.split('node_modules/').pop()}@${entry.version}`);
}
bom.components = bom.components.filter(({ name, version }) =>
  inProduction.delete(`${name}@${version}`),
);
inProduction.delete(`${lock.name}@${lock.version}`);
if (inProduction.size > 0) fail(`npm sbom does not know of ${[...inProduction].join(', ')}`);

const kept = new Set(bom.components.map((component) => component['bom-ref']));
kept.add(bom.metadata.component['bom-ref']);
bom.dependencies = bom.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) }));

// What differs from run to run says nothing about the packages.
bom.metadata.component.name = lock.name;
delete bom.metadata.timestamp;
delete bom.serialNumber;
const sum = createHash('sha256').update(JSON.stringify(bom)).digest('hex');
const uuid = `${sum.slice(0, 8)}-${sum.slice(8, 12)}-8${sum.slice(13, 16)}-8${sum.slice(17, 20)}-${sum.slice(20, 32)}`;
bom.serialNumber = `urn:uuid:${uuid}`;

mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
process.stdout.write(`${file}: ${bom.components.length} packages\n`);

/** Development's included, as npm tells them. */
function allPackages() {
  const args = ['sbom', '--package-lock-only', '--offline', '--sbom-format', 'cyclonedx'];
  const result = spawnSync('npm', [...args, '--sbom-type', 'application'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (result.status !== 0)
    fail('npm sbom failed (its own message is above); it needs npm 9.7 or newer.');
  return JSON.parse(result.stdout);
}
