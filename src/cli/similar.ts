/** `prometheus similar`. */
import { similarSpec } from '../../engines/numeric/spec.ts';
import { programCommand } from './program-command.ts';

export const similar = programCommand(similarSpec, async () => ({
  program: (await import('../../engines/numeric/similar.ts')).similar,
}));
