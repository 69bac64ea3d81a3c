/** `prometheus verify …`: programs that compute evidence. */
import { pointInTimeSpec } from '../../engines/verify/spec.ts';
import { programCommand } from './program-command.ts';

export const verifyPointInTime = programCommand(pointInTimeSpec, async () => ({
  program: (await import('../../engines/verify/program.ts')).verifyPointInTime,
}));
