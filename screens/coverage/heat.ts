/** Table or model × year: a cell a year, the cursor on one of them. */
import { coverageCursor, coverageYears, selectedIndex, visibleRows } from '../../src/console/lists.ts';
import type { CellUnit, ConsoleState } from '../../src/console/store.ts';
import { formatAgo } from '../../src/format/age.ts';
import { heatMark } from '../../src/format/bars.ts';
import { type Line, type Span, span } from '../../src/format/lines.ts';
import { formatCount, formatShare, formatShortCount, UNKNOWN } from '../../src/format/numbers.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import { CUT } from '../../src/format/width.ts';
import { yearCells, yearTicks } from '../../src/format/year-axis.ts';
import type { CoverageRow } from '../../src/phases/types.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing, unknown, unknownRow } from '../components/signs.ts';
import { FEW_YEARS, shareTone } from '../overview/coverage.ts';

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
  const grid = gridOf(state.cellUnit, years, at?.year ?? years.last, width);
  const columns: Column<CoverageRow>[] = [
    {
      title: '  table or model',
      max: 30,
      cell: (row) => [cursor(row === at?.row), span(row.name, row === at?.row ? 'strong' : 'plain')],
    },
    {
      title: grid.title,
      min: grid.title.length,
      cell: (row) => heatCells(row, grid, row === at?.row ? at.year : null, drawing),
    },
    { title: 'share', align: 'right', cell: (row) => [span(formatShare(row.share), shareTone(row.share))] },
    { title: 'rows', align: 'right', drop: 1, cell: (row) => [formatCount(row.rows)] },
    { title: 'first', drop: 3, cell: (row) => [row.first ?? UNKNOWN] },
    { title: 'last', drop: 2, cell: (row) => [row.last ?? UNKNOWN] },
  ];
  const table = layTable(columns, rows, width, drawing);
  return {
    title,
    note: [
      span(
        `${state.cellUnit === 'mark' ? legend(drawing) : UNIT_WORDS[state.cellUnit]} · read ${formatAgo(state.snapshot.at - coverage.at)}`,
        'muted',
      ),
    ],
    header: table.header,
    lines: rows.map(
      (row, i): Line =>
        row.problem ? unknownRow([cursor(row === at?.row), `${row.name}  `], row.problem, width) : table.rows[i],
    ),
    selectedRow: selectedIndex(state, 'heat'),
  };
}

const legend = (drawing: Drawing): string =>
  [
    [1, '99 %'],
    [0.95, '90 %'],
    [0.6, '50 %'],
    [0.2, 'some'],
    [0, 'none'],
  ]
    .map(([share, word]) => `${heatMark(share as number, drawing)} ${word}`)
    .join('  ');

const UNIT_WORDS = { percent: '% of what is expected', count: 'counted in the year' } as const;
/** Cells that each unit takes, the space between two included. */
const UNIT_CELLS = { percent: 5, count: 6 } as const;
/** What the columns need that always stay beside the grid, name and share; and what all of them need. */
const BESIDE = 40;
const BESIDE_MARKS = 62;

interface YearGrid {
  readonly unit: CellUnit;
  /** The years shown: all of them by marks; as many around the cursor as there is room for by figures. */
  readonly first: number;
  readonly last: number;
  readonly cells: number;
  readonly title: string;
}

function gridOf(unit: CellUnit, years: { first: number; last: number }, year: number, width: number): YearGrid {
  const count = years.last - years.first + 1;
  if (unit === 'mark') {
    const cells = yearCells(years, Math.max(FEW_YEARS, width - BESIDE_MARKS));
    return { unit, ...years, cells, title: yearTicks(years, cells) };
  }
  const cells = UNIT_CELLS[unit];
  const shown = Math.max(1, Math.min(count, Math.floor((width - BESIDE) / cells)));
  const first = Math.max(years.first, Math.min(year - Math.floor(shown / 2), years.last - shown + 1));
  const last = first + shown - 1;
  const labels = Array.from({ length: shown }, (_, i) => String(first + i).padStart(cells)).join('');
  // Years out of view on either side are marked; the first label begins with a blank.
  const title = `${first > years.first ? CUT : ' '}${labels.slice(1)}${last < years.last ? CUT : ''}`;
  return { unit, first, last, cells, title };
}

/** A share in percent is rounded down: only what is complete is 100. */
const figure = ({ byYear, countByYear }: CoverageRow, year: number, unit: CellUnit): string => {
  if (unit === 'count') return formatShortCount(countByYear[year]);
  return formatShare(byYear[year], 0).replace(' ', '');
};

function heatCells(
  row: CoverageRow,
  { unit, first, last, cells }: YearGrid,
  cursorYear: number | null,
  drawing: Drawing,
): Line {
  const line: Span[] = [];
  for (let year = first; year <= last; year++) {
    const share = row.byYear[year] ?? null;
    const under = { inverse: year === cursorYear, bold: year === cursorYear };
    if (unit !== 'mark') {
      const text = figure(row, year, unit);
      line.push(span(' '.repeat(Math.max(1, cells - text.length))), span(text, shareTone(share), under));
      continue;
    }
    const mark = heatMark(share, drawing).repeat(Math.max(1, cells - 1));
    line.push(span(mark, shareTone(share), under));
    if (cells > 1) line.push(span(' '));
  }
  return line;
}
