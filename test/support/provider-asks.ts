import { expectTaken } from './model-at-rest';
import {
  heard,
  lawfulForPayout,
  lawfulForStake,
  type ModelOperation,
  type MoneyModel,
} from './money-model';
import type { TestPlayer, TestRoundhouse } from './roundhouse';
import type { MoneyCall, ProviderReply, TestProvider } from './test-provider';

export interface Real {
  readonly house: TestRoundhouse;
  /** The same provider, at another process of the API. */
  readonly second: TestProvider;
  readonly player: TestPlayer;
  /** How often each answer was given: a run in which nothing is ever accepted proves little. */
  readonly told: Map<string, number>;
  readonly answerDeadlineMs: number;
  readonly reviveWindowMs: number;
}

interface Way {
  readonly elsewhere: boolean;
  readonly content?: Partial<MoneyCall>;
}

export function callOf(
  real: Real,
  operation: ModelOperation,
  content: Partial<MoneyCall> = {},
): MoneyCall {
  const { round, transaction, cents, close } = operation;
  const text = String(cents < 0n ? -cents : cents).padStart(3, '0');
  return {
    token: real.player.token,
    player: real.player.id,
    round: round.ref,
    game: round.game,
    transaction,
    amount: `${cents < 0n ? '-' : ''}${text.slice(0, -2)}.${text.slice(-2)}`,
    close,
    ...content,
  };
}

export function send(real: Real, operation: ModelOperation, { elsewhere, content }: Way) {
  const provider = elsewhere ? real.second : real.house.provider;
  const call = callOf(real, operation, content);
  return operation.kind === 'stake' ? provider.credit(call) : provider.debit(call);
}

export function expectLawful(
  real: Real,
  what: ModelOperation,
  reply: ProviderReply,
  lawful: readonly number[],
): void {
  expect(reply.status).toBe(200);
  const name = `${what.kind} ${what.transaction} of round ${what.round.ref}`;
  if (!lawful.includes(reply.code)) {
    throw new Error(`${name} was told ${reply.text}; lawful are ${lawful.join(', ')}`);
  }
  const key = `${what.kind} ${reply.code}`;
  real.told.set(key, (real.told.get(key) ?? 0) + 1);
}

/** Asks for an operation, new or known, and holds the answer against the model. */
export async function ask(
  model: MoneyModel,
  real: Real,
  operation: ModelOperation,
  way: Way & { readonly isNew: boolean },
): Promise<void> {
  await hear(model, real, operation, await send(real, operation, way), way.isNew);
}

export async function hear(
  model: MoneyModel,
  real: Real,
  operation: ModelOperation,
  reply: ProviderReply,
  isNew: boolean,
): Promise<void> {
  if (operation.text !== null) {
    expect(reply.text).toBe(operation.text);
    return;
  }
  const isStake = operation.kind === 'stake';
  const lawful = isStake
    ? lawfulForStake(operation, isNew)
    : lawfulForPayout(model, operation, isNew);
  expectLawful(real, operation, reply, lawful);
  heard(model, operation, reply.code, reply.text);
  if (isStake && reply.code === 0) await expectTaken(real.house, real.player, operation);
}
