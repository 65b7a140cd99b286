import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { sleep } from '../../src/lib/clock';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Which of the processes gave it. */
  readonly from: number;
}

export interface BalancedClient {
  post(path: string, headers: Record<string, string>, body: string): Promise<Answer>;
  close(): void;
}

/** All processes refuse for a moment only when a test has stopped both. */
const TURNS_MAX = 20;

/**
 * A caller behind the simplest load balancer there is: it keeps its connection, and turns to the next process
 * only when a new connection is refused (nothing was sent then) or an answer says `Connection: close`. No
 * request is ever sent twice: whatever else goes wrong is thrown.
 */
export function createBalancedClient(urls: readonly string[], first: number): BalancedClient {
  const agent = new Agent({ keepAlive: true });
  let target = first % urls.length;

  return {
    async post(path, headers, body) {
      for (let turn = 1; ; turn++) {
        const from = target;
        try {
          const { status, text, closes } = await once(agent, `${urls[from]}${path}`, headers, body);
          if (closes) target = (from + 1) % urls.length;
          return { status, text, from };
        } catch (error) {
          if ((error as { code?: string }).code !== 'ECONNREFUSED' || turn === TURNS_MAX)
            throw error;
          target = (from + 1) % urls.length;
          await sleep(20);
        }
      }
    },
    close: () => agent.destroy(),
  };
}

async function once(
  agent: Agent,
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; text: string; closes: boolean }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(url, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...headers,
      },
    });
    request.on('response', resolve).on('error', reject).end(body);
  });
  // Half an answer is thrown here.
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  const closes = response.headers.connection?.toLowerCase() === 'close';
  return { status: response.statusCode ?? 0, text, closes };
}
