/** Pairs of the original's λ̂ experiments: a cluster's row with the one before and the one after it. Source: contracts §4. */
import { UserError } from '../../../src/platform/errors.ts';
import type { DensityTable } from './table.ts';

/** Rows ordered by market, sector, class, date; NaN where a cluster has no row before or after. */
export interface Pairs {
  /** Position of each row in the table. */
  readonly row: Int32Array;
  readonly previous: Float64Array;
  readonly next: Float64Array;
  /** Day number of the row after; −1 where there is none. */
  readonly nextDay: Int32Array;
}

/**
 * Lines rows up within their own cluster; gaps in dates are skipped.
 * @throws UserError when a cluster has two rows on a day.
 */
export function pairsOf(table: DensityTable): Pairs {
  const { cluster, day, lambda } = table;
  const row = Int32Array.from(day, (_, k) => k).sort((a, b) => cluster[a] - cluster[b] || day[a] - day[b]);
  const n = row.length;
  const previous = new Float64Array(n).fill(Number.NaN);
  const next = new Float64Array(n).fill(Number.NaN);
  const nextDay = new Int32Array(n).fill(-1);
  for (let k = 1; k < n; k++) {
    const [before, after] = [row[k - 1], row[k]];
    if (cluster[before] !== cluster[after]) continue;
    if (day[before] === day[after]) {
      const { market, sector, softTargetClass } = table.clusters[cluster[after]];
      throw new UserError(
        `${table.file} has two rows of ${market}|${sector}|${softTargetClass} on ${table.text[after][table.dateColumn]}`,
        'Make it anew: prometheus backfill opportunity-density --output FILE',
      );
    }
    previous[k] = lambda[before];
    next[k - 1] = lambda[after];
    nextDay[k - 1] = day[after];
  }
  return { row, previous, next, nextDay };
}
