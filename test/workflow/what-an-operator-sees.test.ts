import { defaultPayloadConverter } from '@temporalio/common';
import type { RoundView } from '../../src/contracts/round';
import { eventually } from '../support/eventually';
import { startRoundhouse, type TestPlayer, type TestRoundhouse } from '../support/roundhouse';
import type { MoneyCall } from '../support/test-provider';

let house: TestRoundhouse;
let player: TestPlayer;

beforeAll(async () => {
  house = await startRoundhouse({
    fastPathMs: 10_000,
    connection: { answer_deadline_ms: 15_000 },
  });
});
afterAll(() => house?.close());
beforeEach(async () => (player = await house.newPlayer()));
afterEach(() => house.wallet.always('/settle-bet', null));

let transactions = 9_000;
const call = (of: Partial<MoneyCall> = {}): MoneyCall => ({
  token: player.token,
  player: player.id,
  round: '12',
  transaction: String(++transactions),
  amount: '42.60',
  ...of,
});
const handle = () => house.workflowOf(player.id, '12');

async function found(query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of house.client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

async function currentDetails(): Promise<string> {
  const { currentDetails: text } = await handle().query<{ currentDetails: string }>(
    '__temporal_workflow_metadata',
  );
  return text;
}

test('a round is found by its id and by what it is about, and its status follows it', async () => {
  await house.provider.credit(call());
  const id = `round/sandbox/${player.id}/12`;
  expect(handle().workflowId).toBe(id);
  const betId = String(house.callsOf(player, '/bet')[0]?.body.bet_id);
  for (const query of [
    `Partner = 'LAG1' AND Player = '${player.id}'`,
    `Connection = 'sandbox' AND Product = 'Copper' AND Game = 'Copper Mine' AND Player = '${player.id}'`,
    `BetIds = '${betId}'`,
    `Player = '${player.id}' AND RoundStatus = 'open'`,
  ]) {
    await eventually(async () => expect(await found(query)).toEqual([id]));
  }
  const second = await house.provider.credit(call({ amount: '1' }));
  expect(second.code).toBe(0);
  const secondId = String(house.callsOf(player, '/bet')[1]?.body.bet_id);
  await eventually(async () => expect(await found(`BetIds = '${secondId}'`)).toEqual([id]));
  await house.provider.debit(call({ amount: '20', close: true }));
  await eventually(async () =>
    expect(await found(`Player = '${player.id}' AND RoundStatus = 'closed'`)).toEqual([id]),
  );
});

test('nothing of it names the player as the partner does', async () => {
  await house.provider.credit(call({ close: true }));
  await house.ended(player.id, '12');
  const { raw } = await handle().describe();
  const seen = JSON.stringify([raw.workflowExecutionInfo, await currentDetails()]);
  expect(seen).toContain(player.id);
  expect(seen).not.toContain(player.userAgent);
});

test('the summary says whose round of which game it is', async () => {
  await house.provider.credit(call());
  const description = await handle().describe();
  expect(await description.staticSummary()).toBe(`LAG1 player ${player.id}, Copper Mine, round 12`);
});

test('the current details read like a statement, also after the round', async () => {
  await house.provider.credit(call());
  await eventually(async () => expect(await currentDetails()).toContain('stake 42.60 EUR done'));
  await house.provider.debit(call({ amount: '20', close: true }));
  await house.ended(player.id, '12');
  expect((await currentDetails()).split('\n\n')).toEqual([
    'stake 42.60 EUR done [outcome done, decision confirmed]',
    'payout 20.00 EUR done',
    'bet-end sent',
    'history delivered',
  ]);
  expect(await handle().result()).toEqual((await currentDetails()).split('\n\n'));
});

/** What the history says of each piece of work, first attempts (markers) and activities alike. */
async function summaries(): Promise<unknown[]> {
  const { events } = await handle().fetchHistory();
  return (events ?? [])
    .filter(
      (event) => event.activityTaskScheduledEventAttributes ?? event.markerRecordedEventAttributes,
    )
    .map((event) => {
      const payload = event.userMetadata?.summary;
      return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
    });
}

test('each piece of work in the history says what it was about', async () => {
  await house.provider.credit(call());
  await house.quiet(player.id, '12');
  await house.provider.debit(call({ amount: '20', close: true }));
  await house.ended(player.id, '12');
  expect(await summaries()).toEqual(['stake 42.60 EUR', 'payout 20.00 EUR']);
});

test('so does each activity that repeats what was not definite at once', async () => {
  for (const path of ['/settle-bet', '/bet-end', '/history']) {
    house.wallet.script(path, { status: 503, body: 'later' });
  }
  await house.provider.credit(call());
  await house.provider.debit(call({ amount: '20', close: true }));
  await house.ended(player.id, '12');
  expect(await summaries()).toEqual(
    expect.arrayContaining(['payout 20.00 EUR', 'bet-end 20.00 EUR', 'history (create)']),
  );
  expect(await summaries()).not.toContain(undefined);
});

test('while the wallet is down, the pending call says why in words, and the details say which', async () => {
  await house.provider.credit(call());
  house.wallet.always('/settle-bet', { status: 503, body: '<html>maintenance</html>' });
  await house.configure({ answer_deadline_ms: 600 });
  expect(await house.provider.debit(call({ amount: '20' }))).toMatchObject({ code: 0 });
  await house.configure({ answer_deadline_ms: 15_000 });
  await eventually(async () => {
    const { raw } = await handle().describe();
    expect(raw.pendingActivities).toMatchObject([
      {
        activityType: { name: 'payOut' },
        lastFailure: {
          message: expect.stringMatching(
            /^LAG1's wallet: unknown \(http_status\): HTTP 503; next attempt in \d+ (ms|s)$/,
          ),
        },
      },
    ]);
  });
  await eventually(async () =>
    expect(await currentDetails()).toMatch(/payout 20\.00 EUR (owed|under way)/),
  );
  house.wallet.always('/settle-bet', null);
  await eventually(async () => expect(await currentDetails()).toContain('payout 20.00 EUR done'));
});

test("the query 'round' returns the round's state", async () => {
  await house.provider.credit(call());
  await eventually(async () => {
    const view = await handle().query<RoundView>('round');
    expect(view).toMatchObject({
      status: 'open',
      betIds: [house.callsOf(player, '/bet')[0]?.body.bet_id],
      statement: ['stake 42.60 EUR done [outcome done, decision confirmed]', 'history delivered'],
      calls: [],
      atRest: false,
    });
    expect(view.version).toBeGreaterThan(3);
  });
});
