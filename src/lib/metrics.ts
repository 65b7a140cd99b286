import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { Counter, Registry } from 'prom-client';

/**
 * Why a provider's call was refused before any money was looked at. `hash` is a signature that does not match;
 * `ownership` a token of somebody else, or of nobody; `rate` and `https` are other doors' to tell.
 */
export type ProviderRefusal =
  | 'connection'
  | 'address'
  | 'header'
  | 'method'
  | 'shape'
  | 'hash'
  | 'player'
  | 'token'
  | 'ownership'
  | 'suspended'
  | 'game'
  | 'too_large'
  | 'rate'
  | 'https';

/** Why a partner's request was refused at the door. */
export type PartnerRefusal = 'invalid_key' | 'address' | 'suspended' | 'https' | 'rate';

/** Where in a guard's checks an outgoing call ended: by its URL's text, or by an address it led to. */
export type EgressRefusal = 'url' | 'address';

/**
 * What this process counts. Labels are closed lists, except the connection: give it only for a connection that
 * exists, so that a stranger who makes names up makes no series.
 */
export interface Metrics {
  providerRefused(of: {
    readonly reason: ProviderRefusal;
    /** The key of a connection that exists. */
    readonly connection?: string;
    /** As it stands in the path; a name that is none of the document's counts as `other`. */
    readonly method?: string;
  }): void;
  partnerRefused(reason: PartnerRefusal): void;
  egressRefused(reason: EgressRefusal): void;
  /** Everything counted so far, in Prometheus' text form. */
  text(): Promise<string>;
}

/** The provider document's; anything else a stranger writes into the path is one and the same. */
const METHODS: readonly string[] = ['Authorization', 'Credit', 'Debit'];

export const EGRESS_REFUSED = {
  name: 'roundhouse_egress_refused_total',
  help: 'outgoing calls that were not made because of where they would have gone',
} as const;

/** Counters of one process, in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const provider = new Counter({
    name: 'roundhouse_provider_refusals_total',
    help: "providers' calls refused before any money was looked at; reason hash is a wrong signature",
    labelNames: ['connection', 'method', 'reason'],
    registers,
  });
  const partner = new Counter({
    name: 'roundhouse_partner_refusals_total',
    help: "partners' requests refused at the door",
    labelNames: ['reason'],
    registers,
  });
  const egress = new Counter({ ...EGRESS_REFUSED, labelNames: ['reason'], registers });
  return {
    providerRefused: ({ reason, connection = '', method = '' }) =>
      provider.inc({ connection, method: METHODS.includes(method) ? method : 'other', reason }),
    partnerRefused: (reason) => partner.inc({ reason }),
    egressRefused: (reason) => egress.inc({ reason }),
    text: () => registry.metrics(),
  };
}

/** A scraper that keeps a socket without asking is cut off. */
const IDLE_MS_MAX = 10_000;

export interface MetricsListener {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` on a listener of its own, for the scrapers of our own network: counters tell who calls
 * us and how often, so they are never on the public port.
 *
 * @param port 0 takes a free one
 */
export async function listenForMetrics(
  metrics: Metrics,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsListener> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) =>
        response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.requestTimeout = IDLE_MS_MAX;
  server.headersTimeout = IDLE_MS_MAX;
  server.listen({ host, port });
  await once(server, 'listening');
  return { port: portOf(server), close: () => closed(server) };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function closed(server: Server): Promise<void> {
  const end = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await end;
}
