import type { Settings } from '../config/env';
import type { StackHome } from './home';

/** What a stack is made from. */
export interface StackOptions {
  readonly settings: Settings;
  readonly home: StackHome;
  /** One line for the user. */
  readonly report: (line: string) => void;
  /** The folders programs are looked for in, as in the PATH variable. */
  readonly path: string;
}
