import type { Fact } from '../domain/round/draft';
import { emptyReplay, replayLine, type Replay } from '../domain/round/replay';
import { replayDifferences, type Registers } from '../domain/round/replay-differences';
import type { Found } from './contradiction';
import type { Db } from './pool';
import { chainHash } from './held-round';

/** Rounds looked at together, and lines read at once: the audit's memory does not grow with the book. */
const ROUNDS_BATCH = 200;
const LINES_BATCH = 2_000;

const CHAIN = 'the journal is a chain';
const SEALED = 'what was sealed is still in the journal';
const REPLAY = 'the registers are what the journal tells';

interface RoundRow {
  id: string;
  status: Registers['round']['status'];
  closed_by: Registers['round']['closedBy'];
  version: number;
  journal_head: Buffer | null;
  sealed_version: number;
}

/** One round on its way through its own lines. */
interface Walk {
  hash: Buffer | null;
  lines: number;
  /** The last line that a seal must know. */
  lastSealable: number | null;
  readonly replay: Replay;
}

/**
 * Reads the whole journal once, round by round: every chain is recomputed, every sealed line looked for,
 * and every register compared with what the facts alone say of it.
 *
 * @param found takes the contradictions
 * @returns how many lines there are
 */
export async function auditJournal(db: Db, found: Found): Promise<number> {
  let lines = 0;
  let after = '0';
  for (;;) {
    const { rows: rounds } = await db.query<RoundRow>(
      `SELECT id, status, closed_by, version, journal_head, sealed_version FROM rounds
        WHERE id > $1::bigint ORDER BY id LIMIT ${ROUNDS_BATCH}`,
      [after],
    );
    // Behind the last round the range is open: lines of rounds that are gone are found there too.
    const last = rounds.length < ROUNDS_BATCH ? null : (rounds.at(-1)?.id ?? null);
    lines += await auditRounds(
      db,
      new Map(rounds.map((row) => [row.id, row])),
      [after, last],
      found,
    );
    if (last === null) return lines;
    after = last;
  }
}

async function auditRounds(
  db: Db,
  rounds: ReadonlyMap<string, RoundRow>,
  range: readonly [string, string | null],
  found: Found,
): Promise<number> {
  const sealed = await sealedHeads(db, range);
  const walks = new Map<string, Walk>();
  let lines = 0;
  for await (const line of journalLines(db, range)) {
    lines += 1;
    const round = rounds.get(line.round_id);
    let walk = walks.get(line.round_id);
    if (!walk) {
      walk = { hash: null, lines: 0, lastSealable: null, replay: emptyReplay() };
      walks.set(line.round_id, walk);
      if (!round) {
        found({ rule: CHAIN, where: `round ${line.round_id}`, detail: 'lines of no round' });
      }
    }
    walkLine(walk, line, round, sealed, found);
  }
  for (const [name, head] of sealed) {
    const [round, version] = name.split('/');
    found({
      rule: SEALED,
      where: `round ${round}, line ${version}`,
      detail: `seal ${head.seal} holds ${head.head.toString('hex')}, the journal has no such line`,
    });
  }
  const registers = await registersOf(db, [...rounds.values()]);
  for (const round of rounds.values()) {
    auditRound(round, walks.get(round.id), registers.get(round.id), found);
  }
  return lines;
}

interface Line {
  round_id: string;
  version: number;
  facts: string;
  hash: Buffer;
}

function walkLine(
  walk: Walk,
  line: Line,
  round: RoundRow | undefined,
  sealed: Map<string, SealedHead>,
  found: Found,
): void {
  const where = `round ${line.round_id}, line ${line.version}`;
  walk.hash = chainHash(walk.hash, line.facts);
  if (!walk.hash.equals(line.hash)) {
    const detail = 'the hash does not follow from the line before';
    found({ rule: CHAIN, where, detail });
    walk.hash = line.hash;
  }
  walk.lines += 1;
  const name = `${line.round_id}/${line.version}`;
  const head = sealed.get(name);
  sealed.delete(name);
  if (head && !head.head.equals(line.hash)) {
    const [was, is] = [head.head.toString('hex'), line.hash.toString('hex')];
    found({ rule: SEALED, where, detail: `seal ${head.seal} holds ${was}, the journal ${is}` });
  }
  if (round && line.version <= round.sealed_version) walk.lastSealable = head ? null : line.version;
  const facts = factsOf(line.facts);
  if (facts) replayLine(walk.replay, facts);
  else found({ rule: CHAIN, where, detail: 'the facts cannot be read' });
}

function factsOf(text: string): Fact[] | undefined {
  try {
    const facts: unknown = JSON.parse(text);
    return Array.isArray(facts) ? (facts as Fact[]) : undefined;
  } catch {
    return undefined;
  }
}

function auditRound(
  round: RoundRow,
  walk: Walk | undefined,
  registers: Registers | undefined,
  found: Found,
): void {
  const where = `round ${round.id}`;
  const last = walk?.hash ?? null;
  const remembered = round.journal_head;
  if (last === null ? remembered !== null : !remembered?.equals(last)) {
    found({ rule: CHAIN, where, detail: 'its last line is not the one the round remembers' });
  }
  if (walk && walk.lastSealable !== null) {
    found({
      rule: SEALED,
      where: `${where}, line ${walk.lastSealable}`,
      detail: `the round was sealed up to its version ${round.sealed_version}; no seal holds the line`,
    });
  }
  if (round.sealed_version > round.version) {
    const detail = `sealed at version ${round.sealed_version}, now at ${round.version}`;
    found({ rule: SEALED, where, detail });
  }
  if (!registers) return;
  for (const difference of replayDifferences(walk?.replay ?? emptyReplay(), registers)) {
    const { where: row, detail } = difference;
    found({ rule: REPLAY, where: row === 'the round' ? where : `${where}, ${row}`, detail });
  }
}

/** The journal of a range of rounds, in the order of rounds and versions. */
async function* journalLines(
  db: Db,
  [from, to]: readonly [string, string | null],
): AsyncGenerator<Line> {
  let after: [string, number] = [from, 2 ** 31 - 1];
  for (;;) {
    const { rows } = await db.query<Line>(
      `SELECT round_id, version, facts, hash FROM journal
        WHERE (round_id, version) > ($1::bigint, $2::int) AND ($3::bigint IS NULL OR round_id <= $3)
        ORDER BY round_id, version LIMIT ${LINES_BATCH}`,
      [...after, to],
    );
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < LINES_BATCH) return;
    after = [last.round_id, last.version];
  }
}

interface SealedHead {
  seal: string;
  head: Buffer;
}

async function sealedHeads(
  db: Db,
  [from, to]: readonly [string, string | null],
): Promise<Map<string, SealedHead>> {
  const { rows } = await db.query<SealedHead & { round_id: string; version: number }>(
    `SELECT round_id, version, seal, head FROM sealed_heads
      WHERE round_id > $1::bigint AND ($2::bigint IS NULL OR round_id <= $2)`,
    [from, to],
  );
  return new Map(rows.map((row) => [`${row.round_id}/${row.version}`, row]));
}

const REGISTERS = `
  SELECT r.id,
    (SELECT coalesce(json_agg(json_build_object('id', id, 'kind', kind, 'transactionRef', transaction_ref,
        'amount', amount::text, 'isClose', is_close, 'betId', bet_id, 'payoutState', payout_state,
        'answer', CASE WHEN answer_result IS NULL THEN NULL
          ELSE json_build_object('result', answer_result, 'balance', answer_balance) END) ORDER BY id), '[]')
       FROM operations WHERE round_id = r.id) AS operations,
    (SELECT coalesce(json_agg(json_build_object('id', id, 'form', form, 'operationId', operation_id,
        'stake', stake::text, 'outcome', outcome, 'decision', decision,
        'payoutOperationId', payout_operation_id, 'payout', payout::text, 'paid', paid)
        ORDER BY operation_id), '[]')
       FROM bets WHERE round_id = r.id) AS bets,
    (SELECT coalesce(json_agg(json_build_object('betId', bet_id, 'verb', verb, 'number', number,
        'status', status, 'attempts', attempts) ORDER BY bet_id, verb, number), '[]')
       FROM obligations WHERE round_id = r.id) AS obligations
    FROM rounds r WHERE r.id = ANY($1::bigint[])`;

type AsText<Row, Amounts extends keyof Row> = Omit<Row, Amounts> & { [Name in Amounts]: string };

async function registersOf(
  db: Db,
  rounds: readonly RoundRow[],
): Promise<ReadonlyMap<string, Registers>> {
  const { rows } = await db.query<{
    id: string;
    operations: AsText<Registers['operations'][number], 'amount'>[];
    bets: AsText<Registers['bets'][number], 'stake' | 'payout'>[];
    obligations: Registers['obligations'];
  }>(REGISTERS, [rounds.map((row) => row.id)]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return new Map(
    rounds.map((round): [string, Registers] => {
      const row = byId.get(round.id);
      return [
        round.id,
        {
          round: { status: round.status, closedBy: round.closed_by },
          operations: (row?.operations ?? []).map((each) => ({
            ...each,
            amount: BigInt(each.amount),
          })),
          bets: (row?.bets ?? []).map((each) => ({
            ...each,
            stake: BigInt(each.stake),
            payout: BigInt(each.payout),
          })),
          obligations: row?.obligations ?? [],
        },
      ];
    }),
  );
}

/** The facts of one round's journal, replayed: what `round show` tells as the round's totals. */
export async function replayRound(db: Db, roundId: string): Promise<Replay> {
  const replay = emptyReplay();
  const { rows } = await db.query<{ facts: string }>(
    'SELECT facts FROM journal WHERE round_id = $1 ORDER BY version',
    [roundId],
  );
  for (const { facts } of rows) replayLine(replay, factsOf(facts) ?? []);
  return replay;
}
