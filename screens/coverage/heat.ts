/** Table or model × year: a cell a year, the cursor on one of them. */
import { coverageCursor, coverageYears, selectedIndex, visibleRows } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAgo } from '../../src/format/age.ts';
import { heatMark } from '../../src/format/bars.ts';
import { type Line, type Span, span } from '../../src/format/lines.ts';
import { formatCount, formatPercent, UNKNOWN } from '../../src/format/numbers.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { CoverageRow } from '../../src/phases/types.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing, unknown } from '../components/signs.ts';
import { shareTone, yearTicks } from '../overview/coverage.ts';

/** The heat-map. */
export function heatTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const coverage = state.snapshot.board?.coverage;
  const title = 'Coverage';
  if (!coverage) {
    const why = state.bootProblem ?? state.snapshot.boardProblem ?? 'the evidence has not been read yet';
    return { title, lines: [unknown(why)] };
  }
  const rows = visibleRows(state, 'heat');
  const years = coverageYears(coverage.rows);
  const at = coverageCursor(state);
  if (!years || rows.length === 0) return { title, lines: [[span('No table has been counted.', 'muted')]] };
  const count = years.last - years.first + 1;
  const cells = [3, 2, 1].find((one) => width >= 62 + count * one) ?? 1;
  const columns: Column<CoverageRow>[] = [
    {
      title: '  table or model',
      max: 30,
      cell: (row) => [cursor(row === at?.row), span(row.name, row === at?.row ? 'strong' : 'plain')],
    },
    {
      title: yearTicks(years, cells),
      min: count * cells,
      cell: (row) => heatCells(row, years, cells, row === at?.row ? at.year : null, drawing),
    },
    { title: 'share', align: 'right', cell: (row) => [span(formatPercent(row.share, 1), shareTone(row.share))] },
    { title: 'rows', align: 'right', drop: 1, cell: (row) => [formatCount(row.rows)] },
    { title: 'first', drop: 3, cell: (row) => [row.first ?? UNKNOWN] },
    { title: 'last', drop: 2, cell: (row) => [row.last ?? UNKNOWN] },
  ];
  const table = layTable(columns, rows, width, drawing);
  return {
    title,
    note: [span(`${legend(drawing)} · read ${formatAgo(state.snapshot.at - coverage.at)}`, 'muted')],
    header: table.header,
    lines: rows.map(
      (row, i): Line =>
        row.problem ? [cursor(row === at?.row), `${row.name}  `, ...unknown(row.problem)] : table.rows[i],
    ),
    selectedRow: selectedIndex(state, 'heat'),
  };
}

const legend = (drawing: Drawing): string =>
  [
    [1, 'all'],
    [0.95, '90 %'],
    [0.6, '50 %'],
    [0.2, 'some'],
    [0, 'none'],
  ]
    .map(([share, word]) => `${heatMark(share as number, drawing)} ${word}`)
    .join('  ');

function heatCells(
  row: CoverageRow,
  { first, last }: { readonly first: number; readonly last: number },
  cells: number,
  cursorYear: number | null,
  drawing: Drawing,
): Line {
  const line: Span[] = [];
  for (let year = first; year <= last; year++) {
    const share = row.byYear[year] ?? null;
    const mark = heatMark(share, drawing).repeat(Math.max(1, cells - 1));
    line.push(span(mark, shareTone(share), { inverse: year === cursorYear, bold: year === cursorYear }));
    if (cells > 1) line.push(span(' '));
  }
  return line;
}
