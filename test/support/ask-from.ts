import {
  request as requestHttp,
  type Agent,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http';
import { request as requestHttps } from 'node:https';

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Ask {
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  /** The address the connection comes from: any of 127.0.0.0/8, each a peer of its own. */
  readonly from?: string;
  /** The certificate authority to believe; without one it is plain http. */
  readonly ca?: string;
  /** Keeps its connections, instead of one for this request alone. */
  readonly agent?: Agent;
}

/** One request on a connection of its own, by https to a certificate of `localhost` or by plain http. */
export function askFrom({ ca, from = '127.0.0.1', body, ...ask }: Ask): Promise<Asked> {
  const options = { host: '127.0.0.1', agent: false as const, localAddress: from, ...ask };
  return new Promise((resolve, reject) => {
    const asking =
      ca === undefined
        ? requestHttp(options)
        : requestHttps({ ...options, ca, servername: 'localhost' });
    asking.on('error', reject);
    asking.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    asking.end(body);
  });
}

/** The same with a URL; POST unless told. */
export function askUrlFrom(
  from: string,
  url: string,
  ask: Omit<Ask, 'port' | 'path' | 'from'> = {},
): Promise<Asked> {
  const { port, pathname, search } = new URL(url);
  return askFrom({ method: 'POST', ...ask, from, port: Number(port), path: pathname + search });
}
