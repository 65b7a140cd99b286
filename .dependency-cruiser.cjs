// The walls of the house: which room may import which. The picture is in ARCHITECTURE.md.
// Arrows point down only, and neighbours on one floor never meet.
const GROUND = ['domain', 'lib'];
const FIRST = [...GROUND, 'contracts', 'config'];
const SECOND = [...FIRST, 'protocols', 'db'];
const THIRD = [...SECOND, 'activities', 'console'];

/** Room -> the rooms it may import besides itself. A room that is not listed may not exist. */
const ROOMS = {
  domain: [],
  lib: [],
  contracts: GROUND,
  config: GROUND,
  protocols: FIRST,
  db: FIRST,
  // Workflows are replayed: no lib, no config, nothing that reads a clock, a file or a socket.
  workflows: ['domain', 'contracts'],
  activities: SECOND,
  console: SECOND,
  api: THIRD,
  // The worker loads workflows as a built bundle, by path.
  worker: THIRD,
  // The two of them in one process: it only wires them.
  server: [...THIRD, 'api', 'worker'],
  // The sandbox is the oracle of our tests: it shares no signing and no decoding code with us.
  sandbox: ['config', 'lib'],
  stack: [...THIRD, 'api', 'worker', 'sandbox'],
  cli: [...THIRD, 'api', 'worker', 'sandbox', 'stack'],
};

/** Single doors through a wall: [room, path pattern it may import, how]. */
const DOORS = {
  // assert and assertNever are pure and make switches total: the one tool the pure rooms may take.
  domain: [{ path: '^src/lib/assert\\.ts$' }],
  workflows: [{ path: '^src/lib/assert\\.ts$' }, { path: '^src/activities/', typeOnly: true }],
  sandbox: [{ path: '^src/domain/(money|currency)\\.ts$' }],
};

const wallOf = (room) => {
  const rooms = [room, ...ROOMS[room]].join('|');
  const doors = DOORS[room] ?? [];
  const open = doors.filter((door) => !door.typeOnly).map((door) => door.path);
  const typeOnly = doors.filter((door) => door.typeOnly).map((door) => door.path);
  const wall = {
    name: `wall-${room}`,
    comment: `${room} may import only: ${ROOMS[room].join(', ') || 'nothing of ours'}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: '^src/', pathNot: [`^src/(${rooms})/`, ...open, ...typeOnly] },
  };
  const typeOnlyDoors = typeOnly.map((path) => ({
    name: `wall-${room}-types-only`,
    comment: `${room} may import this room as types only`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path, dependencyTypesNot: ['type-only'] },
  }));
  return [wall, ...typeOnlyDoors];
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.keys(ROOMS).flatMap(wallOf),
    {
      name: 'rooms-are-listed',
      comment: 'A new room below src/ is a decision: name it in .dependency-cruiser.cjs.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${Object.keys(ROOMS).join('|')})/` },
      to: {},
    },
    {
      name: 'dialects-never-meet',
      comment: 'Each protocol stands alone: what two of them share belongs to domain or lib.',
      severity: 'error',
      from: { path: '^src/protocols/([^/]+)/' },
      to: { path: '^src/protocols/', pathNot: '^src/protocols/$1/' },
    },
    {
      name: 'sandbox-sides-never-meet',
      comment: 'The sandbox provider and the sandbox partner know each other over HTTP only.',
      severity: 'error',
      from: { path: '^src/sandbox/(web-games|partner)/' },
      to: { path: '^src/sandbox/(web-games|partner)/', pathNot: '^src/sandbox/$1/' },
    },
    {
      name: 'workflows-import-only-temporal-workflow',
      comment: 'Of all packages a workflow may load @temporalio/workflow only; types are free.',
      severity: 'error',
      from: { path: '^src/workflows/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '(node_modules/|^[a-z@])',
        pathNot: ['^src/', 'node_modules/@temporalio/workflow/'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'domain-imports-no-package',
      comment: 'The rules of rounds and money are pure: no package, no file, no socket, no clock.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: '\\.test\\.ts$' },
      to: { path: '(node_modules/|^[a-z@])', pathNot: ['^src/', '^(node:)?crypto$'] },
    },
    {
      name: 'no-development-package-in-production',
      comment: 'The image has no development packages; only npm start may need them.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['\\.test\\.ts$', '^src/stack/'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '/@types/' },
    },
    {
      name: 'no-unlisted-package',
      comment: 'Whatever is imported stands in package.json.',
      severity: 'error',
      from: { path: '^(src|test|scripts|bin)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-circle',
      comment: 'Two files that need each other are one file, or miss a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'Every import leads somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'source-never-imports-tests',
      comment: 'Tests look at the source, never the other way.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '(^(test|bench)/|\\.test\\.ts$)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.cache|\\.roundhouse|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      // Packages without a main name their entry in exports only.
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default'],
    },
  },
};
