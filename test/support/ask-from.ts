import { request, type Agent, type IncomingHttpHeaders } from 'node:http';

export interface Told {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * One HTTP request from a chosen loopback address: Linux answers on all of 127.0.0.0/8, so that a test can be
 * several clients at once.
 */
export function askFrom(
  localAddress: string,
  url: string,
  init: {
    readonly method?: 'GET' | 'POST';
    readonly headers?: Record<string, string>;
    readonly body?: string;
    readonly agent?: Agent;
  } = {},
): Promise<Told> {
  const { method = 'POST', headers = {}, body, agent } = init;
  return new Promise((resolve, reject) => {
    const options = { method, headers, localAddress, ...(agent && { agent }) };
    const asked = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers: told } = response;
        resolve({ status, headers: told, text: Buffer.concat(chunks).toString() });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
