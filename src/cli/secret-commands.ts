import type { Command } from 'commander';
import { AUDIT_LOG_LISTED_MAX, listAuditLog } from '../db/audit-log';
import { RefusedError } from '../db/refused';
import { rewrapBook } from '../db/rewrap';
import type { CliContext } from './context';
import { renderText, type Printable } from './render-text';

/** `audit-log show` and `rewrap`: who changed what, and the master key of all secrets. */
export function addSecretCommands(program: Command, context: CliContext): void {
  context
    .changing(program, 'rewrap', 'put every secret under the first master key; earlier ones end')
    .action(async (_flags: unknown, command: Command) => {
      const rewrapped = await rewrapBook(await context.office(command), context.masterKeys());
      context.answer(command, { ...rewrapped });
      context.remark(
        'Earlier master keys open nothing any more: take them out of MASTER_KEY_FILE.',
      );
    });

  const group = program.command('audit-log').description('who changed what');
  context
    .command(group, 'show', `entries, the newest last; at most ${AUDIT_LOG_LISTED_MAX} at once`)
    .option('--since <T>', 'from this moment on, such as 2026-11-21 or 2026-11-21T08:00:00Z')
    .action(async (flags: { since?: string }, command: Command) => {
      const since = flags.since === undefined ? null : momentOf(flags.since);
      const entries = await listAuditLog(context.pool(), since);
      const lines = entries.map(({ number, at, actor, action, subject, before, after }) => {
        const change = { before: told(before), after: told(after) };
        return { number, at, actor, action, subject, ...change };
      });
      context.answer(
        command,
        entries.map((entry) => ({ ...entry })) as Printable,
        renderText(lines),
      );
    });
}

const told = (value: unknown) => (value === null ? null : JSON.stringify(value));

function momentOf(text: string): Date {
  const moment = new Date(/^\d{4}-\d{2}-\d{2}/.test(text) ? text : '');
  if (Number.isNaN(moment.getTime())) throw new RefusedError('since', 'is not a date or a moment');
  return moment;
}
