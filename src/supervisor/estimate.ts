/** What a job would take, by what earlier finished jobs of its program were measured to take. */
import { isDeepStrictEqual } from 'node:util';
import { tryParseDay } from '../platform/dates.ts';
import type { Estimate, Estimated } from './reads.ts';

/** A job of the program that ended well. */
export interface MeasuredRun {
  readonly id: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly seconds: number;
  /** As it told them; null when it told none. */
  readonly rows: number | null;
}

/** Arguments that say how much work there is. */
export interface Extent {
  /** First and last day; null for a program without. */
  readonly range: { readonly start: string; readonly end: string } | null;
  /** Arguments with several values: each value is the work of one. */
  readonly lists: readonly string[];
}

/** How many runs are named in the sentence. */
const NAMED = 3;

/**
 * Runs with the very same arguments count alone where there are any. Else, over a range of days, each run gives a rate
 * per day and listed value. Else all runs count as they are. Bytes follow from rows and the size of a row.
 */
export function estimateRun(
  args: Readonly<Record<string, unknown>>,
  extent: Extent,
  runs: readonly MeasuredRun[],
  bytesPerRow: number | null,
): Estimate {
  const same = runs.filter((run) => isDeepStrictEqual(run.args, args));
  const size = same.length > 0 ? 1 : workOf(args, extent);
  const used = (same.length > 0 ? same : runs).flatMap((run) => {
    const measure = size === null || same.length > 0 ? 1 : workOf(run.args, extent);
    return measure === null ? [] : [{ ...run, scale: (size ?? 1) / measure }];
  });
  if (used.length === 0) {
    return { rows: null, seconds: null, bytes: null, basis: 'no finished job of this program to measure by' };
  }
  const told = used.filter((run) => run.rows !== null);
  const rows = spanOf(told.map((run) => run.rows! * run.scale).map(Math.round));
  const seconds = spanOf(used.map((run) => run.seconds * run.scale));
  const scaled = (by: number): Estimated | null =>
    rows && { value: Math.round(rows.value * by), low: Math.round(rows.low * by), high: Math.round(rows.high * by) };
  const names = used.slice(0, NAMED).map(({ id }) => id.slice(0, 4));
  const more = used.length > names.length ? ` and ${used.length - names.length} more` : '';
  const by =
    same.length > 0 ? 'with the same arguments' : size === null ? 'with other arguments' : 'by the days of their range';
  return {
    rows,
    seconds,
    bytes: bytesPerRow === null ? null : scaled(bytesPerRow),
    basis: `as ${names.join(', ')}${more} took, ${by}`,
  };
}

/** Days of the range times the number of listed values; null when there is no range. */
function workOf(args: Readonly<Record<string, unknown>>, { range, lists }: Extent): number | null {
  if (!range) return null;
  const [start, end] = [args[range.start], args[range.end]].map((day) => tryParseDay(String(day)));
  if (start === null || end === null || end < start) return null;
  const values = lists.map((key) => Math.max(1, [args[key] ?? []].flat().length));
  return (end - start + 1) * values.reduce((product, count) => product * count, 1);
}

/** Median, least and most; null of nothing. */
function spanOf(values: readonly number[]): Estimated | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    value: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    low: sorted[0],
    high: sorted.at(-1)!,
  };
}
