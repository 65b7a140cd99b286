import type { Command } from 'commander';
import { partnerByPrefix } from '../db/partners';
import { playerByUserAgent, setPlayerBlocked } from '../db/players';
import { RefusedError } from '../db/refused';
import type { CliContext } from './context';

/** `player block|unblock USER_AGENT` (SPEC §6). */
export function addPlayerCommands(program: Command, context: CliContext): void {
  const group = program.command('player').description("partners' players");
  addBlock(group, context, 'block', true, 'take no further stake; wins are still paid');
  addBlock(group, context, 'unblock', false, 'end a block');
}

function addBlock(
  group: Command,
  context: CliContext,
  name: string,
  blocked: boolean,
  description: string,
): void {
  context
    .changing(group, name, description)
    .argument('<USER_AGENT>', 'the handle of create-user, such as LAG1.0632094194')
    .action(async (userAgent: string, _flags: unknown, command: Command) => {
      const playerId = await playerIdOf(context, userAgent);
      const player = await setPlayerBlocked(await context.office(command), playerId, blocked);
      context.answer(command, {
        user_agent: userAgent,
        player_id: playerId,
        blocked: player?.blocked ?? blocked,
      });
    });
}

async function playerIdOf(context: CliContext, userAgent: string): Promise<string> {
  // A prefix has no dot, a reference may have some.
  const [prefix = ''] = userAgent.split('.', 1);
  const partner = await partnerByPrefix(context.pool(), prefix);
  const player = partner && (await playerByUserAgent(context.pool(), partner, userAgent));
  if (!player) throw new RefusedError('user_agent', `there is no player ${userAgent}`);
  return player.playerId;
}
