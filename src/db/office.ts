import type { Pool } from './pool';
import type { Vault } from './vault';

/** What a change needs that a person makes: the book, the key to its secrets, and who makes it. */
export interface Office {
  readonly pool: Pool;
  readonly vault: Vault;
  /** Written into the audit log: `--as NAME` or the user of the machine, at most 64 characters. */
  readonly actor: string;
  /** SPEC §6: a connection may be without an IP list here. Never in production. */
  readonly development: boolean;
}
