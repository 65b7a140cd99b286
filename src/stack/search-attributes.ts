import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes';
import { sleep } from '../lib/clock';
import { StackError, messageOf } from './stack-error';

/** Temporal's own numbers for the types (IndexedValueType in its API). */
const TYPE_NUMBERS: Record<(typeof SEARCH_ATTRIBUTES)[number]['type'], number> = {
  Keyword: 2,
  KeywordList: 7,
};

/** How long a server may take to show an attribute it has accepted: its caches are refreshed by a timer. */
const VISIBLE_TIMEOUT_MS = 30_000;

/**
 * Registers the search attributes rounds are filtered by; those that exist are left alone. A workflow
 * that is started with an attribute the server does not know is refused, so this comes before the worker.
 *
 * @throws StackError when the server refuses, or knows one of the names with another type
 */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<void> {
  const known = await knownAttributes(connection, namespace);
  const missing: Record<string, number> = {};
  for (const { name, type } of SEARCH_ATTRIBUTES) {
    const number = known.get(name);
    if (number === undefined) missing[name] = TYPE_NUMBERS[type];
    else if (number !== TYPE_NUMBERS[type]) {
      throw new StackError(
        `Temporal's namespace ${namespace} has a search attribute ${name} of another type than ${type}; ` +
          'remove it there, or set TEMPORAL_NAMESPACE to a namespace of its own.',
      );
    }
  }
  if (Object.keys(missing).length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
  } catch (error) {
    // Somebody else may have registered them at the same moment; then they are there below.
    if (!/already exist/i.test(messageOf(error))) {
      throw new StackError(
        `Temporal refused the search attributes ${Object.keys(missing).join(', ')}: ${messageOf(error)}`,
      );
    }
  }
  const end = Date.now() + VISIBLE_TIMEOUT_MS;
  for (;;) {
    const now = await knownAttributes(connection, namespace);
    if (Object.keys(missing).every((name) => now.has(name))) return;
    if (Date.now() > end) throw new StackError('Temporal does not show its new search attributes.');
    await sleep(100);
  }
}

async function knownAttributes(
  connection: Connection,
  namespace: string,
): Promise<Map<string, number>> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return new Map(Object.entries(customAttributes ?? {}).map(([name, type]) => [name, type]));
}
