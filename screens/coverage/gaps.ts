/** The gaps of the year under the cursor, and the instruments missing on the day under it. */

import { answerTo } from '../../src/console/answers.ts';
import { coverageDays, dayCursor } from '../../src/console/grids.ts';
import { coverageCursor, rowCount, selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { commandLine } from '../../src/format/command.ts';
import { span } from '../../src/format/lines.ts';
import { formatCount } from '../../src/format/numbers.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { CoverageGap } from '../../src/phases/types.ts';
import { agedNote, readAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing } from '../components/signs.ts';
import { hanging } from '../components/words.ts';

/** A row a gap, then the command that fills the selected one. */
export function gapTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const at = coverageCursor(state);
  const title = at ? `Gaps of ${at.row.name} in ${at.year}` : 'Gaps';
  if (!at || coverageDays(state) === null) return { title, lines: [[span('not read yet', 'muted')]] };
  const rows = visibleRows(state, 'gaps');
  const answer = answerTo(state, 'coverageYear', { row: at.row.name, year: at.year });
  if (rows.length === 0) {
    const text = rowCount(state, 'gaps') > 0 ? 'No gap matches the filter.' : 'None: each day holds what is expected.';
    return { title, note: readAge(state, answer), lines: [[span(text, 'muted')]] };
  }
  const selected = selectedRow(state, 'gaps');
  const columns: Column<CoverageGap>[] = [
    {
      title: '  from',
      cell: (gap) => [cursor(gap === selected), span(gap.first, gap === selected ? 'strong' : 'plain')],
    },
    { title: 'to', cell: (gap) => [gap.last] },
    { title: 'days', align: 'right', cell: (gap) => [formatCount(gap.days)] },
    { title: 'missing', align: 'right', cell: (gap) => [formatCount(gap.missing)] },
    {
      title: 'filled by',
      grow: true,
      min: 8,
      drop: 1,
      cell: (gap) => [span(gap.fill ? gap.fill.slice(0, 2).join(' ') : 'an import', 'muted')],
    },
  ];
  const table = layTable(columns, rows, width, drawing);
  const fill = selected?.fill ?? null;
  return {
    title,
    note: agedNote(
      state,
      answer,
      `${formatCount(rows.length)} ${rows.length === 1 ? 'gap' : 'gaps'}${fill ? ' · F fills' : ''}`,
    ),
    header: table.header,
    lines: [
      ...table.rows,
      ...(fill ? hanging([span('F ', 'accent', { bold: true })], commandLine(fill), width, 'muted', 3) : []),
    ],
    selectedRow: selectedIndex(state, 'gaps'),
  };
}

/** The instruments that are expected on the day under the cursor and not there. */
export function missingNames(state: ConsoleState, width: number): PaneContent {
  const at = coverageCursor(state);
  const days = coverageDays(state);
  const position = dayCursor(state);
  const day = days && position !== null ? days[position] : null;
  if (!at || !day) return { title: 'Missing', lines: [[span('No day is selected.', 'muted')]] };
  const title = `Missing on ${day.date}`;
  if (day.present >= day.expected) return { title, lines: [[span('Nothing.', 'muted')]] };
  const answer = answerTo(state, 'coverageMissing', { row: at.row.name, date: day.date });
  const { value, problem } = answer;
  if (value === null)
    return { title, lines: hanging([], problem ?? 'reading their names …', width, problem ? 'warn' : 'muted') };
  if (value.length === 0)
    return { title, lines: [[span('Rows of this table are not of single instruments.', 'muted')]] };
  return {
    title,
    note: agedNote(state, answer, `${formatCount(value.length)} ${value.length === 1 ? 'instrument' : 'instruments'}`),
    lines: hanging([], value.join(' '), width, 'plain'),
  };
}
