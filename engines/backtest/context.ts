/** The context backend of a campaign: which head, over which vectors, and what it says. */
import { formatDay } from '../../src/platform/dates.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import { ASSESSMENT_CONTEXT_V1, type ContextAssessments, contextCoverage } from '../assessment/context.model.ts';
import { loadContextV1 } from '../assessment/context.storage.ts';
import { loadContextV2 } from '../assessment/head.storage.ts';
import type { LoadedPanel } from '../market/storage.ts';
import type { Features } from './features.ts';
import { type ContextChoice, type ContextOrigin, inSampleOf } from './record.ts';

/** Joint model of the v1 head, as the plan writes it. */
const CONTEXT_V1 = 'joint-assessment-context-v1';

/** Assessments of every instrument and day. @throws UserError when head or vectors are missing, or have seen these days and that is not allowed. */
export async function loadContext(
  { head, modelId }: ContextChoice,
  {
    panel,
    days,
    features,
    allowInSample,
  }: {
    readonly panel: LoadedPanel;
    readonly days: Int32Array;
    readonly features: Features;
    readonly allowInSample: boolean;
  },
  { databases, home }: Pick<ProgramContext, 'databases' | 'home'>,
): Promise<{ assessments: ContextAssessments; origin: ContextOrigin }> {
  const { instruments } = panel;
  if (head === ASSESSMENT_CONTEXT_V1) {
    const model = modelId ?? CONTEXT_V1;
    const loaded = await loadContextV1(databases.historical, { modelId: model, instruments, days, allowInSample });
    const coverage = contextCoverage(loaded, features);
    return {
      assessments: loaded,
      origin: {
        head,
        modelId: model,
        fingerprint: null,
        trainEnd: null,
        ic: null,
        notJudged: null,
        ...coverage,
        inSample: inSampleOf({ 'context vectors': loaded.seenTo }),
      },
    };
  }
  const loaded = await loadContextV2(databases.historical, home.models, {
    head,
    modelId,
    instruments,
    days,
    sigma: features.stability.sigma,
    allowInSample,
  });
  const { fingerprint, ic, notJudged } = loaded;
  const trainEnd = formatDay(loaded.trainEnd);
  const coverage = contextCoverage(loaded, features);
  const inSample = inSampleOf({
    'context vectors': loaded.seenTo,
    [head]: days[0] <= loaded.trainEnd ? trainEnd : null,
  });
  return {
    assessments: loaded,
    origin: { head, modelId: loaded.modelId, fingerprint, trainEnd, ic, notJudged, ...coverage, inSample },
  };
}
