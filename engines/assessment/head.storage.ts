/** Fitted heads in the registry, and the v2 head over the days of a panel. */
import { parseDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { UserError } from '../../src/platform/errors.ts';
import { requireOutOfSample } from '../models/guard.model.ts';
import { listModels, loadModel } from '../models/storage.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import { makeTensor, openSession } from '../onnx/session.ts';
import { ASSESSMENT_CONTEXT_V1, noContext } from './context.model.ts';
import { type ContextRequest, contextDays, type LoadedContext, later, requireVectors } from './context.storage.ts';
import { assessDay, notJudged, usedIc } from './head.model.ts';

/** The head as an ONNX graph: vectors [N, dim] to projections [N, 1]. */
export function headGraph(weights: Float64Array, name: string): Uint8Array {
  const graph = new GraphBuilder({ name });
  const input = graph.input('context', 'float32', ['N', weights.length]);
  const column = graph.constant({ type: 'float32', dims: [weights.length, 1], data: Float32Array.from(weights) });
  graph.output('projection', graph.node('MatMul', [input, column]), 'float32', ['N', 1]);
  return graph.build();
}

export interface HeadRequest extends Omit<ContextRequest, 'modelId'> {
  /** Model id of the head. */
  readonly head: string;
  /** Joint model; null: the one that the head was fitted on. */
  readonly modelId: string | null;
  /** Daily deviation of each name's returns: days × instruments. */
  readonly sigma: Float64Array;
}

export interface LoadedHead extends LoadedContext {
  readonly modelId: string;
  readonly fingerprint: string;
  /** Information coefficient that it goes by; 0: it did not pass its own test and says 0 of every name. */
  readonly ic: number;
  /** Why it was not judged; null when it was. */
  readonly notJudged: string | null;
  /** Last day (day number) that the head has seen. */
  readonly trainEnd: number;
}

/**
 * The fitted head over the days. A head that did not pass its own test says 0 of every name.
 * @throws UserError when it was never fitted, has seen these days and that is not allowed, or was fitted on other vectors.
 */
export async function loadContextV2(historical: Database, folder: string, request: HeadRequest): Promise<LoadedHead> {
  const { head, instruments, days, sigma, allowInSample = false } = request;
  if (!(await listModels(folder)).some(({ id }) => id === head)) {
    throw new UserError(
      `${head} has not been fitted`,
      `Fit it: prometheus models fit ${head} --train-start DATE --train-end DATE. Or take the formula of the original: --assessment-model-id ${ASSESSMENT_CONTEXT_V1}.`,
    );
  }
  const { manifest, fingerprint, graph } = await loadModel(folder, head);
  if (manifest.kind !== 'head')
    throw new UserError(`${head} is no head of the context backend`, 'See: prometheus models ls');
  const [made] = manifest.fit.features ?? [];
  if (request.modelId !== null && request.modelId !== made) {
    throw new UserError(
      `${head} was fitted on ${made}, not on ${request.modelId}`,
      `Leave out --assessment-context-model-id, or fit a head on ${request.modelId}.`,
    );
  }
  requireOutOfSample(manifest, days[0], allowInSample);
  const probes = manifest.fit.probes ?? {};
  const use = { ic: usedIc(probes), horizon: probes.horizon ?? 1 };
  const n = instruments.length;
  const out = noContext(days.length * n);
  const session = await openSession(graph, 'cpu');
  let cells = 0;
  let seen: string | null = null;
  try {
    for await (const { day, instruments: present, branches, vectors, dim, seenTo } of contextDays(historical, {
      modelId: made,
      instruments,
      days,
      allowInSample,
    })) {
      seen = later(seen, seenTo);
      if (present.length === 0) continue;
      const { projection } = await session.run({
        context: await makeTensor('float32', vectors, [present.length, dim]),
      });
      const projections = Float64Array.from(projection.data as Float32Array);
      const spread = Float64Array.from(present, (i) => sigma[day * n + i]);
      assessDay(projections, spread, use).forEach(({ expectedReturn, score, confidence }, row) => {
        const cell = day * n + present[row];
        out.expectedReturn[cell] = expectedReturn;
        out.score[cell] = score;
        out.confidence[cell] = confidence;
        out.branches[cell] = branches[row];
      });
      cells += present.length;
    }
  } finally {
    await session.release();
  }
  requireVectors(cells, { modelId: made, instruments, days });
  const trainEnd = parseDay(manifest.fit.fit_end);
  return { ...out, seenTo: seen, modelId: made, fingerprint, ic: use.ic, notJudged: notJudged(probes), trainEnd };
}
