/** `prometheus worker`. */
import { workerSpec } from '../../engines/numeric/spec.ts';
import { programCommand } from './program-command.ts';

export const worker = programCommand(workerSpec, async () => ({
  program: (await import('../../engines/numeric/program.ts')).joinBackfills,
}));
