import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { drainWorkflowId } from '../../src/contracts/drain';
import { startRoundhouse, type TestRoundhouse } from '../support/roundhouse';
import { workflowBundlePath } from '../support/temporal';
import { readableHistory, readHistory, writeHistory } from './history-file';
import { playScenario, SCENARIO_SETTINGS, SCENARIOS } from './scenarios';

/**
 * Rounds that were played once and run through the workflow of today: a change that would confuse a
 * round in flight fails here. Files are added, never replaced, once a release has played them:
 *
 *     RECORD_HISTORIES=1 npx jest --testPathPatterns test/workflow/replay --selectProjects system
 */
const FOLDER = join(__dirname, 'histories');
/** What the scenarios left to the partner's drain. */
const DRAIN = 'drain';
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

const read = (file: string) => readHistory(join(FOLDER, file));

if (process.env.RECORD_HISTORIES !== undefined) {
  test('records a history of every scenario', async () => {
    const house = await startRoundhouse(SCENARIO_SETTINGS);
    try {
      for (const [name, scenario] of Object.entries(SCENARIOS)) {
        const { id } = await playScenario(house, scenario);
        await record(house, name, house.workflowOf(id, '1').workflowId);
      }
      await record(house, DRAIN, drainWorkflowId(house.partner.prefix));
    } finally {
      await house.close();
    }
  }, 180_000);
} else {
  beforeAll(() => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
  });

  test('there is a history of every scenario', () => {
    const recorded = FILES.map((file) => file.replace(/\.\d+\.json$/, ''));
    expect(new Set(recorded)).toEqual(new Set([...Object.keys(SCENARIOS), DRAIN]));
  });

  test.each(FILES)('%s replays', async (file) => {
    const { workflowId, history } = read(file);
    await Worker.runReplayHistory(
      { workflowBundle: { codePath: workflowBundlePath() } },
      history,
      workflowId,
    );
  });

  test('a history that this workflow did not make is noticed', async () => {
    const { workflowId, history } = read(
      FILES.find((file) => file.startsWith('wallet-down')) ?? '',
    );
    const { events = [] } = history as { events?: object[] };
    for (const event of events) {
      const scheduled = (event as Record<string, unknown>).activityTaskScheduledEventAttributes;
      if (scheduled) Object.assign(scheduled, { activityType: { name: 'somethingElse' } });
    }
    await expect(
      Worker.runReplayHistory(
        { workflowBundle: { codePath: workflowBundlePath() } },
        history,
        workflowId,
      ),
    ).rejects.toThrow(/[Nn]ondeterminism|Activity type/);
  });

  test.each(FILES)('%s holds no token, no secret and no name of a player or a machine', (file) => {
    const text = readableHistory(join(FOLDER, file));
    expect(text).toContain('\\"statement\\"');
    expect(text).not.toMatch(/\bs[\w-]{43}\b/);
    expect(text).not.toMatch(/LAG1\.p|user_agent|hmac|agent_secret|api_key|stackTrace":"[^"]/);
    expect(text).not.toMatch(/\/(work|home|tmp|usr|root)\//);
  });
}

/** Writes every run of a scenario's round, each beside the older ones, without the traces of this machine. */
async function record(house: TestRoundhouse, name: string, workflowId: string): Promise<void> {
  const query = `WorkflowId = '${workflowId}'`;
  for await (const { runId } of house.client.workflow.list({ query })) {
    const handle = house.client.workflow.getHandle(workflowId, runId);
    const history = await handle.fetchHistory();
    let number = 1;
    while (existsSync(join(FOLDER, `${name}.${number}.json`))) number += 1;
    writeHistory(join(FOLDER, `${name}.${number}.json`), { workflowId, history });
  }
}
