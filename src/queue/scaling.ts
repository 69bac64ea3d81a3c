/** What several workers at once cost each other, from backfills that ran with different numbers of them. Pure. */

/** A backfill as it went. */
export interface ScalingPoint {
  /** Workers at once on average: the seconds of all of them over the time in which any worked. */
  readonly workers: number;
  /** Seconds that its shards took, over those that its rows take at the mean rates of their models. */
  readonly slowdown: number;
}

/** Seconds of a shard with n workers at once: `alone + each × (n − 1)`, as a multiple of the mean. */
export interface Scaling {
  readonly alone: number;
  readonly each: number;
  /** Most workers at once that were measured. */
  readonly measuredTo: number;
}

/** Backfills whose numbers of workers differ by less than this say nothing about what one more costs. */
const LEAST_SPREAD = 0.5;

/**
 * The line through the points by least squares (the contention term of Gunther's law of scalability); workers never speed
 * each other up, and one more never undoes more than it does. Null when the points do not differ in their workers: what one more costs is unknown then.
 */
export function fitScaling(points: readonly ScalingPoint[]): Scaling | null {
  const counts = points.map(({ workers }) => workers);
  const measuredTo = Math.max(...counts);
  if (points.length < 2 || measuredTo - Math.min(...counts) < LEAST_SPREAD) return null;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(counts) - 1, mean(points.map(({ slowdown }) => slowdown))];
  const spread = points.reduce((sum, { workers }) => sum + (workers - 1 - x) ** 2, 0);
  const together = points.reduce((sum, { workers, slowdown }) => sum + (workers - 1 - x) * (slowdown - y), 0);
  const each = Math.max(0, together / spread);
  const alone = y - each * x;
  if (each <= alone) return { alone, each, measuredTo };
  // Steeper than that: the line on which one more worker neither helps nor harms.
  const products = points.reduce((sum, { workers, slowdown }) => sum + workers * slowdown, 0);
  const none = products / points.reduce((sum, { workers }) => sum + workers ** 2, 0);
  return { alone: none, each: none, measuredTo };
}

/** Seconds by the clock of work that takes one worker `workerSeconds` at the mean rates; without scaling plain division. */
export function clockSeconds(workerSeconds: number, workers: number, scaling: Scaling | null): number {
  const slowdown = scaling === null ? 1 : scaling.alone + scaling.each * (workers - 1);
  return (workerSeconds * slowdown) / workers;
}
