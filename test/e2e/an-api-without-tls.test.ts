import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

test('a production API that could be reached by plain http only does not start, and says what to set', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(__dirname, '..', '..', 'dist', 'api', 'main.js')],
    {
      env: {
        PATH: process.env.PATH,
        // Nobody listens there: the transport is looked at before anything else is asked.
        DATABASE_URL: 'postgres://127.0.0.1:1/book',
        TEMPORAL_ADDRESS: '127.0.0.1:1',
        MASTER_KEY: '8'.repeat(64),
      },
      encoding: 'utf8',
      timeout: 50_000,
    },
  );
  expect(status).toBe(1);
  expect(stderr).toContain('set TLS_CERT_FILE and TLS_KEY_FILE');
  expect(stderr).toContain('TRUSTED_PROXY_CIDRS');
  expect(stderr).not.toMatch(/^ {4}at /m);
});
