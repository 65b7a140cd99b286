import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings, SettingsError } from './env';
import { readTransport } from './transport';

const dir = mkdtempSync(join(tmpdir(), 'roundhouse-transport-'));
const keyFile = join(dir, 'tls.key');
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyText = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
writeFileSync(keyFile, keyText);
afterAll(() => rmSync(dir, { recursive: true }));

const read = (environment: NodeJS.ProcessEnv) => readTransport(readSettings([], environment));

function faultOf(environment: NodeJS.ProcessEnv): string {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults.join('\n');
    throw error;
  }
  throw new Error('it was accepted');
}

test('in production the API needs TLS or a proxy that has it, and says so in one sentence', () => {
  for (const environment of [{}, { TRUSTED_PROXY_CIDRS: ' , ' }]) {
    const fault = faultOf({ PUBLIC_BASE_URL: 'https://play.example.com', ...environment });
    for (const name of ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TRUSTED_PROXY_CIDRS']) {
      expect(fault).toContain(name);
    }
    expect(fault).not.toContain('\n');
  }
});

test('in production links by plain http are no use', () => {
  const proxied = { TRUSTED_PROXY_CIDRS: '10.0.0.1' };
  expect(faultOf(proxied)).toContain('PUBLIC_BASE_URL: must begin with https://');
  expect(faultOf({ ...proxied, PUBLIC_BASE_URL: 'http://play.example.com' })).toContain('PUBLIC');
  expect(read({ ...proxied, PUBLIC_BASE_URL: 'https://play.example.com' })).toEqual({
    development: false,
    trustedProxies: ['10.0.0.1'],
  });
});

test('in development none of it is needed', () => {
  const found = read({ ROUNDHOUSE_ENV: 'development' });
  expect(found).toEqual({ development: true, trustedProxies: [] });
});

describe('a certificate and its key', () => {
  const development = { ROUNDHOUSE_ENV: 'development' };

  test('are given both or not at all', () => {
    expect(faultOf({ TLS_CERT_FILE: 'a' })).toBe(
      'TLS_KEY_FILE: is missing while TLS_CERT_FILE is set; TLS needs both',
    );
    expect(faultOf({ ...development, TLS_KEY_FILE: 'a' })).toBe(
      'TLS_CERT_FILE: is missing while TLS_KEY_FILE is set; TLS needs both',
    );
  });

  test('are read before anything listens, and nothing of the key is told', () => {
    const files = { ...development, TLS_CERT_FILE: join(dir, 'none'), TLS_KEY_FILE: keyFile };
    expect(faultOf(files)).toMatch(/none cannot be read \(ENOENT\)$/);
    const fault = faultOf({ ...files, TLS_CERT_FILE: keyFile });
    expect(fault).toContain('are not a certificate and its key');
    for (const line of keyText.split('\n').slice(1, 3)) expect(fault).not.toContain(line);
  });

  test('need an address to listen on: a name may be two', () => {
    const files = { TLS_CERT_FILE: keyFile, TLS_KEY_FILE: keyFile };
    expect(faultOf({ ...development, ...files, API_HOST: 'localhost' })).toContain('API_HOST: ');
  });
});
