/** The original's five λ̂ models, kept for parity. Raw units, ordinary least squares of minimum norm. Source: contracts §4. */
import { leastSquares } from '../../linear/model.ts';
import type { ExperimentModel } from '../spec.ts';
import type { Pairs } from './pairs.ts';
import type { DensityTable } from './table.ts';

/** Columns of the panel that the linear models read besides λ's previous value and trend; a missing one is 0. */
const PANEL_FEATURES = [
  'num_instruments',
  'dispersion',
  'avg_vol_window',
  'regime_risk_score',
  'stab_risk_score',
  'stab_p_worsen_any',
] as const;

/**
 * λ̂ of each row in `predict`, fitted on the rows in `train` (positions in `pairs`, each with a next value).
 */
export function predictLambda(
  model: ExperimentModel,
  table: DensityTable,
  pairs: Pairs,
  train: Int32Array,
  predict: Int32Array,
): Float64Array {
  const target = Float64Array.from(train, (k) => pairs.next[k]);
  if (model === 'persistence') return Float64Array.from(predict, (k) => table.lambda[pairs.row[k]]);
  if (model === 'cluster_mean') return clusterMeans(table, pairs, train, target, predict);
  const columns = designOf(model, table, pairs);
  const pick = (rows: Int32Array) => columns.map((column) => Float64Array.from(rows, (k) => column[k]));
  const coefficients = leastSquares(pick(train), target);
  return Float64Array.from(predict, (k) => columns.reduce((sum, column, j) => sum + coefficients[j] * column[k], 0));
}

function clusterMeans(
  table: DensityTable,
  pairs: Pairs,
  train: Int32Array,
  target: Float64Array,
  predict: Int32Array,
): Float64Array {
  const sum = new Float64Array(table.clusters.length);
  const count = new Int32Array(table.clusters.length);
  train.forEach((k, at) => {
    const cluster = table.cluster[pairs.row[k]];
    sum[cluster] += target[at];
    count[cluster]++;
  });
  const overall = target.reduce((total, value) => total + value, 0) / target.length;
  return Float64Array.from(predict, (k) => {
    const cluster = table.cluster[pairs.row[k]];
    return count[cluster] ? sum[cluster] / count[cluster] : overall;
  });
}

/** Columns of the design over all pairs: intercept first. */
function designOf(
  model: Exclude<ExperimentModel, 'persistence' | 'cluster_mean'>,
  table: DensityTable,
  pairs: Pairs,
): Float64Array[] {
  const ordered = (column: Float64Array) => Float64Array.from(pairs.row, (at) => column[at]);
  const intercept = new Float64Array(pairs.row.length).fill(1);
  const lambda = ordered(table.lambda);
  if (model === 'global_ar1') return [intercept, lambda];
  const previous = pairs.previous.map((value) => (Number.isNaN(value) ? 0 : value));
  const trend = lambda.map((value, k) => (Number.isNaN(pairs.previous[k]) ? 0 : value - pairs.previous[k]));
  const features = [lambda, previous, trend, ...PANEL_FEATURES.map((name) => ordered(table.column(name)))];
  if (model === 'global_linear_full') return [intercept, ...features];
  return [intercept, ...features, ...features.map((column) => column.map((value) => value * value))];
}
