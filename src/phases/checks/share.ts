/** Rows of a model against what prices, articles or the calendar expect, year by year. */
import { parseDay } from '../../platform/dates.ts';
import { type Judgment, notOk, ok } from '../check.ts';
import { type ByYear, sumPresent, sumYears } from '../expectations.ts';
import { count, counted, percent } from '../words.ts';

/** First and last day of a configured span, as day numbers. */
export const span = (limits: { start: string; end: string }) => ({
  first: parseDay(limits.start),
  last: parseDay(limits.end),
});

/** Rows against what is expected over a span of years. */
export function judgeShare(
  what: string,
  unit: string,
  seen: ByYear,
  expected: ByYear,
  limits: { start: string; end: string; minShare: number },
  { fix, note }: { fix: string | null; note: string },
): Judgment {
  const { first, last } = span(limits);
  const due = sumYears(expected, first, last);
  const present = sumPresent(seen, expected, first, last);
  if (present === 0 && sumYears(seen, first, last) === 0) {
    return notOk('WAIT', `0 of ${counted(due, unit)}`, `${what} has no rows yet${note}`, fix, `${what}: none yet`);
  }
  if (due === 0) {
    return notOk(
      'BLKD',
      `${counted(sumYears(seen, first, last), unit)}`,
      `nothing says how many ${unit}s ${what} should have: there are no prices or articles to count against`,
      null,
      `${what}: nothing to count against`,
    );
  }
  const share = present / due;
  const observed = `${count(present)} of ${counted(due, unit)} (${percent(share)})`;
  if (share >= limits.minShare) return ok(observed, `${what} ${percent(share)}`);
  const worst = [...expected]
    .map(([year, value]) => [year, Math.min(value, seen.get(year) ?? 0) / value] as const)
    .sort((a, b) => a[1] - b[1])[0];
  const reason = `${what} has ${percent(share)} of the ${unit}s of ${limits.start} → ${limits.end}; the emptiest year is ${worst[0]} (${percent(worst[1])})${note}`;
  return notOk('PART', observed, reason, fix, `${what} ${percent(share)}`);
}

/** `num-stab-core-v1` → `stab`, `joint-assessment-context-v1` → `assessment`: the part that tells the models apart. */
export const stem = (model: string) => model.split('-')[1] ?? model;
