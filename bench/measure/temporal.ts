import type { Client } from '@temporalio/client';

/** What one round's history has. */
export interface HistoryCounts {
  readonly events: number;
  readonly workflowTasks: number;
  /** Workflow tasks that were completed before the round's last answer reached the provider. */
  readonly workflowTasksBeforeAnswers: number;
  readonly activities: number;
  /** The kinds of its events, in order. */
  readonly kinds: readonly string[];
}

/** Waits until a round's workflow has ended well, and reads its history. */
export async function readHistory(
  client: Client,
  workflowId: string,
  answeredAtMs: number,
): Promise<HistoryCounts> {
  const handle = client.workflow.getHandle(workflowId);
  await handle.result();
  const { events } = await handle.fetchHistory();
  const kinds = (events ?? []).map(kindOf);
  const taskTimes = (events ?? [])
    .filter((_, index) => kinds[index] === 'workflowTaskCompleted')
    .map(({ eventTime }) => Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6);
  return {
    events: kinds.length,
    workflowTasks: taskTimes.length,
    workflowTasksBeforeAnswers: taskTimes.filter((timeMs) => timeMs <= answeredAtMs).length,
    activities: kinds.filter((kind) => kind === 'activityTaskScheduled').length,
    kinds,
  };
}

/** `workflowTaskCompleted`: an event carries its attributes under the name of its kind. */
function kindOf(event: object): string {
  const [name = 'unknown'] =
    Object.entries(event).find(
      ([key, value]) => key.endsWith('EventAttributes') && value !== null && value !== undefined,
    ) ?? [];
  return name.replace('EventAttributes', '');
}

/** Requests the server has taken so far in a namespace, by operation; long polls are told apart. */
export async function readRequests(
  metricsUrl: string,
  namespace: string,
): Promise<Map<string, number>> {
  const text = await (await fetch(metricsUrl)).text();
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^service_requests\{(.*)\} ([0-9.e+]+)$/.exec(line);
    const labels = match?.[1] ?? '';
    if (!labels.includes('service_name="frontend"')) continue;
    if (!labels.includes(`namespace="${namespace}"`)) continue;
    const operation = /operation="([^"]+)"/.exec(labels)?.[1] ?? '';
    counts.set(operation, (counts.get(operation) ?? 0) + Number(match?.[2]));
  }
  return counts;
}

/** Requests each service of the server has taken so far, of all namespaces: its limits count these. */
export async function readServiceRequests(metricsUrl: string): Promise<Map<string, number>> {
  const text = await (await fetch(metricsUrl)).text();
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^service_requests\{(.*)\} ([0-9.e+]+)$/.exec(line);
    const service = /service_name="([^"]+)"/.exec(match?.[1] ?? '')?.[1];
    if (service === undefined) continue;
    counts.set(service, (counts.get(service) ?? 0) + Number(match?.[2]));
  }
  return counts;
}
