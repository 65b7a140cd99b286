import type { Command } from 'commander';
import { migrate } from '../db/migrate';
import { createLogger } from '../lib/log';
import type { CliContext } from './context';

/** `migrate` (SPEC §6). */
export function addBookCommands(program: Command, context: CliContext): void {
  context
    .command(program, 'migrate', 'bring the book to this version; repeating it does nothing')
    .action(async (_flags: unknown, command: Command) => {
      const { DATABASE_URL } = context.settings();
      const { applied } = await migrate(DATABASE_URL, createLogger('cli', 'silent'));
      const text =
        applied.length === 0
          ? 'the book is at this version\n'
          : applied.map((name) => `applied ${name}\n`).join('');
      context.answer(command, { applied }, text);
    });
}
