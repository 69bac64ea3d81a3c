/** The λ panel as CSV, exactly the columns of contracts §4; doubles in the shortest form that reads back the same. */

import { csvLine } from '../../src/platform/csv.ts';
import { formatDay } from '../../src/platform/dates.ts';
import type { LambdaPanel } from './model.ts';

const DENSITY_COLUMNS = [
  'as_of_date',
  'market_id',
  'sector',
  'soft_target_class',
  'num_instruments',
  'dispersion',
  'avg_vol_window',
  'lambda_value',
] as const;

/** Header and one line a row. `days`: day numbers of the D days. */
export function* densityLines(marketId: string, days: Int32Array, panel: LambdaPanel): Generator<string> {
  yield csvLine(DENSITY_COLUMNS);
  for (let k = 0; k < panel.day.length; k++) {
    const { sector, softTargetClass } = panel.clusters[panel.cluster[k]];
    yield csvLine([
      formatDay(days[panel.day[k]]),
      marketId,
      sector,
      softTargetClass,
      panel.size[k],
      panel.dispersion[k],
      panel.averageVol[k],
      panel.lambda[k],
    ]);
  }
}
