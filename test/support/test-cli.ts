import { run } from '../../src/cli/run';
import type { Pool } from '../../src/db/pool';
import { TEST_MASTER_KEY } from './test-office';

export interface TestCli {
  /** A command as a person gives it. */
  cli(...args: string[]): Promise<{ code: number; out: string; err: string }>;
  /** The same with `--json`, read. Throws where the command fails. */
  json<Value>(...args: string[]): Promise<Value>;
}

/** The command line in the test's own process, on the test's database. */
export function createTestCli(pool: Pool, variables: Record<string, string> = {}): TestCli {
  async function cli(...args: string[]) {
    let out = '';
    let err = '';
    const code = await run(args, {
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      environment: {
        ROUNDHOUSE_ENV: 'development',
        DATABASE_URL: String(pool.options.connectionString),
        MASTER_KEY: TEST_MASTER_KEY,
        ...variables,
      },
    });
    return { code, out, err };
  }

  async function json<Value>(...args: string[]): Promise<Value> {
    const { code, out, err } = await cli(...args, '--json');
    if (code !== 0) throw new Error(`exit ${code}: ${err}`);
    return JSON.parse(out) as Value;
  }

  return { cli, json };
}
