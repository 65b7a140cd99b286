import type { Command } from 'commander';
import { createLinks, OPERATOR_LINK_MS } from '../api/routes/pages/links';
import { auditSnapshot, type AuditReport } from '../db/audit';
import type { WitnessedSeal } from '../db/audit-seals';
import { migrate } from '../db/migrate';
import { RefusedError } from '../db/refused';
import { showRound, type ShownRound } from '../db/show-round';
import { systemClock } from '../lib/clock';
import { createLogger } from '../lib/log';
import type { CliContext } from './context';
import { EXIT_REFUSED } from './failure';
import { renderText, type Printable } from './render-text';

/** `round show ID`, `audit` and `migrate` (SPEC §6). */
export function addBookCommands(program: Command, context: CliContext): void {
  const group = program.command('round').description('rounds as the book has them');
  context
    .command(group, 'show', 'one round: operations, bets, wallet calls, attempts, cases')
    .argument('<ID>', 'a bet_id, an operation number, or connection/player/round')
    .option('--bytes', 'also what was sent and received, without signatures (JSON always has it)')
    .option('--link', `also a page that shows it, for ${OPERATOR_LINK_MINUTES} minutes`)
    .action(async (id: string, flags: { bytes?: boolean; link?: boolean }, command: Command) => {
      const shown = await showRound(context.pool(), id);
      if (!shown) throw new RefusedError('id', `there is no round ${id}`);
      const text = roundText(shown, flags.bytes === true);
      if (flags.link !== true) return context.answer(command, asPrintable(shown), text);
      const link = await operatorLink(context, shown.round.id);
      context.answer(command, asPrintable({ ...shown, link }), `${text}\nLINK\n${link}\n`);
    });

  context
    .command(program, 'audit', 'recompute from the book that all sides agree; list what is open')
    .option('--seal <NUMBER:HASH>', 'prove that this seal, noted when it was made, still stands')
    .action(async (flags: { seal?: string }, command: Command) => {
      const witnessed = flags.seal === undefined ? null : witnessedSeal(flags.seal);
      const report = await auditSnapshot(context.pool(), { witnessed });
      context.answer(command, asPrintable(report), auditText(report));
      if (!report.ok) context.fail(EXIT_REFUSED);
    });

  context
    .command(program, 'migrate', 'bring the book to this version; repeating it does nothing')
    .action(async (_flags: unknown, command: Command) => {
      const { DATABASE_URL } = context.settings();
      // Asked for first: a book is not brought to a version whose secrets nobody could read then.
      context.masterKeys();
      const { applied } = await migrate(DATABASE_URL, createLogger('cli', 'silent'));
      // Seals what still lies in clear.
      await context.vault();
      const text =
        applied.length === 0
          ? 'the book is at this version\n'
          : applied.map((name) => `applied ${name}\n`).join('');
      context.answer(command, { applied }, text);
    });
}

const OPERATOR_LINK_MINUTES = OPERATOR_LINK_MS / 60_000;

/** Signed with the installation's key: only who has the master key can make one. */
async function operatorLink(context: CliContext, roundId: string): Promise<string> {
  const { linkSigningKey: key } = await context.vault();
  const publicBaseUrl = context.settings().PUBLIC_BASE_URL;
  return createLinks({ publicBaseUrl, key, clock: systemClock }).operatorUrl(roundId);
}

function witnessedSeal(text: string): WitnessedSeal {
  const match = /^(\d{1,18}):([0-9a-f]{64})$/.exec(text);
  if (!match) throw new RefusedError('seal', 'NUMBER:HASH is expected, as the audit prints it');
  return { number: match[1] ?? '', hash: match[2] ?? '' };
}

/** What a person reads first; the bytes are long, so they come only when asked for, below everything else. */
function roundText(shown: ShownRound, withBytes: boolean): string {
  const { cases, calls, attempts, ...rest } = shown;
  const text = sections({
    ...rest,
    calls: calls.map(({ sent: _, ...call }) => call),
    attempts: attempts.map(({ received: _, ...attempt }) => attempt),
    cases,
  });
  if (!withBytes) return text;
  const name = (of: { bet_id: string; verb: string; number: number }) =>
    `${of.bet_id}/${of.verb}/${of.number}`;
  return (
    text +
    sections({
      sent: calls.map((call) => ({ call: name(call), bytes: call.sent })),
      received: attempts.map((one) => ({
        call: name(one),
        attempt: one.attempt,
        bytes: one.received,
      })),
    })
  );
}

function auditText(report: AuditReport): string {
  const verdict = report.ok
    ? `ok: ${report.rounds} rounds and ${report.journal_lines} journal lines agree\n`
    : `CONTRADICTIONS: ${report.contradictions_found}\n`;
  const { last, unsealed_rounds: unsealed } = report.seals;
  const sealed =
    (last === null
      ? 'nothing is sealed yet'
      : `sealed up to ${last.number}:${last.hash} at ${last.sealed_at}`) +
    `; rounds changed since: ${unsealed}\n`;
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
  const { entries, last: change } = report.audit_log;
  const changes =
    change === null
      ? 'no change is in the audit log yet\n'
      : `${entries} changes in the audit log, up to ${change.number}:${change.hash}\n`;
  return verdict + sealed + changes + sections({ contradictions, days, open });
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
