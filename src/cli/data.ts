/** `prometheus data …`: the programs of engines/data as commands. */
import { importSpec } from '../../engines/data/import/spec.ts';
import { programCommand } from './program-command.ts';

export const dataImport = programCommand(importSpec, () => import('../../engines/data/import/program.ts'));
