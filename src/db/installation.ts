import { assert } from '../lib/assert';
import type { Db } from './pool';

/** Who this book is. Made with the book, never changed: read it once at start. */
export interface Installation {
  /** 16 lower-case hex characters, part of every bet_id. */
  readonly id: string;
  /** 32 random bytes that sign our own links (round pages). Never log it. */
  readonly linkSigningKey: Buffer;
}

/** The installation's one row; the migrations made it. */
export async function readInstallation(db: Db): Promise<Installation> {
  const { rows } = await db.query<{ id: string; link_signing_key: Buffer }>(
    'SELECT id, link_signing_key FROM installation',
  );
  const [row] = rows;
  assert(row, 'the book has no installation row');
  return { id: row.id, linkSigningKey: row.link_signing_key };
}
