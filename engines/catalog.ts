/** Every engine program's declaration. Adding an engine is one folder and one line here. */
import type { ProgramSpec } from '../src/platform/program.ts';
import { campaignAndMetaSpec, campaignSpec, sweepSpec } from './backtest/spec.ts';
import { compareSpec } from './compare/spec.ts';
import { digestSpec } from './data/digest/spec.ts';
import { exportSpec } from './data/export/spec.ts';
import { dataGenerateSpec } from './data/generate/spec.ts';
import { importSpec } from './data/import/spec.ts';
import { jointAssessmentSpec, jointProfilesSpec, jointRegimeSpec, jointStabSpec } from './joint/spec.ts';
import { backfillDensitySpec, lambdaExperimentSpec, lambdaTrainSpec } from './lambda/spec.ts';
import { modelsFitSpec } from './models/spec.ts';
import { modelsEvalSpec } from './numeric/eval/spec.ts';
import { coverageRecountSpec, numericBackfillSpec, similarSpec, workerSpec } from './numeric/spec.ts';
import { backfillRegimeSpec } from './regime/spec.ts';
import { backfillStabilitySpec } from './stability/spec.ts';
import { textBackfillSpec, textInstallSpec } from './text/spec.ts';
import { numericEmbeddingsSpec, pointInTimeSpec } from './verify/spec.ts';

export const PROGRAMS: readonly ProgramSpec[] = [
  importSpec,
  exportSpec,
  digestSpec,
  dataGenerateSpec,
  campaignSpec,
  campaignAndMetaSpec,
  sweepSpec,
  compareSpec,
  backfillStabilitySpec,
  backfillDensitySpec,
  backfillRegimeSpec,
  lambdaExperimentSpec,
  lambdaTrainSpec,
  numericBackfillSpec,
  workerSpec,
  modelsFitSpec,
  modelsEvalSpec,
  similarSpec,
  coverageRecountSpec,
  pointInTimeSpec,
  numericEmbeddingsSpec,
  textInstallSpec,
  textBackfillSpec,
  jointProfilesSpec,
  jointRegimeSpec,
  jointStabSpec,
  jointAssessmentSpec,
];
