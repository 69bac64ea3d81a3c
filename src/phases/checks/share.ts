/** Rows of a model against what prices, articles or the calendar expect, year by year. */
import { parseDay } from '../../platform/dates.ts';
import { type Judgment, notOk, ok } from '../check.ts';
import type { VectorDays } from '../evidence.ts';
import { addYears, type ByYear, daysByYear, sumPresent, sumYears } from '../expectations.ts';
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

/** Vectors against what is due day by day: those on days on which none is due count for nothing, and are told apart. */
export function judgeVectors(
  model: string,
  vectors: VectorDays,
  limits: { start: string; end: string; minShare: number },
  fix: string,
): Judgment {
  const { first, last } = span(limits);
  const [present, missing, surplus] = (['present', 'missing', 'surplus'] as const).map((what) =>
    daysByYear(vectors, vectors[what], first, last),
  );
  const due = addYears(present, missing);
  const [there, lacking, beside] = [present, missing, surplus].map((byYear) => sumYears(byYear, first, last));
  const others = `${count(beside)} on days on which none is due`;
  if (beside && !there && lacking) {
    const reason = `${model} has no vector of a day on which one is due yet, only ${others}`;
    return notOk(
      'WAIT',
      `0 of ${counted(lacking, 'vector')} · ${others}`,
      reason,
      fix,
      `${model}: none that is due yet`,
    );
  }
  // Without anything due, what is there cannot be judged.
  const judgment = judgeShare(model, 'vector', due.size ? present : surplus, due, limits, { fix, note: '' });
  const parts = [...(there && lacking ? [`${count(lacking)} missing`] : []), ...(there && beside ? [others] : [])];
  return { ...judgment, observed: [judgment.observed, ...parts].join(' · ') };
}

/** `num-stab-core-v1` → `stab`, `joint-assessment-context-v1` → `assessment`: the part that tells the models apart. */
export const stem = (model: string) => model.split('-')[1] ?? model;
