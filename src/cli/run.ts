import { Command, CommanderError } from 'commander';
import { addBookCommands } from './book-commands';
import { addCaseCommands } from './case-commands';
import { addConnectionCommands } from './connection-commands';
import { createContext, type CliIo } from './context';
import { describeFailure, EXIT_BAD_INPUT, EXIT_DONE } from './failure';
import { addPartnerCommands } from './partner-commands';
import { addPlayerCommands } from './player-commands';
import { addSecretCommands } from './secret-commands';

const FOOTER = `
Environment: DATABASE_URL, and MASTER_KEY_FILE for what changes or uses a secret; beside a running "npm start" nothing has to be set.
Exit codes: 0 done, 1 refused or contradicted, 2 bad input.`;

/**
 * Runs one command line (SPEC §6).
 *
 * @param argv the arguments behind the program's name
 * @returns the exit code: 0 done, 1 refused or failed, 2 bad input
 */
export async function run(argv: readonly string[], io: CliIo): Promise<number> {
  const context = createContext(io);
  const program = new Command('roundhouse')
    .description(
      'Roundhouse: partners, connections, players, rounds, cases and the audit of the book',
    )
    .addHelpText('after', FOOTER)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout(text),
      writeErr: (text) => io.stderr(text),
    });
  addPartnerCommands(program, context);
  addConnectionCommands(program, context);
  addPlayerCommands(program, context);
  addBookCommands(program, context);
  addCaseCommands(program, context);
  addSecretCommands(program, context);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return context.exitCode();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong; asking for help is no mistake.
      return error.exitCode === 0 ? EXIT_DONE : EXIT_BAD_INPUT;
    }
    const { text, exitCode } = describeFailure(error, context.argumentNames());
    io.stderr(`error: ${text}\n`);
    return exitCode;
  } finally {
    await context.close();
  }
}
