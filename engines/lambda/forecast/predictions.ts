/** λ̂ rows of a forecast as CSV. */

import type { CsvValue } from '../../../src/platform/csv.ts';
import { formatDay } from '../../../src/platform/dates.ts';
import type { Panel } from '../../market/panel.ts';
import type { Predictions } from '../ledger.storage.ts';
import type { LambdaPanel } from '../model.ts';

export const forecastColumns = [
  'as_of_date',
  'market_id',
  'sector',
  'soft_target_class',
  'num_instruments',
  'dispersion',
  'avg_vol_window',
  'lambda_value',
  'horizon_days',
  'lambda_hat',
  'lambda_z',
  'realised',
  'train_end',
  'experiment_id',
] as const;

/** One line a row of λ̂; `realised` is empty while it is not known. `row`: positions in the λ panel. */
export function* forecastRows(
  predictions: Predictions & { readonly row: Int32Array },
  density: LambdaPanel,
  panel: Panel,
  horizon: number,
): Generator<CsvValue[]> {
  for (let at = 0; at < predictions.row.length; at++) {
    const k = predictions.row[at];
    const { sector, softTargetClass } = predictions.cluster[at];
    const realised = predictions.realised[at];
    yield [
      formatDay(predictions.day[at]),
      panel.marketId,
      sector,
      softTargetClass,
      density.size[k],
      density.dispersion[k],
      density.averageVol[k],
      density.lambda[k],
      horizon,
      predictions.lambdaHat[at],
      predictions.lambdaZ![at],
      Number.isNaN(realised) ? null : realised,
      formatDay(predictions.trainEnd[at]),
      predictions.experimentId,
    ];
  }
}
