import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { StackError, systemErrorCode } from './stack-error';

/** A port the stack is about to listen on, under the name of the variable that moves it elsewhere. */
export interface NamedPort {
  readonly variable: string;
  readonly port: number;
  readonly purpose: string;
}

/**
 * Below what Linux and macOS hand out to outgoing connections: a port from up there can be taken by any of
 * them between this look and the start of its server.
 */
const CHOSEN_FROM = 20_000;
const CHOSEN_BELOW = 32_000;

/** Where this process looks next: no port is handed out twice, and two processes seldom look at the same ones. */
let next = randomInt(CHOSEN_FROM, CHOSEN_BELOW);

/** A port of the loopback interface that nobody listens on, another one each time. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = port + 1 < CHOSEN_BELOW ? port + 1 : CHOSEN_FROM;
    if ((await portFault(port)) === undefined) return port;
  }
}

/** Several free ports, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

/** The system's error code for listening on a port now (`EADDRINUSE`, `EACCES`), or undefined when it is free. */
export function portFault(port: number, host = '127.0.0.1'): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemErrorCode(error) ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/**
 * Makes sure that every port can be had, before anything is started.
 *
 * @throws StackError naming port, variable and what to do
 */
export async function requirePorts(ports: readonly NamedPort[]): Promise<void> {
  const users = new Map<number, NamedPort>();
  for (const wanted of ports) {
    const other = users.get(wanted.port);
    if (other !== undefined) {
      throw new StackError(
        `${other.variable} and ${wanted.variable} both name port ${String(wanted.port)}; give each a port of its own.`,
      );
    }
    users.set(wanted.port, wanted);
  }
  for (const wanted of ports) {
    const fault = await portFault(wanted.port);
    if (fault !== undefined) throw new StackError(sentenceFor(wanted, fault));
  }
}

function sentenceFor(wanted: NamedPort, fault: string): string {
  const port = String(wanted.port);
  if (fault === 'EADDRINUSE') {
    return (
      `Port ${port} (${wanted.purpose}) is already taken by another program; stop that program, ` +
      `or choose another port, for example: ${wanted.variable}=${String(alternativeTo(wanted.port))} npm start`
    );
  }
  return (
    `Port ${port} (${wanted.purpose}) cannot be used (${fault}); ` +
    `set ${wanted.variable} to a free port above 1023.`
  );
}

function alternativeTo(port: number): number {
  return port + 1000 <= 65535 ? port + 1000 : port - 1000;
}
