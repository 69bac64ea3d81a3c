/** `prometheus data generate`: a program that needs no database, so none is started for it. */
import { dataGenerateSpec } from '../../engines/data/generate-spec.ts';
import { openDatabases } from '../platform/db/databases.ts';
import type { Command } from './command.ts';
import { programCommand } from './program-command.ts';

const command = programCommand(dataGenerateSpec, () => import('../../engines/data/generate-program.ts'));

export const dataGenerate: Command<typeof dataGenerateSpec.args> = {
  ...command,
  // Pools that are never asked connect to nothing.
  run: (args, cli) =>
    command.run(args, { ...cli, databases: async (options) => openDatabases(await cli.targets(), options) }),
};
