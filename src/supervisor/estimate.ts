/** What a job would take, by what earlier finished jobs of its program were measured to take. */
import { isDeepStrictEqual } from 'node:util';
import { formatCount } from '../format/numbers.ts';
import { tryParseDay } from '../platform/dates.ts';
import type { WorkRule } from '../platform/program.ts';
import type { Estimate, Estimated } from './reads.ts';

type Args = Readonly<Record<string, unknown>>;

/** A job of the program that ended well. */
export interface MeasuredRun {
  readonly id: string;
  readonly args: Args;
  readonly seconds: number;
  /** As it told them; null when it told none. */
  readonly rows: number | null;
  /** Rows that were due, those there already included; null when it did not tell. */
  readonly due?: number | null;
}

/** Arguments that say how much work there is. */
export interface Extent {
  /** First and last day; null for a program without. */
  readonly range: { readonly start: string; readonly end: string } | null;
  /** Arguments with several values: each value is the work of one. */
  readonly lists: readonly string[];
  readonly work?: WorkRule;
}

/** How many runs are named in the sentence. */
const NAMED = 3;

/** A run beside the job that is estimated. */
interface Compared extends MeasuredRun {
  /** The job's work as a multiple of the run's. */
  readonly scale: number;
  /** The job is kept to fewer entities than the run was: its work is at most that. */
  readonly most: number | null;
  /** It went about it in the same manner, so that its time counts. */
  readonly timed: boolean;
}

/**
 * Runs with the very same arguments count alone where there are any. Else those that differ in nothing but days, listed
 * values and a limit of entities give rates per day, value and entity; runs that differ in anything else tell nothing. Bytes
 * follow from rows and the size of a row.
 * @param present rows that are there already where the job would write, for a job that leaves them alone; null: unknown.
 */
export function estimateRun(
  args: Args,
  extent: Extent,
  runs: readonly MeasuredRun[],
  bytesPerRow: number | null,
  present: number | null = null,
): Estimate {
  const same = runs.filter((run) => isDeepStrictEqual(run.args, args));
  const used =
    same.length > 0
      ? same.map((run): Compared => ({ ...run, scale: 1, most: null, timed: true }))
      : runs.flatMap((run) => compare(args, extent, run) ?? []);
  if (used.length === 0) {
    const basis = runs.length > 0 ? 'no finished job to compare with' : 'no finished job of this program to measure by';
    return { rows: null, seconds: null, bytes: null, basis };
  }
  const skips = extent.work !== undefined && args[extent.work.skips] === true;
  const whole = spanOf(used.flatMap((run) => workOf(run, extent) ?? []).map(Math.round));
  const capped = used.some(({ most }) => most !== null);
  const bound = ({ high }: Estimated): Estimated => ({ value: null, low: 0, high });
  const left = whole && (skips ? remaining(whole, present, same.length > 0) : whole);
  const rows = left && capped ? bound(left) : left;
  // A run that left some of its work alone is quicker than its work.
  const full = used.filter((run) => run.timed && didAll(run, extent));
  const time = spanOf(
    full.map((run) => run.seconds * run.scale),
    // What every run takes, however little its work is, does not shrink with it: at most it is all of its time.
    full.map((run) => run.seconds * Math.max(1, run.scale)),
  );
  const seconds = time && ((skips && present !== 0) || capped ? bound(time) : time);
  const scaled = (by: number): Estimated | null =>
    rows && {
      value: rows.value === null ? null : Math.round(rows.value * by),
      low: Math.round(rows.low * by),
      high: Math.round(rows.high * by),
    };
  const names = used.slice(0, NAMED).map(({ id }) => id.slice(0, 4));
  const more = used.length > names.length ? ` and ${used.length - names.length} more` : '';
  const by = same.length > 0 ? 'with the same arguments' : 'by the days of their range';
  const there = !skips || present === 0 ? '' : `, less ${present === null ? 'what is' : formatCount(present)} there`;
  return {
    rows,
    seconds,
    bytes: bytesPerRow === null ? null : scaled(bytesPerRow),
    basis: `as ${names.join(', ')}${more} took, ${by}${there}`,
  };
}

/**
 * What is left of the work. Where the whole is that of the same arguments, what is left may be all of it or nothing whatever
 * was counted, for rows that are not whole are made anew; a whole that was scaled bounds nothing.
 */
function remaining(whole: Estimated & { readonly value: number }, present: number | null, exact: boolean): Estimated {
  const left = (rows: number) => Math.max(0, rows - (present ?? 0));
  if (present === null) return { value: null, low: 0, high: whole.high };
  if (exact) return { value: left(whole.value), low: 0, high: whole.high };
  return { value: left(whole.value), low: left(whole.low), high: left(whole.high) };
}

/** The job's whole work by that of a run, in rows; null when the run does not tell its own. */
function workOf({ args, rows, due, scale, most }: Compared, { work }: Extent): number | null {
  const own = due ?? (work && args[work.skips] === true ? null : rows);
  if (own === null) return null;
  return most === null ? own * scale : Math.min(own * scale, most);
}

/** Whether a run did all of its work, as far as it tells. */
const didAll = ({ args, rows, due }: MeasuredRun, { work }: Extent): boolean =>
  !work || args[work.skips] !== true || (typeof due === 'number' && rows === due);

/** How the job's work compares with that of a run; null when it does not. */
function compare(args: Args, { range, lists, work }: Extent, run: MeasuredRun): Compared | null {
  if (!range) return null;
  const manner = work?.manner ?? [];
  const measures = new Set([range.start, range.end, ...lists, ...(work ? [work.limit, work.skips] : []), ...manner]);
  const differs = (key: string) => !isDeepStrictEqual(args[key], run.args[key]);
  const keys = [...new Set([...Object.keys(args), ...Object.keys(run.args)])];
  if (keys.some((key) => !measures.has(key) && differs(key))) return null;
  if (work?.cap && (args[work.cap] ?? run.args[work.cap] ?? null) !== null) return null;
  const [days, runDays] = [args, run.args].map((one) => daysOf(one, range));
  if (days === null || runDays === null) return null;
  let values = 1;
  let scale = days / runDays;
  for (const key of lists) {
    const [count, runCount] = [args, run.args].map((one) => valuesOf(one, key, work)?.size ?? null);
    if (count !== null) values *= count;
    if (!differs(key)) continue;
    if (count === null || runCount === null) return null;
    scale *= count / runCount;
  }
  const limitOf = (one: Args) => (work?.limit === undefined ? null : ((one[work.limit] ?? null) as number | null));
  const [limit, runLimit] = [limitOf(args), limitOf(run.args)];
  // A run of fewer entities does not tell how many there are.
  if (runLimit !== null && (limit === null || limit > runLimit)) return null;
  const most = limit === runLimit || limit === null ? null : limit * days * values;
  return { ...run, scale, most, timed: !manner.some(differs) };
}

/** Calendar days of the range; null where it is not given. */
function daysOf(args: Args, range: { readonly start: string; readonly end: string }): number | null {
  const [start, end] = [args[range.start], args[range.end]].map((day) => tryParseDay(String(day)));
  return start === null || end === null || end < start ? null : end - start + 1;
}

/** The values that a repeatable argument stands for; null when none is given and it is not known what that means. */
function valuesOf(args: Args, key: string, work: WorkRule | undefined): ReadonlySet<unknown> | null {
  const given = [args[key] ?? []].flat();
  const values = given.length > 0 ? given : (work?.all?.[key] ?? []);
  return values.length > 0 ? new Set(values) : null;
}

/** Median, least and most; null of nothing. `highs`: how high each may be. */
function spanOf(
  values: readonly number[],
  highs: readonly number[] = values,
): (Estimated & { readonly value: number }) | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    value: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    low: sorted[0],
    high: Math.max(...highs),
  };
}
