/** The year under the cursor: a row a month, a cell a trading day, in the order of the month. */

import { answerTo } from '../../src/console/answers.ts';
import { coverageDays, dayCursor } from '../../src/console/grids.ts';
import { coverageCursor } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { heatMark } from '../../src/format/bars.ts';
import { fitLine, type Line, type Span, span } from '../../src/format/lines.ts';
import { formatCount, formatShare } from '../../src/format/numbers.ts';
import type { CoverageDay } from '../../src/phases/types.ts';
import { agedNote } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { type Drawing, unknown } from '../components/signs.ts';
import { hanging } from '../components/words.ts';
import { shareTone } from '../overview/coverage.ts';

/** Cells for the name of a month, and the most trading days that one can have. */
const LABEL = 4;
const MOST_DAYS = 23;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The grid with the day under the cursor in words below it; `dense` puts two months into a row. */
export function dayGrid(state: ConsoleState, width: number, drawing: Drawing, dense: boolean): PaneContent {
  const cursor = coverageCursor(state);
  if (!cursor) return { title: 'Days', lines: [[span('No year is selected.', 'muted')]] };
  const answer = answerTo(state, 'coverageYear', { row: cursor.row.name, year: cursor.year });
  const { value, problem } = answer;
  const title = `${cursor.row.name} · ${cursor.year}`;
  const days = coverageDays(state);
  if (!days || !value)
    return {
      title,
      lines: problem ? hanging([span('? ', 'warn')], problem, width, 'warn') : [[span('reading its days …', 'muted')]],
    };
  const at = dayCursor(state);
  const expected = days.reduce((sum, day) => sum + day.expected, 0);
  const present = days.reduce((sum, day) => sum + Math.min(day.present, day.expected), 0);
  // Two cells a day where 23 trading days still fit.
  const cells = !dense && width >= LABEL + MOST_DAYS * 2 ? 2 : 1;
  const months = MONTHS.map((name, month): Line => {
    const prefix = `${cursor.year}-${String(month + 1).padStart(2, '0')}`;
    const ofMonth = days.flatMap((day, i) =>
      day.date.startsWith(prefix) ? dayCell(day, i === at, cells, drawing) : [],
    );
    return [span(name.padEnd(LABEL), 'muted'), ...ofMonth];
  });
  const halves = months.slice(0, 6).map((line, i) => [line, months[i + 6]] as const);
  const current = at === null ? null : days[at];
  return {
    title,
    note: agedNote(
      state,
      answer,
      expected > 0
        ? `${formatShare(present / expected, 2)} of ${formatCount(expected)} expected`
        : 'nothing is expected',
    ),
    lines: [
      ...(dense ? halves.map(([one, other]): Line => [...fitLine(one, LABEL + MOST_DAYS + 3), ...other]) : months),
      ...(current ? hanging([span('day ', 'muted')], dayWords(current), width, 'plain') : []),
      ...hanging([span('rule ', 'muted')], value.rule, width, 'muted'),
      ...(problem ? [unknown(problem)] : []),
    ],
  };
}

const shareOf = ({ present, expected }: CoverageDay): number | null =>
  expected > 0 ? Math.min(1, present / expected) : null;

function dayCell(day: CoverageDay, current: boolean, cells: number, drawing: Drawing): Span[] {
  const share = shareOf(day);
  const mark = span(heatMark(share, drawing), shareTone(share), { inverse: current, bold: current });
  return cells > 1 ? [mark, span(' ')] : [mark];
}

function dayWords({ date, present, expected }: CoverageDay): string {
  if (expected === 0) return `${date}: nothing is expected${present > 0 ? `, ${formatCount(present)} there` : ''}`;
  const lack = expected - present;
  return `${date}: ${formatCount(present)} of ${formatCount(expected)}${lack > 0 ? `, ${formatCount(lack)} missing` : ''}`;
}
