/**
 * The environment of a child process: ours, with some variables set for it. The one place beside env.ts
 * that touches `process.env`: it passes the variables on (PATH, Temporal's TLS settings) and
 * reads none.
 */
export function childEnvironment(variables: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, ...variables };
}
