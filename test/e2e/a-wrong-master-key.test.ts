import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function start(program: string, masterKey: string) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(__dirname, '..', '..', 'dist', program, 'main.js')],
    {
      env: {
        PATH: process.env.PATH,
        ROUNDHOUSE_ENV: 'development',
        DATABASE_URL: database.url,
        // Nobody listens there: the key is looked at before anything else is asked.
        TEMPORAL_ADDRESS: '127.0.0.1:1',
        MASTER_KEY: masterKey,
      },
      encoding: 'utf8',
      timeout: 50_000,
    },
  );
  return { status, stdout, stderr };
}

describe.each(['api', 'worker'])('the %s process', (program) => {
  test('does not start without a master key, and says how to make one', () => {
    const { status, stderr } = start(program, '');
    expect(status).toBe(1);
    expect(stderr).toContain('MASTER_KEY_FILE: is missing');
    expect(stderr).toContain('openssl rand -hex 32');
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  test("does not start with another book's master key, and never prints it", () => {
    const { status, stderr } = start(program, '8'.repeat(64));
    expect(status).toBe(1);
    expect(stderr).toContain('this book is sealed with master key');
    expect(stderr).not.toMatch(/^ {4}at |8888/m);
  });
});
