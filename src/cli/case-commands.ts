import { Option, type Command } from 'commander';
import { createBook } from '../db/book';
import { caseExchange } from '../db/case-exchange';
import { CASES_LISTED_MAX, listCases, showCase, type CaseView } from '../db/cases';
import { readInstallation } from '../db/installation';
import { partnerByPrefix } from '../db/partners';
import { RefusedError } from '../db/refused';
import { resolveCase, type ResolveOrder } from '../db/resolve-case';
import { CASE_KINDS, type CaseKind } from '../domain/round/draft';
import { RESOLUTIONS, type Resolution } from '../domain/round/resolve';
import { actorOf, type CliContext } from './context';
import { EXIT_REFUSED } from './failure';
import { given } from './flag-values';
import { renderTable, renderText, type Printable } from './render-text';

interface ListFlags {
  readonly status: 'open' | 'resolved' | 'all';
  readonly kind?: CaseKind;
  readonly partner?: string;
  readonly after?: string;
}

interface ResolveFlags {
  readonly as: Resolution;
  readonly note?: string;
  readonly by?: string;
  readonly apply?: boolean;
}

/** `cases list|show|resolve` (SPEC §6): what a person must decide. */
export function addCaseCommands(program: Command, context: CliContext): void {
  const group = program.command('cases').description('what a person must decide');
  addList(group, context);
  addResolve(group, context);

  context
    .command(group, 'show', 'one case with its evidence; "round show" takes its round_key')
    .argument('<ID>', 'the number of "cases list"')
    .action(async (id: string, _flags: unknown, command: Command) => {
      const pool = context.pool();
      const [shown, exchange] = [await showCase(pool, id), await caseExchange(pool, id)];
      const [provider, sent, received] = [
        exchange.provider.map((row) => ({ ...row })),
        exchange.sent.map((row) => ({ ...row })),
        exchange.received.map((row) => ({ ...row })),
      ];
      const sections: readonly (readonly [string, readonly Record<string, Printable>[]])[] = [
        ['What the provider asked', provider],
        ['What the wallet was sent', sent],
        ['What came back', received],
      ];
      const text = sections
        .filter(([, rows]) => rows.length > 0)
        .map(([title, rows]) => `\n${title}\n${renderTable(rows)}`);
      context.answer(
        command,
        { ...shown, exchange: { provider, sent, received } },
        renderText({ ...shown }) + text.join(''),
      );
    });
}

function addList(group: Command, context: CliContext): void {
  context
    .command(group, 'list', `cases, the newest last; at most ${CASES_LISTED_MAX} at once`)
    .addOption(
      new Option('--status <S>', 'which ones').choices(['open', 'resolved', 'all']).default('open'),
    )
    .addOption(new Option('--kind <K>', 'of one kind').choices(CASE_KINDS))
    .option('--partner <P>', 'of one partner, by its prefix')
    .option('--after <ID>', 'begin behind this case')
    .action(async (flags: ListFlags, command: Command) => {
      const { status, kind, partner, after } = flags;
      if (partner !== undefined && !(await partnerByPrefix(context.pool(), partner))) {
        throw new RefusedError('partner', `there is no partner ${partner}`);
      }
      if (after !== undefined && !/^\d{1,18}$/.test(after)) {
        throw new RefusedError('after', 'is not the number of a case');
      }
      const list = await listCases(context.pool(), {
        status,
        ...given({ kind, partner, after }),
      });
      const cases = list.cases.map((row) => ({ ...row }));
      context.answer(command, { ...list, cases }, renderText(list.cases.map(lineOf)));
      if (list.next_after !== null) {
        context.remark(`There are more: add --after ${list.next_after}`);
      }
    });
}

/** A case on one line: without what only `cases show` has room for. */
function lineOf(row: CaseView) {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    age: ageText(row.age_seconds),
    partner: row.partner,
    player: row.player,
    round: row.round,
    operation: row.operation,
    bet_id: row.bet_id,
    amount: row.amount === null ? null : `${row.amount} ${row.currency}`,
  };
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The two largest units that say something: `45 s`, `12 min`, `3 h 12 min`, `4 d 7 h`. */
function ageText(seconds: number): string {
  if (seconds < MINUTE) return `${seconds} s`;
  const minutes = Math.floor((seconds % HOUR) / MINUTE);
  if (seconds < HOUR) return `${minutes} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ${minutes} min`;
  return `${Math.floor(seconds / DAY)} d ${Math.floor((seconds % DAY) / HOUR)} h`;
}

function addResolve(group: Command, context: CliContext): void {
  context
    .command(group, 'resolve', 'say what becomes of a case; a dry run unless --apply is given')
    .argument('<ID>', 'the number of "cases list"')
    .addOption(
      new Option('--as <R>', 'what becomes of it; "cases show" names what this case takes')
        .choices(RESOLUTIONS)
        .makeOptionMandatory(),
    )
    .option('--note <TEXT>', 'why; dismiss asks for it')
    .option('--by <NAME>', 'who decides; by default the user of this machine')
    .option('--apply', 'do it')
    .action(async (id: string, flags: ResolveFlags, command: Command) => {
      const note = flags.note?.trim() ?? '';
      if (flags.as === 'dismiss' && note === '') {
        throw new RefusedError('note', 'dismiss asks for a note that says why');
      }
      await resolve(context, command, {
        id,
        as: flags.as,
        note: note === '' ? null : note,
        by: actorOf(flags.by, 'by'),
        apply: flags.apply === true,
      });
    });
}

async function resolve(context: CliContext, command: Command, order: ResolveOrder): Promise<void> {
  const pool = context.pool();
  const { id: installation } = await readInstallation(pool);
  const { outcome, text } = await resolveCase(createBook({ pool, installation }), order);
  if (outcome === 'refused') {
    context.remark(`error: case ${order.id}: ${text}`);
    context.fail(EXIT_REFUSED);
    return;
  }
  const { id, as } = order;
  // Nobody is told of the decision but the book, which the sweep reads every few seconds.
  const acts = (as === 'pay' || as === 'resend') && outcome !== 'already';
  const when = acts
    ? `; the next sweep has it ${as === 'pay' ? 'paid' : 'sent'}, within about 20 s`
    : '';
  context.answer(
    command,
    { id, as, outcome, applied: outcome === 'resolved', text: text + when },
    `case ${id}, ${PREFACES[outcome]}${text}${when}\n`,
  );
  if (outcome === 'would') context.remark('Nothing was changed. Add --apply to do it.');
}

const PREFACES = { resolved: 'done: ', would: 'dry run: ', already: '' } as const;
