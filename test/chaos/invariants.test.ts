import { createHash } from 'node:crypto';
import { judge, type Invariants } from './invariants';
import { LIMITS, type Evidence, type OurBook } from './invariants-evidence';
import type { ProviderOperation } from './provider-book';
import { decimalOf, OPENING_MINOR } from './wallet-book';
import type { WalletLine } from './wallet-journal';

// A small run that went well, forged line by line: each test breaks it in one way and sees that found.
type Mutable<Row> = { -readonly [Key in keyof Row]: Row[Key] };
interface Forged {
  provider: Mutable<ProviderOperation>[];
  violations: string[];
  repeats: boolean;
  reasked: string[];
  wallet: Mutable<WalletLine>[];
  ours: {
    -readonly [Key in keyof OurBook]: OurBook[Key] extends readonly (infer Row)[]
      ? Mutable<Row>[]
      : Mutable<OurBook[Key]>;
  };
  workflows: { id: string; running: boolean; historyLength: number }[];
  unreplayable: string[];
  drainMs: number | null;
}

const T = 1_700_000_000_000;
const PLAYER = '100000000';
const USER = 'CHA1.ada';
const VERBS: Record<string, string> = {
  bet: 'take',
  'settle-bet': 'give',
  'bet-end': 'end',
  history: 'report',
};

const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const betIdOf = (operation: { kind: string; round: string; transaction: string }) =>
  sha(`${operation.kind} ${operation.round} ${operation.transaction}`).slice(0, 24);

/** Rounds of three kinds: a win, a win with a second win on a carrier, and a stake that was given back. */
function goodRun(): Forged {
  const run: Forged = {
    provider: [],
    violations: [],
    repeats: true,
    reasked: [],
    wallet: [],
    ours: {
      operations: [],
      bets: [],
      obligations: [],
      attempts: [],
      rounds: [],
      openCases: [],
      restRows: { attempts_rest: 0 },
      wants: { CHA1: { betEnd: true, history: true } },
      contradictions: [],
    },
    workflows: [],
    unreplayable: [],
    drainMs: 4_000,
  };
  const forge = createForge(run);
  forge.round('1');
  const first = forge.stake('1', '11', 500n);
  forge.taken(first);
  forge.record(first, 'create', 0n);
  forge.payout('1', '12', 900n, first);
  forge.given(first, 900n);
  forge.ended(first, 900n);
  forge.record(first, 'update', 900n);

  forge.round('2');
  const second = forge.stake('2', '21', 300n);
  forge.taken(second);
  forge.payout('2', '22', 100n, second);
  forge.given(second, 100n);
  forge.record(second, 'create', 100n);
  const carrier = forge.carrier('2', '23', 250n);
  forge.taken(carrier);
  forge.given(carrier, 250n);
  forge.record(carrier, 'create', 250n);
  forge.ended(second, 100n);
  forge.ended(carrier, 250n);

  forge.round('3');
  const failed = forge.stake('3', '31', 700n, { belief: 'refused', code: 1 });
  forge.taken(failed);
  forge.given(failed, 700n);
  forge.ended(failed, 700n);
  forge.record(failed, 'create', 700n);
  return run;
}

interface ForgedBet {
  id: string;
  stake: bigint;
  round: string;
  stakeBalance: bigint;
  lastBalance: bigint;
}

function createForge(run: Forged) {
  let clock = 0;
  let balance = OPENING_MINOR;
  let numbers = 0;

  function call(bet: ForgedBet, endpoint: string, body: object, amount: bigint | null): void {
    const text = JSON.stringify(body);
    const verb = VERBS[endpoint] ?? '';
    const { obligations, attempts } = run.ours;
    const number =
      obligations.filter((row) => row.betId === bet.id && row.verb === verb).length + 1;
    clock += 100;
    attempts.push({
      betId: bet.id,
      verb,
      number,
      attempt: 1,
      startedMs: T + clock - 20,
      endedMs: T + clock + 20,
      result: 'done',
    });
    obligations.push({
      betId: bet.id,
      roundId: bet.round,
      verb,
      number,
      status: 'done',
      attempts: 1,
      payloadSha: sha(text),
    });
    run.wallet.push({
      t: T + clock,
      partner: 'CHA1',
      endpoint,
      bet_id: bet.id,
      user_agent: USER,
      amount: amount?.toString() ?? null,
      body_sha: sha(text),
      body: text,
      signature_ok: true,
      effect: 'moved',
      balance: balance.toString(),
      mode: 'honest',
      status: 200,
    });
  }

  function operation(
    kind: 'stake' | 'payout',
    round: string,
    transaction: string,
    amount: bigint,
    told: Partial<ProviderOperation>,
    bet: string,
  ): number {
    const id = ++numbers;
    run.provider.push({
      key: `${kind}/${PLAYER}/${round}/${transaction}`,
      kind,
      partner: 'CHA1',
      playerId: PLAYER,
      game: '11',
      round,
      transaction,
      amount: amount.toString(),
      isClose: false,
      belief: 'accepted',
      code: 0,
      balance: null,
      externalSessionId: String(id),
      calls: 1,
      unanswered: 0,
      ...told,
    });
    run.ours.operations.push({
      id,
      kind,
      partner: 'CHA1',
      playerId: PLAYER,
      roundRef: round,
      transaction,
      roundId: round,
      amount,
      currency: 'EUR',
      betId: bet,
      payoutState: kind === 'payout' ? 'paid' : null,
      answerResult: told.belief === 'refused' ? 'failed' : 'accepted',
    });
    return id;
  }

  function bet(id: string, round: string, form: string, stake: bigint, operationId: number) {
    run.ours.bets.push({
      id,
      roundId: round,
      partner: 'CHA1',
      playerId: PLAYER,
      roundRef: round,
      form,
      operationId,
      stake,
      outcome: 'done',
      decision: 'confirmed',
      payoutOperationId: null,
      paid: false,
    });
    return { id, stake, round, stakeBalance: 0n, lastBalance: 0n };
  }

  function rowOf(id: string) {
    const row = run.ours.bets.find((one) => one.id === id);
    if (!row) throw new Error(`no bet ${id}`);
    return row;
  }

  return {
    round(id: string) {
      const workflowId = `round/chaos/${PLAYER}/${id}`;
      run.ours.rounds.push({ id, workflowId, partner: 'CHA1', status: 'closed' });
      run.workflows.push({ id: workflowId, running: false, historyLength: 40 });
    },
    stake(
      round: string,
      transaction: string,
      amount: bigint,
      told: Partial<ProviderOperation> = {},
    ) {
      const id = betIdOf({ kind: 'stake', round, transaction });
      const said = { balance: decimalOf(balance - amount), ...told };
      const made = bet(
        id,
        round,
        'stake',
        amount,
        operation('stake', round, transaction, amount, said, id),
      );
      if (told.belief === 'refused') {
        rowOf(id).decision = 'failed';
        rowOf(id).paid = true;
      }
      return made;
    },
    payout(round: string, transaction: string, amount: bigint, of: ForgedBet) {
      const row = rowOf(of.id);
      row.payoutOperationId = operation('payout', round, transaction, amount, {}, of.id);
      row.paid = true;
    },
    carrier(round: string, transaction: string, amount: bigint) {
      const id = betIdOf({ kind: 'payout', round, transaction });
      const number = operation('payout', round, transaction, amount, {}, id);
      const made = bet(id, round, 'carrier', 0n, number);
      rowOf(id).payoutOperationId = number;
      rowOf(id).paid = true;
      return made;
    },
    taken(of: ForgedBet) {
      balance -= of.stake;
      of.stakeBalance = of.lastBalance = balance;
      call(of, 'bet', { balance: Number(of.stake) / 100, bet_id: of.id }, of.stake);
    },
    given(of: ForgedBet, amount: bigint) {
      balance += amount;
      of.lastBalance = balance;
      call(
        of,
        'settle-bet',
        { bet: Number(of.stake) / 100, balance: Number(amount) / 100 },
        amount,
      );
    },
    ended(of: ForgedBet, win: bigint) {
      call(of, 'bet-end', { bet_id: of.id, win_balance: Number(win) / 100 }, null);
    },
    record(of: ForgedBet, type: 'create' | 'update', received: bigint) {
      const body = {
        _id: of.id,
        type,
        before_balance: Number(of.stakeBalance + of.stake) / 100,
        after_balance: Number(of.lastBalance) / 100,
        used_balance: Number(of.stake) / 100,
        receive_balance: Number(received) / 100,
        winlose: Number(received - of.stake) / 100,
        updatedAt: new Date(T + clock).toISOString(),
      };
      call(of, 'history', body, null);
    },
  };
}

function judged(run: Forged): Invariants {
  const evidence: Evidence = {
    provider: { operations: run.provider, violations: run.violations, repeats: run.repeats },
    reasked: run.reasked,
    wallet: run.wallet,
    ours: run.ours,
    workflows: run.workflows,
    unreplayable: run.unreplayable,
    drainMs: run.drainMs,
    limits: LIMITS,
    betIdOf,
  };
  return judge(evidence);
}

/** The invariants that a change breaks, by name. */
function brokenBy(change: (run: Forged) => void): string[] {
  const run = goodRun();
  change(run);
  return Object.entries(judged(run))
    .filter(([, text]) => text !== 'ok')
    .map(([name]) => name);
}

const lineOf = (run: Forged, endpoint: string, nth = 0) =>
  run.wallet.filter((line) => line.endpoint === endpoint)[nth]!;
const without = (run: Forged, line: WalletLine) => run.wallet.splice(run.wallet.indexOf(line), 1);
const said = (line: Mutable<WalletLine>, change: object) => {
  line.body = JSON.stringify({ ...(JSON.parse(line.body) as object), ...change });
};

test('a run that went well breaks no invariant', () => {
  expect(new Set(Object.values(judged(goodRun())))).toEqual(new Set(['ok']));
  expect(Object.keys(judged(goodRun()))).toHaveLength(13);
});

describe('money', () => {
  test('an effect that happened twice is found', () => {
    const broken = brokenBy((run) => run.wallet.push({ ...lineOf(run, 'settle-bet') }));
    expect(broken).toEqual(expect.arrayContaining(['I1', 'I2', 'I3']));
  });

  test('a repeat that moves nothing is none of it', () => {
    const broken = brokenBy((run) => {
      run.wallet.push({ ...lineOf(run, 'settle-bet'), effect: 'repeat', t: T + 90_000 });
      const attempt = run.ours.attempts.find(({ verb }) => verb === 'give')!;
      run.ours.attempts.push({ ...attempt, attempt: 2, startedMs: T + 89_000 });
    });
    expect(broken).toEqual([]);
  });

  test('a payout that was promised and never given is found', () => {
    const broken = brokenBy((run) => without(run, lineOf(run, 'settle-bet')));
    expect(broken).toEqual(expect.arrayContaining(['I2', 'I3', 'I8']));
  });

  test('a payout that was given at another amount is found', () => {
    const broken = brokenBy((run) => (lineOf(run, 'settle-bet').amount = '901'));
    expect(broken).toEqual(expect.arrayContaining(['I2', 'I3', 'I8']));
  });

  test('a stake that was promised and never taken is found', () => {
    expect(brokenBy((run) => without(run, lineOf(run, 'bet')))).toEqual(
      expect.arrayContaining(['I2', 'I3', 'I4']),
    );
  });

  test('a stake that the provider was told is refused, and that counts, is found', () => {
    const broken = brokenBy((run) => {
      run.provider[0]!.belief = 'refused';
      run.provider[0]!.code = 1;
    });
    expect(broken).toEqual(expect.arrayContaining(['I2', 'I3']));
  });

  test('a failed stake that was taken and not given back is found', () => {
    const broken = brokenBy((run) => without(run, lineOf(run, 'settle-bet', 3)));
    expect(broken).toEqual(expect.arrayContaining(['I2', 'I3']));
  });

  test('a stake that counts and was given back all the same is found', () => {
    const broken = brokenBy((run) => {
      const bet = run.ours.bets[0]!;
      bet.payoutOperationId = null;
      run.ours.operations.splice(1, 1);
      run.provider.splice(1, 1);
    });
    expect(broken).toEqual(expect.arrayContaining(['I2', 'I3']));
  });

  test('money that moved for a bet nobody knows is found', () => {
    const broken = brokenBy((run) =>
      run.wallet.push({ ...lineOf(run, 'bet'), bet_id: 'f'.repeat(24) }),
    );
    expect(broken).toEqual(expect.arrayContaining(['I2', 'I3', 'I10']));
  });

  test('an operation whose bet id is not the one of its key is found', () => {
    expect(brokenBy((run) => (run.ours.operations[0]!.betId = 'a'.repeat(24)))).toContain('I2');
  });

  test('a balance that the wallet never said is found', () => {
    expect(brokenBy((run) => (run.provider[0]!.balance = '1'))).toEqual(['I2']);
  });

  test('an operation that never got a definite answer is found, unless the provider never repeats', () => {
    const unknown = (run: Forged) => {
      run.provider[0]!.belief = 'unknown';
      run.provider[0]!.code = null;
    };
    expect(brokenBy(unknown)).toContain('I2');
    const silent = brokenBy((run) => {
      unknown(run);
      run.repeats = false;
    });
    expect(silent).toEqual([]);
  });

  test('what our own audit contradicts is told with conservation', () => {
    expect(brokenBy((run) => run.ours.contradictions.push('audit: a rule: a row'))).toEqual(['I3']);
  });

  test('a wallet whose balances do not follow from its movements is found', () => {
    expect(brokenBy((run) => (lineOf(run, 'settle-bet', 1).balance = '5'))).toContain('I3');
  });
});

describe('order and bytes', () => {
  test('a bet-end before its settle-bet is found', () => {
    const broken = brokenBy((run) => {
      const end = lineOf(run, 'bet-end');
      without(run, end);
      run.wallet.splice(run.wallet.indexOf(lineOf(run, 'settle-bet')), 0, end);
    });
    expect(broken).toEqual(['I4']);
  });

  test('a settle-bet before its stake is found', () => {
    const broken = brokenBy((run) => {
      const give = lineOf(run, 'settle-bet');
      without(run, give);
      run.wallet.splice(run.wallet.indexOf(lineOf(run, 'bet')), 0, give);
    });
    expect(broken).toContain('I4');
  });

  test('an update before its create is found', () => {
    const broken = brokenBy((run) => {
      const [create, update] = run.wallet.filter(({ endpoint }) => endpoint === 'history');
      const at = run.wallet.indexOf(create!);
      without(run, update!);
      run.wallet.splice(at, 0, update!);
    });
    expect(broken).toEqual(expect.arrayContaining(['I4', 'I8']));
  });

  test('a repeat with other bytes is found', () => {
    const broken = brokenBy((run) => {
      run.wallet.push({ ...lineOf(run, 'bet'), effect: 'repeat', body_sha: sha('other') });
      const attempt = run.ours.attempts[0]!;
      run.ours.attempts.push({ ...attempt, attempt: 2 });
    });
    expect(broken).toEqual(['I7']);
  });

  test('bytes that our book does not have are found', () => {
    expect(brokenBy((run) => (lineOf(run, 'bet-end').body_sha = sha('other')))).toEqual(['I7']);
  });

  test('a wrong signature is found', () => {
    const broken = brokenBy((run) =>
      run.wallet.push({ ...lineOf(run, 'bet'), signature_ok: false, effect: 'none' }),
    );
    expect(broken).toContain('I7');
  });

  test('a request without an attempt in our book is found', () => {
    expect(brokenBy((run) => run.ours.attempts.shift())).toEqual(['I10']);
  });

  test('a request that left before its attempt was written is found', () => {
    expect(brokenBy((run) => (run.ours.attempts[0]!.startedMs += 5_000))).toEqual(['I10']);
  });
});

describe('records', () => {
  test('a last record that is not the truth is found', () => {
    const broken = brokenBy((run) => said(lineOf(run, 'history', 1), { receive_balance: 8.99 }));
    expect(broken).toEqual(['I3', 'I8']);
  });

  test('a record with another balance is found', () => {
    expect(brokenBy((run) => said(lineOf(run, 'history', 1), { after_balance: 1 }))).toEqual([
      'I8',
    ]);
  });

  test('a bet without its record is found', () => {
    expect(brokenBy((run) => without(run, lineOf(run, 'history', 2)))).toEqual(['I3', 'I8']);
  });

  test('a second create of a bet is found', () => {
    const broken = brokenBy((run) => {
      const create = { ...lineOf(run, 'history', 0) };
      said(create, { updatedAt: 'later' });
      run.wallet.push(create);
    });
    expect(broken).toContain('I8');
  });

  test('a record that was begun again after its 200 was recorded is found', () => {
    const broken = brokenBy((run) => {
      const attempt = run.ours.attempts.find(({ verb }) => verb === 'report')!;
      run.ours.attempts.push({ ...attempt, attempt: 2, startedMs: attempt.endedMs! + 1_000 });
    });
    expect(broken).toEqual(['I8']);
  });
});

describe('rest', () => {
  const opened = (run: Forged) => (run.ours.obligations[0]!.status = 'open');

  test('a call that is still owed is found, unless an open case names its bet', () => {
    expect(brokenBy(opened)).toEqual(['I5']);
    const named = brokenBy((run) => {
      opened(run);
      const { betId } = run.ours.obligations[0]!;
      run.ours.openCases.push({ kind: 'in_doubt', roundId: null, betId, operationId: null });
    });
    expect(named).toEqual([]);
    const other = brokenBy((run) => {
      opened(run);
      const { betId } = run.ours.obligations[0]!;
      run.ours.openCases.push({ kind: 'conflict', roundId: null, betId, operationId: null });
    });
    expect(other).toEqual(['I5']);
  });

  test.each<[string, (run: Forged) => void]>([
    ['a stake that is undecided', (run) => (run.ours.bets[0]!.decision = 'open')],
    ['a payout that is owed', (run) => (run.ours.operations[1]!.payoutState = 'owed')],
    ['a round that is closing', (run) => (run.ours.rounds[0]!.status = 'closing')],
    ['a workflow of a closed round', (run) => (run.workflows[0]!.running = true)],
    ['a bet without its bet-end', (run) => without(run, lineOf(run, 'bet-end'))],
  ])('%s is found', (_, change) => {
    expect(brokenBy(change)).toContain('I5');
  });

  test('the workflow of a round that is open may run', () => {
    const broken = brokenBy((run) => {
      run.ours.rounds[0]!.status = 'open';
      run.workflows[0]!.running = true;
    });
    expect(broken).toEqual([]);
  });

  test.each<[string, string, (run: Forged) => void]>([
    ['I6', 'an answer that changed', (run) => run.violations.push('a key: told 0, then 2')],
    ['I6', 'another answer at the end', (run) => run.reasked.push('a key: asked again')],
    ['I9', 'a call to the wrong partner', (run) => (lineOf(run, 'bet').user_agent = 'CHA2.ada')],
    ['I9', "another partner's bet", (run) => (run.ours.bets[0]!.partner = 'CHA2')],
    ['I11', 'attempts without end', (run) => (run.ours.obligations[0]!.attempts = 5_000)],
    ['I11', 'a history without end', (run) => (run.workflows[0]!.historyLength = 50_000)],
    ['I11', 'rows of no month', (run) => (run.ours.restRows = { attempts_rest: 1 })],
    ['I12', 'a rest that came late', (run) => (run.drainMs = 60_001)],
    ['I12', 'a rest that never came', (run) => (run.drainMs = null)],
    [
      'I13',
      'a history that does not replay',
      (run) => run.unreplayable.push('round/a/1/1: a timer'),
    ],
  ])('%s: %s is found', (name, _, change) => {
    expect(brokenBy(change)).toContain(name);
  });

  test('a sentence names the rows, and not more of them than can be read', () => {
    const run = goodRun();
    for (let n = 0; n < 14; n += 1) run.violations.push(`row ${String(n)}`);
    expect(judged(run).I6).toMatch(/^row 0\. row 1\..*row 9\. And 4 more$/);
  });
});
