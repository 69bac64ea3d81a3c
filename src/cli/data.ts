/** `prometheus data …`: the programs of engines/data as commands. */
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { exportSpec } from '../../engines/data/export/spec.ts';
import { dataGenerateSpec } from '../../engines/data/generate/spec.ts';
import { importSpec } from '../../engines/data/import/spec.ts';
import { programCommand } from './program-command.ts';

export const dataImport = programCommand(importSpec, () => import('../../engines/data/import/program.ts'));

export const dataExport = programCommand(exportSpec, () => import('../../engines/data/export/program.ts'));

export const dataDigest = programCommand(digestSpec, () => import('../../engines/data/digest/program.ts'));

export const dataGenerate = programCommand(dataGenerateSpec, () => import('../../engines/data/generate/program.ts'));
