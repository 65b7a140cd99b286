/**
 * What a provider may be told and what must have moved in the end, by a reading of the rules that is much
 * smaller than the system: no attempts, no deadlines, no workflows. It knows what it has been told, what
 * the wallet could have done since, and answers each request with the codes that are lawful now.
 */

export type WalletConduct = 'honest' | 'refuses' | 'fails';

/** No, never. Perhaps: something is under way that would do it. Yes, for ever. */
type Knowledge = 'no' | 'maybe' | 'yes';

export interface ModelRound {
  readonly ref: string;
  readonly game: string;
  /** The provider's own close: a late payout is refused. */
  closedByProvider: Knowledge;
  /** Any close: a new stake is refused. */
  takesNoStake: Knowledge;
  /** A payout was accepted, which may have confirmed any stake of the round. */
  builtUpon: boolean;
}

export interface ModelOperation {
  readonly kind: 'stake' | 'payout';
  readonly round: ModelRound;
  readonly transaction: string;
  readonly cents: bigint;
  readonly close: boolean;
  /** `nothing`: nobody heard an answer. `later`: code 1. The others are the end of it. */
  told: 'nothing' | 'later' | 'accepted' | 'refused';
  /** The bytes of a stored answer, which every repeat must get. */
  text: string | null;
  /** Since it was asked, the wallet could have taken it, or refused it. */
  mayBeTaken: boolean;
  mayBeRefused: boolean;
  /** Its revive window went by without a request: it has failed, or never counted. */
  lapsed: boolean;
}

export interface MoneyModel {
  readonly rounds: ModelRound[];
  readonly operations: ModelOperation[];
  conduct: WalletConduct;
  walletUp: boolean;
  workerRuns: boolean;
  transactions: number;
  /** Transactions asked for with other content: each has one case. */
  readonly conflicts: Set<string>;
}

export function createMoneyModel(): MoneyModel {
  const model: MoneyModel = {
    rounds: [],
    operations: [],
    conduct: 'honest',
    walletUp: true,
    workerRuns: true,
    transactions: 0,
    conflicts: new Set(),
  };
  addRound(model, '11');
  return model;
}

export function addRound(model: MoneyModel, game: string): ModelRound {
  const round: ModelRound = {
    ref: String(model.rounds.length + 1),
    game,
    closedByProvider: 'no',
    takesNoStake: 'no',
    builtUpon: false,
  };
  model.rounds.push(round);
  return round;
}

export function newOperation(
  model: MoneyModel,
  of: Pick<ModelOperation, 'kind' | 'round' | 'cents' | 'close'>,
): ModelOperation {
  const operation: ModelOperation = {
    ...of,
    transaction: String(++model.transactions),
    told: 'nothing',
    text: null,
    mayBeTaken: false,
    mayBeRefused: false,
    lapsed: false,
  };
  model.operations.push(operation);
  noticeWallet(model);
  return operation;
}

export const isFinal = ({ told }: ModelOperation) => told === 'accepted' || told === 'refused';
export const ofRound = (model: MoneyModel, round: ModelRound, kind: ModelOperation['kind']) =>
  model.operations.filter((each) => each.round === round && each.kind === kind);
const isAccepted = (operation: ModelOperation) => operation.told === 'accepted';
const atLeastMaybe = (known: Knowledge): Knowledge => (known === 'yes' ? 'yes' : 'maybe');

/** To be called whenever the wallet or the worker changed: what every undecided stake may have met since. */
export function noticeWallet(model: MoneyModel): void {
  const asked = model.walletUp && model.workerRuns;
  for (const operation of model.operations) {
    if (operation.kind !== 'stake' || isFinal(operation) || operation.lapsed) continue;
    if (asked && model.conduct === 'honest') operation.mayBeTaken = true;
    if (asked && model.conduct === 'refuses') operation.mayBeRefused = true;
  }
}

/** The codes that are lawful for a stake, new or repeated; `isNew` when the system never saw it. */
export function lawfulForStake(stake: ModelOperation, isNew: boolean): number[] {
  if (isNew && stake.round.takesNoStake === 'yes') return [5];
  const codes = [1];
  if (stake.mayBeTaken && !stake.lapsed) codes.push(0);
  if (stake.mayBeRefused) codes.push(2);
  if (isNew && stake.round.takesNoStake === 'maybe') codes.push(5);
  return codes;
}

export function lawfulForPayout(
  model: MoneyModel,
  payout: ModelOperation,
  isNew: boolean,
): number[] {
  const { round } = payout;
  if (isNew && round.closedByProvider === 'yes') return [5];
  const codes = isNew && round.closedByProvider === 'maybe' ? [5] : [];
  const stakes = ofRound(model, round, 'stake');
  // Rule 6: owed at once, whatever the wallet does.
  if (stakes.some(isAccepted)) return [...codes, 0];
  const open = stakes.filter((stake) => !isFinal(stake) && !stake.lapsed);
  if (open.length === 0) return [...codes, 8];
  return [...codes, 1, 8, ...(open.some(({ mayBeTaken }) => mayBeTaken) ? [0] : [])];
}

/** Takes in what a request was told. */
export function heard(
  model: MoneyModel,
  operation: ModelOperation,
  code: number,
  text: string,
): void {
  const { round, kind, close } = operation;
  const isStake = kind === 'stake';
  switch (code) {
    case 0:
      operation.told = 'accepted';
      operation.text = text;
      if (!isStake) round.builtUpon = true;
      if (close) round.closedByProvider = round.takesNoStake = 'yes';
      break;
    case 1:
      operation.told = 'later';
      break;
    case 2:
      operation.told = 'refused';
      operation.text = text;
      return;
    default:
      // Never recorded, or void: it moved nothing and never will.
      operation.told = 'refused';
      model.operations.splice(model.operations.indexOf(operation), 1);
      if (code === 5) round.takesNoStake = 'yes';
      if (code === 5 && !isStake) round.closedByProvider = 'yes';
      return;
  }
  mayFollow(model, operation);
}

/** What an operation that counts, or may come to count, does to the rounds. */
export function mayFollow(model: MoneyModel, operation: ModelOperation): void {
  const { round, close } = operation;
  if (close) {
    round.closedByProvider = atLeastMaybe(round.closedByProvider);
    round.takesNoStake = atLeastMaybe(round.takesNoStake);
  }
  // Rule 9: an accepted stake, or a payout that confirms one, closes the other rounds of its game.
  for (const other of model.rounds) {
    if (other !== round && other.game === round.game) {
      other.takesNoStake = atLeastMaybe(other.takesNoStake);
    }
  }
}

/** The revive window of whatever was told code 1 is over, and nothing was asked meanwhile. */
export function windowIsOver(model: MoneyModel): void {
  for (const stake of model.operations) {
    if (stake.kind !== 'stake' || stake.told !== 'later') continue;
    // Rule 8: a payout that waits keeps the decision open; an accepted one may have confirmed it.
    const waitedFor = ofRound(model, stake.round, 'payout').some((payout) => !isFinal(payout));
    if (!waitedFor && !stake.round.builtUpon) stake.lapsed = true;
  }
}

/** The player's money when everything has come to rest: what was accepted, and nothing else. */
export function expectedCents(model: MoneyModel, startCents: bigint): bigint {
  return model.operations
    .filter(isAccepted)
    .reduce((sum, { kind, cents }) => (kind === 'stake' ? sum - cents : sum + cents), startCents);
}
