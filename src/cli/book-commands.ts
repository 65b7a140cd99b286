import type { Command } from 'commander';
import { audit, type AuditReport } from '../db/audit';
import { migrate } from '../db/migrate';
import { RefusedError } from '../db/refused';
import { showRound } from '../db/show-round';
import { transaction } from '../db/transaction';
import { createLogger } from '../lib/log';
import type { CliContext } from './context';
import { EXIT_REFUSED } from './failure';
import { renderText, type Printable } from './render-text';

/** `round show ID`, `audit` and `migrate` (SPEC §6). */
export function addBookCommands(program: Command, context: CliContext): void {
  const group = program.command('round').description('rounds as the book has them');
  context
    .command(group, 'show', 'one round: operations, bets, wallet calls, cases')
    .argument('<ID>', 'a bet_id, an operation number, or connection/player/round')
    .action(async (id: string, _flags: unknown, command: Command) => {
      const shown = await showRound(context.pool(), id);
      if (!shown) throw new RefusedError('id', `there is no round ${id}`);
      context.answer(command, asPrintable(shown), sections({ ...shown }));
    });

  context
    .command(program, 'audit', 'recompute from the book that all sides agree; list what is open')
    .action(async (_flags: unknown, command: Command) => {
      const report = await auditOnOneSnapshot(context);
      context.answer(command, asPrintable(report), auditText(report));
      if (!report.ok) context.fail(EXIT_REFUSED);
    });

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

function auditOnOneSnapshot(context: CliContext): Promise<AuditReport> {
  return transaction(context.pool(), async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    // It reads the whole book; nobody waits for a lock of it.
    await client.query('SET LOCAL statement_timeout = 0');
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    return audit(client);
  });
}

function auditText(report: AuditReport): string {
  const verdict = report.ok
    ? `ok: ${report.rounds} rounds and ${report.journal_lines} journal lines agree\n`
    : `CONTRADICTIONS: ${report.contradictions.length}\n`;
  const days = report.days.map(({ partner, currency, day, book, open, ...sides }) => ({
    partner,
    currency,
    day,
    staked: book.staked,
    paid: book.paid,
    open,
    provider: agrees(sides.provider, book),
    wallet: agrees(sides.wallet, book),
    history: sides.history === null ? 'not wanted' : agrees(sides.history, book),
  }));
  const { open, contradictions } = report;
  return verdict + sections({ contradictions, days, open });
}

function agrees(side: AuditReport['days'][number]['book'], book: typeof side): string {
  return side.staked === book.staked && side.paid === book.paid
    ? 'agrees'
    : `${side.staked} / ${side.paid}`;
}

/** Each part below its name; parts without content are left out. */
function sections(parts: Readonly<Record<string, unknown>>): string {
  return Object.entries(parts)
    .filter(([, part]) => !Array.isArray(part) || part.length > 0)
    .map(([name, part]) => `\n${name.toUpperCase()}\n${renderText(asPrintable(part))}`)
    .join('');
}

/** What the book tells is plain data already; its interfaces merely lack an index signature. */
function asPrintable(value: unknown): Printable {
  return value as Printable;
}
