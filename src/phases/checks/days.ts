/** A check of rows that are due once a trading day. */
import { type CheckSpec, figureOf } from '../check.ts';
import type { Requirements } from '../config.ts';
import type { Evidence, VectorCell } from '../evidence.ts';
import { type ByYear, tradingDaysAmong, tradingDaysByYear, vectorsByYear } from '../expectations.ts';
import type { Probe } from '../probes.ts';
import { percent } from '../words.ts';
import { judgeShare, span } from './share.ts';

interface DayCheck {
  readonly id: string;
  readonly title: string;
  /** What has the rows, for sentences. */
  readonly what: string;
  readonly model: string;
  readonly look: (evidence: Evidence) => Probe<readonly VectorCell[]>;
  readonly limits: (need: Requirements) => { start: string; end: string; minShare: number };
  /** The command that fills it, and what else is to be said. */
  readonly remedy: (need: Requirements) => { readonly fix: string | null; readonly note: string };
  /** Whether a day without news has no row by contract. */
  readonly ofNewsDays?: boolean;
  /** What it would be good for, said while there is nothing. */
  readonly adds?: string;
}

/** Rows counted in trading days of the span that have prices. */
export const dayCheck = ({
  id,
  title,
  what,
  model,
  look,
  limits,
  remedy,
  adds,
  ofNewsDays = false,
}: DayCheck): CheckSpec => ({
  id,
  title,
  required: (need) => {
    const { minShare, start, end } = limits(need);
    return `≥ ${percent(minShare)} of trading days with prices${ofNewsDays ? ' and news' : ''}, ${start} → ${end}`;
  },
  looks: (evidence) => [look(evidence), evidence.prices, evidence.gaps, ...(ofNewsDays ? [evidence.news] : [])],
  judge: ({ evidence, need }) => {
    const { first, last } = span(limits(need));
    const prices = figureOf(evidence.prices);
    const { calendar } = figureOf(evidence.gaps);
    const [from, to] = [Math.max(first, prices.first ?? last + 1), Math.min(last, prices.last ?? first - 1)];
    const expected: ByYear = ofNewsDays
      ? tradingDaysAmong(
          calendar,
          figureOf(evidence.news).map(({ day }) => day),
          from,
          to,
        )
      : tradingDaysByYear(calendar, from, to);
    const seen = vectorsByYear(figureOf(look(evidence)), model);
    const { fix, note } = remedy(need);
    const empty = adds ? `${note}. ${adds}` : note;
    return judgeShare(what, 'day', seen, expected, limits(need), { fix, note: seen.size ? note : empty });
  },
});
