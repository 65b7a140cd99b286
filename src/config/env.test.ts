import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readSettings, SettingsError } from './env';
import { envExample } from './env-example';

const exampleFile = join(__dirname, '../../.env.example');

function faultsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe('.env.example', () => {
  test('lists every variable with its default and reason, as src/config/env.ts has them', () => {
    const wanted = envExample();
    const found = readFileSync(exampleFile, 'utf8');
    if (found !== wanted) {
      throw new Error('.env.example is out of date: run "npm run check -- --write-env"');
    }
    expect(found).toContain('# API_PORT=8080\n');
  });
});

describe('readSettings', () => {
  test('an empty environment gives every default', () => {
    const settings = readSettings([], {});
    expect(settings).toMatchObject({
      ROUNDHOUSE_ENV: 'production',
      ROUNDHOUSE_HOME: resolve('.roundhouse'),
      API_HOST: '127.0.0.1',
      API_PORT: 8080,
      PUBLIC_BASE_URL: 'http://localhost:8080',
      POSTGRES_PORT: 54329,
    });
    expect(settings.DATABASE_URL).toBeUndefined();
  });

  test('an empty value is the same as an absent one', () => {
    expect(readSettings([], { API_PORT: '', DATABASE_URL: '' })).toEqual(readSettings([], {}));
  });

  test('names every fault at once: values that are unusable or missing', () => {
    const faults = faultsOf(() =>
      readSettings(['DATABASE_URL', 'TEMPORAL_ADDRESS'], {
        ROUNDHOUSE_ENV: 'staging',
        API_PORT: '70000',
        METRICS_PORT: 'many',
        DATABASE_URL: 'mysql://localhost/book',
        PUBLIC_BASE_URL: 'casino.example',
      }),
    );
    expect(new Set(faults.map((fault) => fault.split(':')[0]))).toEqual(
      new Set([
        'API_PORT',
        'DATABASE_URL',
        'METRICS_PORT',
        'PUBLIC_BASE_URL',
        'ROUNDHOUSE_ENV',
        'TEMPORAL_ADDRESS',
      ]),
    );
  });

  test('the message lists the faults line by line, for a person to read', () => {
    expect(new SettingsError(['A: is missing', 'B: is no port']).message).toBe(
      'configuration is not usable:\n  - A: is missing\n  - B: is no port',
    );
  });

  test('a fault never repeats the value, which may be a secret', () => {
    const faults = faultsOf(() => readSettings([], { DATABASE_URL: 'http://u:hunter2@h/db' }));
    expect(faults).toHaveLength(1);
    expect(faults.join()).not.toContain('hunter2');
  });

  test('base addresses lose their trailing slash, so that paths can be put behind them', () => {
    const settings = readSettings([], { PUBLIC_BASE_URL: 'https://play.example.com/' });
    expect(settings.PUBLIC_BASE_URL).toBe('https://play.example.com');
  });

  test('links begin with https once the API speaks TLS itself', () => {
    const settings = readSettings([], { TLS_CERT_FILE: 'a', API_PORT: '8443' });
    expect(settings.PUBLIC_BASE_URL).toBe('https://localhost:8443');
  });

  test('trusted proxies are a list of addresses and ranges', () => {
    const text = ' 10.0.0.0/8, 192.0.2.7 ,2001:db8::/32,';
    const { TRUSTED_PROXY_CIDRS: found } = readSettings([], { TRUSTED_PROXY_CIDRS: text });
    expect(found).toEqual(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);
    expect(readSettings([], {}).TRUSTED_PROXY_CIDRS).toEqual([]);
  });

  test.each([
    ['true', 'neither'],
    ['1', 'neither'],
    ['loopback', 'neither'],
    ['uniquelocal', 'neither'],
    ['*', 'neither'],
    ['10.0.0.0/255.0.0.0', 'neither'],
    ['10.0.0.1-10.0.0.9', 'neither'],
    ['proxy.example.com', 'neither'],
    ['10.1.2.3/8', 'the range is 10.0.0.0/8'],
    ['0.0.0.0/0', 'every address there is'],
    ['::/0', 'every address there is'],
    ['192.0.2.7,true', 'neither'],
  ])('nobody is trusted by "%s"', (text, reason) => {
    const [fault, ...others] = faultsOf(() => readSettings([], { TRUSTED_PROXY_CIDRS: text }));
    expect(others).toEqual([]);
    expect(fault).toMatch(/^TRUSTED_PROXY_CIDRS: "/);
    expect(fault).toContain(reason);
  });
});
