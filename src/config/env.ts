import { resolve } from 'node:path';
import { z } from 'zod';
import { ipRuleFault } from '../lib/ip-list';

/** Every fault of the configuration at once; a process prints them and exits with 1 before it listens. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  constructor(readonly faults: readonly string[]) {
    super(`configuration is not usable:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

const port = z.coerce.number().int().min(1).max(65535);
const url = (...protocols: string[]) =>
  z.url().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `must begin with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  });
const httpUrl = url('http:', 'https:').transform((text) => text.replace(/\/+$/, ''));
const postgresUrl = url('postgres:', 'postgresql:');

const commaList = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  );
// Trust is given to networks one can name: "true" or a count of hops would give it to strangers.
const networks = commaList.check(({ value, issues }) => {
  for (const entry of value) {
    const message = ipRuleFault(entry);
    if (message !== undefined) issues.push({ code: 'custom', input: value, message });
  }
});

/**
 * Every environment variable Roundhouse reads, with its default and the reason for it. `.env.example`
 * is checked against this list by a test.
 */
export const VARIABLES = {
  ROUNDHOUSE_ENV: {
    schema: z.enum(['development', 'production']).default('production'),
    reason: 'development (set by npm start) allows plain http on loopback; production never does',
  },
  ROUNDHOUSE_HOME: {
    schema: z.string().min(1).default('.roundhouse'),
    reason: 'where npm start keeps its database, its Temporal history and demo.json',
  },
  LOG_LEVEL: {
    schema: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
    reason: 'how much each process writes to standard error',
  },
  DATABASE_URL: {
    schema: postgresUrl.optional(),
    reason: 'the book; npm start brings a PostgreSQL of its own when unset',
  },
  DATABASE_POOL_MAX: {
    schema: z.coerce.number().int().min(2).max(500).default(20),
    reason: 'connections per process; one is held per request only while a transaction runs',
  },
  MASTER_KEY_FILE: {
    schema: z.string().min(1).optional(),
    reason:
      'a file with the key that seals all secrets in the book: 64 hex characters; earlier keys on further lines; npm start makes one',
  },
  MASTER_KEY: {
    schema: z.string().min(1).optional(),
    reason:
      'the same in the environment, which more people can read than a file; earlier keys by comma',
  },
  API_HOST: {
    schema: z.string().min(1).default('127.0.0.1'),
    reason: 'loopback by default, so that nothing is reachable before somebody decides so',
  },
  API_PORT: { schema: port.default(8080), reason: 'partner API, provider callbacks and pages' },
  TLS_CERT_FILE: {
    schema: z.string().min(1).optional(),
    reason:
      "the API's certificate with its chain, PEM; with it the API speaks TLS itself, and reads a new one within seconds",
  },
  TLS_KEY_FILE: {
    schema: z.string().min(1).optional(),
    reason: "that certificate's private key, PEM without a passphrase",
  },
  TRUSTED_PROXY_CIDRS: {
    schema: networks,
    reason:
      'our own proxies in front of the API, comma-separated addresses and CIDRs: only their X-Forwarded-For and X-Forwarded-Proto are believed',
  },
  API_METRICS_PORT: {
    schema: port.optional(),
    reason:
      "the API's Prometheus endpoint, a listener of its own on API_HOST; unset, there is none",
  },
  API_DRAIN_MS: {
    schema: z.coerce.number().int().min(0).max(60_000).default(5_000),
    reason:
      'how long the API still takes new connections after SIGTERM, not ready already; load balancers need a health check or two to look elsewhere',
  },
  PUBLIC_BASE_URL: {
    schema: httpUrl.optional(),
    reason:
      'how browsers reach the API; launch and round links begin with it (default http://localhost:API_PORT, https with TLS_CERT_FILE)',
  },
  EGRESS_ALLOW_CIDRS: {
    schema: commaList,
    reason: 'private networks that wallet and provider URLs may point into, comma-separated CIDRs',
  },
  TIME_SCALE: {
    schema: z.coerce.number().min(0.001).max(1).default(1),
    reason:
      'multiplies the waits between background repeats and the pace of the sweep; below 1 for fault tests only',
  },
  CLOCK_OFFSET_MS: {
    schema: z.coerce.number().int().default(0),
    reason:
      "added to this process's own clock; for fault tests, which prove that it decides nothing",
  },
  FAILPOINTS_DIR: {
    schema: z.string().min(1).optional(),
    reason:
      'a folder in which fault tests arm the crash points; unset, they cost nothing and never fire',
  },
  METRICS_PORT: { schema: port.default(9464), reason: "the worker's Prometheus endpoint" },
  TEMPORAL_ADDRESS: {
    schema: z.string().min(1).optional(),
    reason: 'host:port of a Temporal server; npm start brings one of its own when unset',
  },
  TEMPORAL_NAMESPACE: {
    schema: z.string().min(1).default('default'),
    reason: "Temporal's namespace",
  },
  TEMPORAL_PORT: { schema: port.default(7233), reason: 'port of the Temporal server of npm start' },
  TEMPORAL_UI_PORT: { schema: port.default(8233), reason: 'port of the Temporal UI of npm start' },
  POSTGRES_PORT: { schema: port.default(54329), reason: 'port of the PostgreSQL of npm start' },
  SANDBOX_PROVIDER_PORT: { schema: port.default(8081), reason: 'the sandbox game provider' },
  SANDBOX_PARTNER_PORT: { schema: port.default(8082), reason: 'the sandbox casino and its wallet' },
  SANDBOX_HOST: {
    schema: z.string().min(1).default('127.0.0.1'),
    reason: 'the address both sandboxes listen on; a container sets 0.0.0.0',
  },
  SANDBOX_PROVIDER_DATABASE_URL: {
    schema: postgresUrl.optional(),
    reason: "the sandbox provider's own book (set by npm start)",
  },
  SANDBOX_PROVIDER_PARTNER_ID: {
    schema: z
      .string()
      .regex(/^\d{1,15}$/)
      .optional(),
    reason: 'our partner id at the sandbox provider (set by npm start)',
  },
  SANDBOX_PROVIDER_API_KEY: {
    schema: z.string().min(1).optional(),
    reason: 'the key both sides sign with (set by npm start)',
  },
  SANDBOX_PROVIDER_CALLBACK_URL: {
    schema: httpUrl.optional(),
    reason: 'where the sandbox provider sends Authorization, Credit and Debit (set by npm start)',
  },
  SANDBOX_PARTNER_DATABASE_URL: {
    schema: postgresUrl.optional(),
    reason: "the sandbox partner's own book (set by npm start)",
  },
  SANDBOX_PARTNER_API_URL: {
    schema: httpUrl.optional(),
    reason: 'the partner API the sandbox casino calls (set by npm start)',
  },
  SANDBOX_PARTNER_API_KEY: { schema: z.string().min(1).optional(), reason: 'its x-api-key' },
  SANDBOX_PARTNER_PREFIX: { schema: z.string().min(1).optional(), reason: 'its x-api-prefix' },
  SANDBOX_PARTNER_AGENT_SECRET: {
    schema: z.string().min(1).optional(),
    reason: 'the secret its wallet verifies our calls with',
  },
  SANDBOX_PARTNER_CURRENCY: {
    schema: z.string().min(1).default('EUR'),
    reason: "the wallet's currency",
  },
} as const satisfies Record<string, { schema: z.ZodType; reason: string }>;

type VariableName = keyof typeof VARIABLES;

/** Settings as read: one property a variable, under the variable's own name. */
export type Settings = {
  readonly [Name in VariableName]: z.output<(typeof VARIABLES)[Name]['schema']>;
} & { readonly PUBLIC_BASE_URL: string };

/**
 * Reads the environment.
 *
 * @param required variables this process cannot do without
 * @throws SettingsError naming every variable that is missing or not usable
 */
export function readSettings<Required extends VariableName = never>(
  required: readonly Required[] = [],
  environment: NodeJS.ProcessEnv = process.env,
): Settings & { readonly [Name in Required]: NonNullable<Settings[Name]> } {
  const faults: string[] = [];
  const settings: Record<string, unknown> = {};
  for (const name of Object.keys(VARIABLES) as VariableName[]) {
    const text = environment[name];
    const result = VARIABLES[name].schema.safeParse(text === '' ? undefined : text);
    if (!result.success) {
      faults.push(`${name}: ${result.error.issues.map((issue) => issue.message).join('; ')}`);
      continue;
    }
    if (result.data === undefined && (required as readonly string[]).includes(name)) {
      faults.push(`${name}: is missing (${VARIABLES[name].reason})`);
    }
    settings[name] = result.data;
  }
  if (faults.length > 0) throw new SettingsError(faults);
  settings.ROUNDHOUSE_HOME = resolve(String(settings.ROUNDHOUSE_HOME));
  const scheme = settings.TLS_CERT_FILE === undefined ? 'http' : 'https';
  settings.PUBLIC_BASE_URL ??= `${scheme}://localhost:${String(settings.API_PORT)}`;
  return settings as Settings & { readonly [Name in Required]: NonNullable<Settings[Name]> };
}
