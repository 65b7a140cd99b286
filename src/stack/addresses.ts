import type { Settings } from '../config/env';
import type { NamedPort } from './ports';

/** Base addresses without a slash at the end. Programs are given 127.0.0.1, people localhost. */
export interface StackAddresses {
  readonly api: string;
  readonly provider: string;
  readonly partner: string;
  readonly storefront: string;
  readonly temporalUi: string;
}

export function addressesOf(settings: Settings): StackAddresses {
  const everywhere = ['0.0.0.0', '::', 'localhost'].includes(settings.API_HOST);
  const apiHost = everywhere ? '127.0.0.1' : settings.API_HOST;
  const host = apiHost.includes(':') ? `[${apiHost}]` : apiHost;
  const local = (port: number) => `http://127.0.0.1:${String(port)}`;
  return {
    api: `http://${host}:${String(settings.API_PORT)}`,
    provider: local(settings.SANDBOX_PROVIDER_PORT),
    partner: local(settings.SANDBOX_PARTNER_PORT),
    storefront: `http://localhost:${String(settings.SANDBOX_PARTNER_PORT)}`,
    temporalUi: `http://localhost:${String(settings.TEMPORAL_UI_PORT)}`,
  };
}

/** Every port the stack will listen on with these settings. */
export function portsOf(settings: Settings): NamedPort[] {
  const port = (variable: keyof Settings & `${string}_PORT`, purpose: string): NamedPort[] => {
    const chosen = settings[variable];
    return chosen === undefined ? [] : [{ variable, port: chosen, purpose }];
  };
  return [
    ...port('API_PORT', 'API'),
    ...port('API_METRICS_PORT', 'metrics of the API'),
    ...port('SANDBOX_PROVIDER_PORT', 'sandbox provider'),
    ...port('SANDBOX_PARTNER_PORT', 'sandbox partner'),
    ...port('METRICS_PORT', 'metrics'),
    ...(settings.TEMPORAL_ADDRESS === undefined
      ? [...port('TEMPORAL_PORT', 'Temporal'), ...port('TEMPORAL_UI_PORT', 'Temporal UI')]
      : []),
    ...(settings.DATABASE_URL === undefined ? port('POSTGRES_PORT', 'PostgreSQL') : []),
  ];
}

/** The table printed when the stack is ready. */
export function addressTable(settings: Settings, temporalUi: string, storefront: string): string {
  const api = settings.PUBLIC_BASE_URL;
  const rows: [string, string][] = [
    ['Storefront', storefront],
    ['API', api],
    ['API docs', `${api}/docs`],
    ['Sandbox provider', `http://localhost:${String(settings.SANDBOX_PROVIDER_PORT)}`],
    ['Temporal UI', settings.TEMPORAL_ADDRESS === undefined ? temporalUi : 'see your own server'],
    ['PostgreSQL', placeOfDatabase(settings)],
    ['Metrics', `http://localhost:${String(settings.METRICS_PORT)}/metrics`],
    ['State folder', settings.ROUNDHOUSE_HOME],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

// Without user and password: what is printed ends up in scrollbacks and screenshots.
function placeOfDatabase(settings: Settings): string {
  if (settings.DATABASE_URL === undefined) {
    return `postgres://127.0.0.1:${String(settings.POSTGRES_PORT)}/roundhouse (login in stack.json)`;
  }
  const { host, pathname } = new URL(settings.DATABASE_URL);
  return `postgres://${host}${pathname}`;
}
