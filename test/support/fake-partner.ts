import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = { status?: number; body: string } | 'hang' | 'reset';
type Method = 'Authorization' | 'Credit' | 'Debit';

export interface Call {
  readonly method: Method;
  readonly text: string;
  /** Every value as its source text, so that long integers stay what they are. */
  readonly body: Record<string, string>;
}

export const OK: Answer = {
  body: '{"code":0,"message":"Ok","balance":1000.50,"external_session_id":9}',
};
const AUTHORIZED: Answer = {
  body: '{"code":0,"message":"Ok","currency":"EUR","nick":"P","balance":1000.50,"external_session":"s"}',
};

export type FakePartner = Awaited<ReturnType<typeof createFakePartner>>;

/** A partner of the sandbox provider that answers whatever a test wants; by default it accepts everything. */
export async function createFakePartner() {
  let decide: ((call: Call) => Answer | undefined) | undefined;
  let calls: Call[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const fields = text.matchAll(/"(\w+)":("(?:[^"\\]|\\.)*"|[^,}]+)/g);
      const body = Object.fromEntries(
        [...fields].map(([, name = '', value = '']) => [name, value.replace(/^"|"$/g, '')]),
      );
      const method = (request.url ?? '').replace('/cb/', '') as Method;
      const call: Call = { method, text, body };
      calls.push(call);
      const answer = decide?.(call) ?? (method === 'Authorization' ? AUTHORIZED : OK);
      if (answer === 'hang') return;
      if (answer === 'reset') return void request.socket.destroy();
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/cb`,
    get calls() {
      return calls;
    },
    moneyCalls: () => calls.filter((call) => call.method !== 'Authorization'),
    answer(next: (call: Call) => Answer | undefined) {
      decide = next;
    },
    /** Answers 0 to everything again; what was called before is forgotten. */
    reset() {
      decide = undefined;
      calls = [];
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
