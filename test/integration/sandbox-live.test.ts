import { createTestCasino, historyRecord, type TestCasino } from '../support/test-casino';

let casino: TestCasino;

beforeAll(async () => {
  casino = await createTestCasino();
});
afterAll(() => casino.close());

async function signIn(reference: string): Promise<string> {
  const response = await fetch(`${casino.base}/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ reference }),
  });
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** Where the page's own stream begins. */
async function liveAddress(path: string, cookie: string): Promise<string> {
  const page = await (await fetch(casino.base + path, { headers: { cookie } })).text();
  return (/data-live="([^"]+)"/.exec(page)?.[1] ?? '').replaceAll('&amp;', '&');
}

interface Message {
  readonly balance?: string;
  readonly rows?: readonly string[];
  readonly faults?: string;
  readonly stale?: true;
}

interface Stream {
  /** Reads on until what has come together is enough. */
  until(enough: (soFar: Message[]) => boolean): Promise<Message[]>;
  /** The cursor of the last message, as a browser sends it when it comes back. */
  lastId(): string;
  cut(): void;
}

async function openStream(
  address: string,
  cookie: string,
  options: { readonly lastId?: string; readonly base?: string } = {},
): Promise<Stream> {
  const cutter = new AbortController();
  const response = await fetch((options.base ?? casino.base) + address, {
    headers: { cookie, ...(options.lastId ? { 'last-event-id': options.lastId } : {}) },
    signal: cutter.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const messages: Message[] = [];
  let buffer = '';
  let id = options.lastId ?? '';
  return {
    async until(enough) {
      while (!enough(messages)) {
        const { value, done } = await reader.read();
        if (done) throw new Error('the stream ended');
        buffer += value;
        const blocks = buffer.split('\n\n');
        buffer = blocks.pop() ?? '';
        for (const block of blocks) {
          id = /^id: (.*)$/m.exec(block)?.[1] ?? id;
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (data !== undefined) messages.push(JSON.parse(data) as Message);
        }
      }
      return messages;
    },
    lastId: () => id,
    cut: () => cutter.abort(),
  };
}

const rowsOf = (messages: Message[]) => messages.flatMap((message) => message.rows ?? []);
const idsOf = (messages: Message[]) =>
  rowsOf(messages).map((row) => /id="([^"]+)"/.exec(row)?.[1] ?? '');
const says = (balance: string) => (soFar: Message[]) =>
  soFar.some((message) => message.balance === balance);

test('a callback that moves money is told at once, with the balance after it', async () => {
  const cookie = await signIn('watcher');
  const stream = await openStream(await liveAddress('/book', cookie), cookie);
  await stream.until(says('1000.00 EUR'));
  const id = casino.newBet();
  await casino.bet('LAG1.watcher', id, 5);
  const messages = await stream.until(
    (soFar) => says('995.00 EUR')(soFar) && rowsOf(soFar).length === 1,
  );
  expect(rowsOf(messages)[0]).toContain('takes 5.00 EUR');
  expect(rowsOf(messages)[0]).toContain('✓ signed');
  await casino.sandbox('topup', { user_agent: 'LAG1.watcher', amount: '10' });
  await stream.until(says('1005.00 EUR'));
  stream.cut();
});

test('a report of a bet is told as the row of the history, and anew when it changes', async () => {
  const cookie = await signIn('reader');
  const stream = await openStream(await liveAddress('/history', cookie), cookie);
  const id = casino.newBet();
  await casino.bet('LAG1.reader', id, 5);
  await casino.wallet('history', historyRecord('LAG1.reader', id));
  await stream.until((soFar) => rowsOf(soFar).length === 1);
  const update = { type: 'update', receive_balance: 20, winlose: 15 };
  await casino.wallet('history', historyRecord('LAG1.reader', id, update));
  const rows = rowsOf(await stream.until((soFar) => rowsOf(soFar).length === 2));
  expect(idsOf([{ rows }])).toEqual([`bet-${id}`, `bet-${id}`]);
  expect(rows[0]).toContain('−5.00 EUR');
  expect(rows[1]).toContain('+15.00 EUR');
  stream.cut();
});

test('what was missed while cut off comes when the browser is back, each row once, even from another process', async () => {
  const cookie = await signIn('sleeper');
  const stream = await openStream(await liveAddress('/book?part=ledger', cookie), cookie);
  await casino.bet('LAG1.sleeper', casino.newBet(), 1);
  // What the page shows already may come once more, the first deposit: whatever else the database is at holds cursors back.
  const stakes = (soFar: Message[]) => rowsOf(soFar).filter((row) => row.includes('/book?bet='));
  const before = await stream.until((soFar) => stakes(soFar).length === 1);
  stream.cut();
  for (let i = 0; i < 3; i++) await casino.bet('LAG1.sleeper', casino.newBet(), 1);
  const another = await casino.startAnother();
  const address = await liveAddress('/book?part=ledger', cookie);
  const back = await openStream(address, cookie, { lastId: stream.lastId(), base: another.base });
  const missed = await back.until((soFar) => stakes(soFar).length >= 3);
  expect(says('996.00 EUR')(missed)).toBe(true);
  const rows = [...stakes(before), ...stakes(missed)];
  expect(new Set(idsOf([{ rows }])).size).toBe(4);
  back.cut();
  await another.close();
});

test('a row that is committed late, behind one with a higher number, is not passed by', async () => {
  const cookie = await signIn('overtaken');
  const stream = await openStream(await liveAddress('/book', cookie), cookie);
  await stream.until(says('1000.00 EUR'));
  const late = await casino.db.query('BEGIN').then(() =>
    casino.db.query<{ callback_number: string }>(
      `INSERT INTO callback_log (endpoint, received_at, body, signature_ok, user_agent)
       VALUES ('balance', now(), '{}', true, 'LAG1.overtaken') RETURNING callback_number`,
    ),
  );
  await casino.bet('LAG1.overtaken', casino.newBet(), 1);
  await stream.until(says('999.00 EUR'));
  await casino.db.query('COMMIT');
  const ids = idsOf(await stream.until((soFar) => rowsOf(soFar).length >= 2));
  expect(ids).toContain(`call-${late.rows[0]!.callback_number}`);
  expect(new Set(ids).size).toBe(2);
  stream.cut();
});

test("another player's money is not told, unless every player's is looked at", async () => {
  const cookie = await signIn('private');
  const mine = await openStream(await liveAddress('/book', cookie), cookie);
  const all = await openStream(await liveAddress('/book?who=all', cookie), cookie);
  await casino.bet(casino.newPlayer(), casino.newBet(), 7);
  await all.until((soFar) => rowsOf(soFar).some((row) => row.includes('takes 7.00 EUR')));
  await casino.bet('LAG1.private', casino.newBet(), 2);
  const rows = rowsOf(await mine.until((soFar) => rowsOf(soFar).length > 0));
  expect(rows).toHaveLength(1);
  expect(rows[0]).toContain('takes 2.00 EUR');
  mine.cut();
  all.cut();
});

test('a fault that is switched on, met and used up is told each time', async () => {
  const cookie = await signIn('switcher');
  const stream = await openStream(await liveAddress('/switchboard', cookie), cookie);
  const last = (soFar: Message[]) => soFar.findLast(({ faults }) => faults !== undefined)?.faults;
  await stream.until((soFar) => last(soFar)?.includes('All well') ?? false);
  await casino.sandbox('faults', { endpoint: 'bet', mode: 'error500', count: 2 });
  await stream.until((soFar) => last(soFar)?.includes('the next 2 calls') ?? false);
  const [player, id] = [casino.newPlayer(), casino.newBet()];
  await casino.bet(player, id, 5);
  await stream.until((soFar) => last(soFar)?.includes('the next call') ?? false);
  await casino.bet(player, id, 5);
  await stream.until((soFar) => last(soFar)?.includes('All well') ?? false);
  await casino.bet(player, id, 5);
  const rows = rowsOf(await stream.until((soFar) => rowsOf(soFar).length === 3));
  expect(rows[0]).toContain('Error 500');
  expect(rows[2]).toContain('takes 5.00 EUR');
  stream.cut();
});

test('more than a page can show is told as such, and nobody who is not signed in is told anything', async () => {
  const cookie = await signIn('flooded');
  const address = await liveAddress('/book', cookie);
  await casino.db.query(
    `INSERT INTO callback_log (endpoint, received_at, body, signature_ok, user_agent)
     SELECT 'balance', now(), '{}', true, 'LAG1.flooded' FROM generate_series(1, 500)`,
  );
  const stream = await openStream(address, cookie);
  const messages = await stream.until((soFar) => soFar.length > 0);
  expect(messages[0]).toMatchObject({ stale: true });
  expect(rowsOf(messages)).toEqual([]);
  stream.cut();
  const stranger = await fetch(casino.base + address);
  expect([stranger.status, await stranger.json()]).toEqual([401, { error: 'not signed in' }]);
});

test('a casino that closes ends its streams', async () => {
  const another = await casino.startAnother();
  const cookie = await signIn('last');
  const stream = await openStream('/live?view=balance', cookie, { base: another.base });
  await stream.until(says('1000.00 EUR'));
  await another.close();
  await expect(stream.until(() => false)).rejects.toThrow();
});
