/** Small charts in one row of text. */

const BLOCKS = '▁▂▃▄▅▆▇█';
const PLAIN_BLOCKS = '_.-=+*#@';

export interface SparkOptions {
  readonly ascii?: boolean;
  /** Fixed bounds (for shares: 0 and 1); taken from the values when absent. */
  readonly min?: number;
  readonly max?: number;
  /** Levels by logs, for values above 0 that differ by factors; what lies below `min` has the lowest level. */
  readonly log?: boolean;
}

/**
 * The values as a sparkline of at most `width` cells, oldest left. More values than cells are averaged by cell; fewer
 * take a cell each. A value that is not a number leaves a gap, and a series that never moves is drawn as a line.
 */
export function sparkline(values: readonly (number | null)[], width: number, options: SparkOptions = {}): string {
  if (width <= 0 || values.length === 0) return '';
  const cells = resample(values, Math.min(width, values.length));
  const known = cells.filter((v) => v !== null);
  const low = options.min ?? Math.min(...known);
  const high = options.max ?? Math.max(...known);
  const levels = options.ascii ? PLAIN_BLOCKS : BLOCKS;
  if (known.length > 0 && high <= low) return cells.map((v) => (v === null ? ' ' : options.ascii ? '-' : '─')).join('');
  const place = options.log && low > 0 ? (value: number) => Math.log(Math.max(value, low)) : (value: number) => value;
  const [bottom, top] = [place(low), place(high)];
  return cells
    .map((value) => {
      if (value === null) return ' ';
      // Halved, so that not even the widest range overflows; the narrowest halves to none.
      const range = top / 2 - bottom / 2;
      const level = range > 0 ? Math.floor(((place(value) / 2 - bottom / 2) / range) * levels.length) : 0;
      return levels[Math.max(0, Math.min(levels.length - 1, level))];
    })
    .join('');
}

/** Lowest and highest value above 0 of several series, which may share a scale of logs then; 0 and 0 without any. */
export function positiveBounds(series: readonly (readonly (number | null)[])[]): { min: number; max: number } {
  const known = series.flat().filter((value) => value !== null && value > 0) as number[];
  return known.length === 0 ? { min: 0, max: 0 } : { min: Math.min(...known), max: Math.max(...known) };
}

/** Means of equal stretches, each within its stretch's values; null where a stretch holds no number. */
function resample(values: readonly (number | null)[], cells: number): (number | null)[] {
  return Array.from({ length: cells }, (_, i) => {
    const from = Math.floor((i * values.length) / cells);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / cells));
    const known = values
      .slice(from, to)
      .filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
    if (known.length === 0) return null;
    const mean = known.reduce((sum, value) => sum + value / known.length, 0);
    // Thirds of 1 do not add up to 1: rounding must not make a series move that does not.
    return Math.min(Math.max(...known), Math.max(Math.min(...known), mean));
  });
}
