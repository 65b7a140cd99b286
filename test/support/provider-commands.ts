import fc from 'fast-check';
import { sleep } from '../../src/lib/clock';
import { eventually } from './eventually';
import { quiet } from './model-at-rest';
import {
  addRound,
  createMoneyModel,
  isFinal,
  mayFollow,
  newOperation,
  noticeWallet,
  ofRound,
  windowIsOver,
  type ModelOperation,
  type ModelRound,
  type MoneyModel,
  type WalletConduct,
} from './money-model';
import { ask, callOf, expectLawful, hear, send, type Real } from './provider-asks';
import type { WalletMode } from './test-wallet';

type Command = fc.AsyncCommand<MoneyModel, Real>;

const pick = <Item>(items: readonly Item[], which: number): Item | undefined =>
  items[which % Math.max(items.length, 1)];
const known = (model: MoneyModel, kind: 'stake' | 'payout') =>
  model.operations.filter((operation) => operation.kind === kind);
/** Mostly the newest round, sometimes an older one. */
const roundOf = (model: MoneyModel, which: number): ModelRound => {
  const { rounds } = model;
  const round = which % 4 === 0 ? pick(rounds, which >> 2) : rounds.at(-1);
  if (!round) throw new Error('a model without rounds');
  return round;
};

function command(
  name: string,
  run: (model: MoneyModel, real: Real) => Promise<void>,
  can: (model: MoneyModel) => boolean = () => true,
): Command {
  const toString = () => name;
  const check = (model: Readonly<MoneyModel>) => can(model);
  return { check, run, toString };
}

const which = fc.nat(15);
const elsewhere = fc.boolean();
const seldom = fc.nat(7).map((number) => number === 0);
const STAKES = [500n, 500n, 350n, 1n, 0n];
const PAYOUTS = [900n, 250n, 1n, 12_345n, 0n];

const stake = fc
  .record({ which, cents: fc.constantFrom(...STAKES), close: seldom, elsewhere })
  .map(({ which, cents, close, elsewhere }) =>
    command(`stake ${cents} close=${close} (${which}, ${elsewhere})`, async (model, real) => {
      const round = roundOf(model, which);
      const operation = newOperation(model, { kind: 'stake', round, cents, close });
      await ask(model, real, operation, { elsewhere, isNew: true });
    }),
  );

const payout = fc
  .record({
    which,
    cents: fc.constantFrom(...PAYOUTS),
    close: seldom,
    elsewhere,
    content: fc.constantFrom({}, { betAmount: '5' }, { betAmount: '3.5' }, { token: 'sLongGone' }),
  })
  .map(({ which, cents, close, elsewhere, content }) =>
    command(
      `payout ${cents} close=${close} ${JSON.stringify(content)} (${which}, ${elsewhere})`,
      async (model, real) => {
        const operation = newOperation(model, {
          kind: 'payout',
          round: roundOf(model, which),
          cents,
          close,
        });
        await ask(model, real, operation, { elsewhere, content, isNew: true });
      },
    ),
  );

const close = elsewhere.map((elsewhere) =>
  command(`close (${elsewhere})`, async (model, real) => {
    const round = roundOf(model, 1);
    const operation = newOperation(model, { kind: 'payout', round, cents: 0n, close: true });
    await ask(model, real, operation, { elsewhere, isNew: true });
  }),
);

const repeat = fc
  .record({
    kind: fc.constantFrom('stake' as const, 'payout' as const),
    which,
    elsewhere,
    otherClose: seldom,
  })
  .map(({ kind, which, elsewhere, otherClose }) =>
    command(
      `repeat a ${kind} otherClose=${otherClose} (${which}, ${elsewhere})`,
      async (model, real) => {
        const operation = pick(known(model, kind), which);
        if (!operation) return;
        const content = otherClose ? { close: !operation.close } : {};
        await ask(model, real, operation, { elsewhere, content, isNew: false });
      },
      (model) => known(model, kind).length > 0,
    ),
  );

const bothAtOnce = which.map((which) =>
  command(
    `repeat a stake at both processes at once (${which})`,
    async (model, real) => {
      const operation = pick(known(model, 'stake'), which);
      if (!operation) return;
      const replies = await Promise.all(
        [true, false].map((elsewhere) => send(real, operation, { elsewhere })),
      );
      // A code 1 beside another was said first: what is final is told to everybody after it.
      for (const reply of replies.sort((a, b) => Number(b.code === 1) - Number(a.code === 1))) {
        await hear(model, real, operation, reply, false);
      }
    },
    (model) => known(model, 'stake').length > 0,
  ),
);

const otherContent = fc
  .record({
    which,
    elsewhere,
    content: fc.constantFrom({ amount: '77' }, { game: '12' }, { game: '11' }),
  })
  .map(({ which, elsewhere, content }) =>
    command(
      `known with other content ${JSON.stringify(content)} (${which}, ${elsewhere})`,
      async (model, real) => {
        const operation = pick(model.operations, which);
        if (!operation || content.game === operation.round.game) return;
        expectLawful(real, operation, await send(real, operation, { elsewhere, content }), [1]);
        model.conflicts.add(`${operation.kind} ${operation.transaction}`);
      },
      (model) => model.operations.length > 0,
    ),
  );

const illegal = fc
  .record({
    kind: fc.constantFrom('stake' as const, 'payout' as const),
    how: fc.constantFrom('negative', 'wrong hash', 'unknown round'),
    which,
    elsewhere,
  })
  .map(({ kind, how, which, elsewhere }) =>
    command(`a ${kind}, illegal: ${how} (${which}, ${elsewhere})`, async (model, real) => {
      const operation: ModelOperation = {
        ...newOperation(createMoneyModel(), {
          kind: how === 'unknown round' ? 'payout' : kind,
          round: roundOf(model, which),
          cents: how === 'negative' ? -500n : 500n,
          close: false,
        }),
        transaction: String(++model.transactions),
      };
      const content =
        how === 'wrong hash'
          ? { hash: '0'.repeat(32) }
          : how === 'negative'
            ? {}
            : { round: '999' };
      const code = how === 'wrong hash' ? 10 : how === 'negative' ? 1 : 8;
      expectLawful(real, operation, await send(real, operation, { elsewhere, content }), [code]);
    }),
  );

const hangUp = fc.record({ which, close: seldom }).map(({ which, close }) =>
  command(`a stake whose sender hangs up (${which})`, async (model, real) => {
    const round = roundOf(model, which);
    if (round.takesNoStake !== 'no') return;
    const operation = newOperation(model, { kind: 'stake', round, cents: 500n, close });
    const leaving = new AbortController();
    const body = real.house.provider.body('Credit', callOf(real, operation));
    const gone = real.house.provider.send('/Credit', { body, signal: leaving.signal });
    gone.catch(() => undefined); // it may have been answered already
    await eventually(async () => {
      const { rows } = await real.house.pool.query(
        `SELECT 1 FROM operations o JOIN rounds r ON r.id = o.round_id
          WHERE r.player_id = $1 AND o.kind = 'stake' AND o.transaction_ref = $2`,
        [real.player.id, operation.transaction],
      );
      if (rows.length === 0) throw new Error('the stake is not recorded');
    });
    leaving.abort();
    mayFollow(model, operation);
  }),
);

const nextRound = fc
  .constantFrom('11', '11', '12')
  .map((game) =>
    command(`next round, game ${game}`, (model) => Promise.resolve(void addRound(model, game))),
  );

const DECLINE = { status: 402, body: '{"error":"INSUFFICIENT_FUNDS"}' };
const CONDUCTS: readonly (readonly [string, WalletMode | null, WalletConduct])[] = [
  ['honest', null, 'honest'],
  ['honest', null, 'honest'],
  ['honest', null, 'honest'],
  ['honest', null, 'honest'],
  ['hang', 'hang', 'fails'],
  ['lose', 'lose', 'fails'],
  ['reset', 'reset', 'fails'],
  ['500', { status: 500, body: 'oops' }, 'fails'],
  ['takes and says 502', { status: 502, body: '<html>', moves: true }, 'fails'],
  ['402', DECLINE, 'refuses'],
  ['402', DECLINE, 'refuses'],
];
const ENDPOINTS = ['/bet', '/settle-bet', '/bet-end', '/history'];

function setWallet(
  model: MoneyModel,
  real: Real,
  endpoints: readonly string[],
  mode: WalletMode | null,
  conduct: WalletConduct,
) {
  for (const endpoint of endpoints) real.house.wallet.always(endpoint, mode);
  if (endpoints.includes('/bet')) model.conduct = conduct;
  noticeWallet(model);
}

const walletDoes = fc
  .record({ how: fc.constantFrom(...CONDUCTS), only: fc.option(fc.constantFrom(...ENDPOINTS)) })
  .map(({ how: [name, mode, conduct], only }) =>
    command(`the wallet: ${name} at ${only ?? 'every endpoint'}`, (model, real) =>
      Promise.resolve(setWallet(model, real, only === null ? ENDPOINTS : [only], mode, conduct)),
    ),
  );

async function setWalletUp(model: MoneyModel, real: Real, up: boolean): Promise<void> {
  if (model.walletUp === up) return;
  await (up ? real.house.wallet.up() : real.house.wallet.down());
  model.walletUp = up;
  noticeWallet(model);
}

async function setWorker(model: MoneyModel, real: Real, runs: boolean): Promise<void> {
  if (model.workerRuns === runs) return;
  await (runs ? real.house.startWorker() : real.house.stopWorker());
  model.workerRuns = runs;
  noticeWallet(model);
}

const walletUp = fc
  .constantFrom(true, true, false)
  .map((up) =>
    command(`the wallet goes ${up ? 'up' : 'down'}`, (model, real) => setWalletUp(model, real, up)),
  );
const worker = fc
  .constantFrom(true, true, false)
  .map((runs) =>
    command(`the worker is ${runs ? 'started' : 'stopped'}`, (model, real) =>
      setWorker(model, real, runs),
    ),
  );
const waiting = fc.constantFrom(50, 300).map((ms) => command(`${ms} ms`, () => sleep(ms)));
const overTheWindow = fc.constant(
  command('the revive window goes by', async (model, real) => {
    // A clock of its own decides; the margin is for the requests under way, whose deadline counts.
    await sleep(real.answerDeadlineMs + real.reviveWindowMs + 300);
    windowIsOver(model);
  }),
);

/** Wallet and worker do what they should from now on. */
export async function makeWell(model: MoneyModel, real: Real): Promise<void> {
  setWallet(model, real, ENDPOINTS, null, 'honest');
  await setWalletUp(model, real, true);
  await setWorker(model, real, true);
}

/** Everybody is well again; the provider repeats what it has no final answer to, then closes its rounds. */
export async function comeToRest(model: MoneyModel, real: Real): Promise<void> {
  await makeWell(model, real);
  await quiet(real.house, real.player);
  for (const operation of [...model.operations]) {
    const way = { elsewhere: false, isNew: false };
    await ask(model, real, operation, way);
    if (!isFinal(operation) && operation.kind === 'stake') {
      // Told 1 although nothing is undecided: that is the end of it.
      operation.told = 'refused';
    }
    if (operation.told === 'later')
      throw new Error(`payout ${operation.transaction} is told 1 at rest`);
  }
  for (const round of model.rounds) {
    if (ofRound(model, round, 'stake').length === 0) continue;
    const end = newOperation(model, { kind: 'payout', round, cents: 0n, close: true });
    await ask(model, real, end, { elsewhere: true, isNew: true });
  }
  await quiet(real.house, real.player);
}

/** Sequences of whatever a provider may ask, a wallet may do, and may happen to the worker. */
export const providerSequences = (maxCommands: number) =>
  fc.commands<MoneyModel, Real, false>(
    [
      ...[stake, stake, stake, stake, stake, stake, payout, payout, payout, repeat, repeat, repeat],
      ...[close, bothAtOnce, otherContent, illegal, hangUp, nextRound],
      ...[walletDoes, walletDoes, walletDoes, walletUp, worker, waiting, waiting, overTheWindow],
    ],
    { maxCommands, size: 'max' },
  );
