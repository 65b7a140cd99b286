import { assert } from '../lib/assert';
import type { Db } from './pool';

/** Who this book is. Made with the book, never changed: read it once at start. */
export interface Installation {
  /** 16 lower-case hex characters, part of every bet_id. */
  readonly id: string;
}

/** The installation's one row; the migrations made it. */
export async function readInstallation(db: Db): Promise<Installation> {
  const { rows } = await db.query<{ id: string }>('SELECT id FROM installation');
  const [row] = rows;
  assert(row, 'the book has no installation row');
  return { id: row.id };
}
