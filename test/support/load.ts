import { setTimeout as pause } from 'node:timers/promises';
import { createBalancedClient, type Answer } from './balanced-client';
import { eventually } from './eventually';
import type { TestPlayer, TestRoundhouse } from './roundhouse';
import { createTestProvider, type MoneyCall } from './test-provider';

/** What the callers sign and call with; changed while they go on. */
export interface Credentials {
  apiKey: string;
  providerKey: string;
}

export interface Load {
  readonly players: readonly TestPlayer[];
  /** Answers of each process so far. */
  readonly answersFrom: readonly number[];
  /** Waits until every player has ended two rounds more, both begun with the credentials of now. */
  untilAllHaveMoved(): Promise<void>;
  /** Ends when the rounds under way are played. */
  stop(): Promise<LoadTally>;
}

export interface LoadTally {
  readonly rounds: number;
  /** Everything that was not the one good answer, with what it was an answer to. */
  readonly faults: readonly string[];
}

interface LoadOptions {
  readonly urls: readonly string[];
  readonly players: readonly TestPlayer[];
  readonly credentials: Credentials;
  /** Rounds have numbers of their own over all loads of a book. */
  readonly numbers: { next: number };
}

/** Less than any drain: whoever keeps a connection uses it before the process stops listening. */
const PAUSE_MS_MAX = 150;

/**
 * Players who launch games and play rounds (a stake of 5, a win of 7 that closes) until they are told to stop,
 * each over a connection of its own to one of the API processes.
 */
export function startLoad(house: TestRoundhouse, options: LoadOptions): Load {
  const { urls, players, credentials, numbers } = options;
  const faults: string[] = [];
  const answersFrom = urls.map(() => 0);
  const played = players.map(() => 0);
  let stopping = false;

  async function playRounds(player: TestPlayer, index: number): Promise<void> {
    const client = createBalancedClient(urls, index);
    const ask = async (
      what: string,
      asked: Promise<Answer>,
      isGood: (answer: Answer) => boolean,
    ) => {
      const answer = await asked.catch((error: unknown) => `${what}: ${String(error)}`);
      if (typeof answer === 'string') return void faults.push(answer);
      answersFrom[answer.from] = (answersFrom[answer.from] ?? 0) + 1;
      if (!isGood(answer)) faults.push(`${what}: ${String(answer.status)} ${answer.text}`);
    };
    const money = (method: 'Credit' | 'Debit', call: MoneyCall) => {
      const { body } = createTestProvider(() => '', credentials.providerKey);
      return ask(
        method,
        client.post(`/providers/${house.connection.key}/${method}`, {}, body(method, call)),
        ({ text }) => text.includes('"code":0,'),
      );
    };
    while (!stopping) {
      const round = String((numbers.next += 1));
      const stake = { token: player.token, player: player.id, round, amount: '5' };
      await ask('open-game', openGame(client, credentials.apiKey, player), (a) => a.status === 200);
      await pause(Math.random() * PAUSE_MS_MAX);
      await money('Credit', { ...stake, transaction: `1${round}` });
      await pause(Math.random() * PAUSE_MS_MAX);
      await money('Debit', { ...stake, transaction: `2${round}`, amount: '7', close: true });
      played[index] = (played[index] ?? 0) + 1;
    }
    client.close();
  }

  const ended = Promise.all(players.map(playRounds));
  return {
    players,
    answersFrom,
    async untilAllHaveMoved() {
      const before = [...played];
      await eventually(() => {
        const waiting = played.filter((count, index) => count < (before[index] ?? 0) + 2).length;
        if (waiting > 0) throw new Error(`${String(waiting)} players have not played on`);
      }, 60_000);
    },
    async stop() {
      stopping = true;
      await ended;
      return { rounds: played.reduce((sum, count) => sum + count, 0), faults };
    },
  };
}

function openGame(
  client: ReturnType<typeof createBalancedClient>,
  apiKey: string,
  player: TestPlayer,
): Promise<Answer> {
  return client.post(
    '/game/open-game',
    { 'x-api-key': apiKey },
    JSON.stringify({
      user_agent: player.userAgent,
      game_provider: 'Copper',
      game_id: '11',
      redirect_url: 'https://casino.example.com',
      mobile: false,
      ip: '192.0.2.1',
    }),
  );
}
