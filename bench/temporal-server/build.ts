import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../../src/config/child-environment';
import { StackError, messageOf } from '../../src/stack/stack-error';

const run = promisify(execFile);

/** The version the development server of `npm start` has inside, so that both are the same server. */
const TEMPORAL_VERSION = '1.32.0';
const MODULE = `go.temporal.io/server`;
const CACHE = join(__dirname, '..', '..', '.cache', 'temporal-server', TEMPORAL_VERSION);

/** Some 400 modules are compiled; on two busy cores that takes a quarter of an hour. */
const BUILD_MS = 3_600_000;

/** The programs of a built server. */
export interface TemporalPrograms {
  readonly server: string;
  /** `temporal-sql-tool`: makes and updates the schema, which it has inside. */
  readonly sqlTool: string;
}

/**
 * The real Temporal server and its schema tool, built from their Go module with the machine's Go, once.
 *
 * @param dir a folder that has both programs already (`temporal-server`, `temporal-sql-tool`); without it
 *   they are built into a folder that git ignores
 * @throws StackError that says what is missing
 */
export async function findTemporalServer(options: {
  readonly dir?: string | undefined;
  readonly report: (line: string) => void;
}): Promise<TemporalPrograms> {
  const { dir = CACHE, report } = options;
  const programs = {
    server: join(dir, 'temporal-server'),
    sqlTool: join(dir, 'temporal-sql-tool'),
  };
  if (existsSync(programs.server) && existsSync(programs.sqlTool)) return programs;
  if (options.dir !== undefined) {
    throw new StackError(`${dir} has no temporal-server and temporal-sql-tool`);
  }
  report(`building the Temporal server ${TEMPORAL_VERSION} from its Go module; minutes, once`);
  await mkdir(join(CACHE, '..'), { recursive: true });
  const work = await mkdtemp(join(CACHE, '..', 'building-'));
  try {
    const tools = [`${MODULE}/cmd/server`, `${MODULE}/cmd/tools/sql`];
    const args = ['install', '-trimpath', '-ldflags=-s -w'];
    // Without C the programs run on every Linux of this architecture, whatever its libraries.
    const env = childEnvironment({ GOBIN: work, CGO_ENABLED: '0' });
    await run('go', [...args, ...tools.map((tool) => `${tool}@v${TEMPORAL_VERSION}`)], {
      env,
      timeout: BUILD_MS,
      maxBuffer: 10_000_000,
    });
    await rename(join(work, 'server'), join(work, 'temporal-server'));
    await rename(join(work, 'sql'), join(work, 'temporal-sql-tool'));
    await rename(work, CACHE);
    return programs;
  } catch (error) {
    const last = messageOf(error).trim().split('\n').slice(-3).join('\n  ');
    throw new StackError(
      `The Temporal server could not be built (docs/operations/temporal-server.md):\n  ${last}`,
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
