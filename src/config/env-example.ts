import { VARIABLES } from './env';

const HEADER = `# Every environment variable Roundhouse reads, with its default and its reason.
# Generated from src/config/env.ts: change it there, then run "npm run check -- --write-env".
# Nothing here is needed for npm start. Take the # away to change a value.
`;

/**
 * The text of `.env.example`: one block a variable, in the order of the list. A variable without a
 * default is printed empty, which means the same as leaving it out.
 */
export function envExample(): string {
  const blocks = Object.entries(VARIABLES).map(([name, { schema, reason }]) => {
    const unset = schema.safeParse(undefined);
    const value = unset.success && unset.data !== undefined ? String(unset.data) : '';
    return `# ${reason}\n# ${name}=${value}\n`;
  });
  return [HEADER, ...blocks].join('\n');
}
