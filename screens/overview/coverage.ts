/** What the databases hold: rows, extent, share of what the calendar expects, and a heat line by year. */
import { coverageYears } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAgo } from '../../src/format/age.ts';
import { heatMark } from '../../src/format/bars.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatCount, formatShare, UNKNOWN } from '../../src/format/numbers.ts';
import type { Tone } from '../../src/format/states.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import { wrapText } from '../../src/format/width.ts';
import { type Years, yearCells, yearMark, yearTicks } from '../../src/format/year-axis.ts';
import type { CoverageRow } from '../../src/phases/types.ts';
import type { PaneContent } from '../components/pane.tsx';
import { type Drawing, unknownRow } from '../components/signs.ts';

/** What all other columns take, and what a few years may take even where some of those have to leave. */
const BESIDE = 72;
export const FEW_YEARS = 15;

/** The coverage table; `dense` has no column titles, so that the counts carry their name. */
export function coverageTable(state: ConsoleState, width: number, drawing: Drawing, dense: boolean): PaneContent {
  const coverage = state.snapshot.board?.coverage;
  if (!coverage) {
    const why = state.bootProblem ?? state.snapshot.boardProblem ?? 'the evidence has not been read yet';
    return { title: 'Coverage', lines: wrapText(`? unknown: ${why}`, width).map((part): Line => [span(part, 'warn')]) };
  }
  const [common] = coverage.rows;
  if (common?.problem && coverage.rows.every((row) => row.problem === common.problem)) {
    const text = `all ${coverage.rows.length} rows: ${common.problem}`;
    return {
      title: 'Coverage',
      lines: wrapText(`? unknown, ${text}`, width).map((part): Line => [span(part, 'warn')]),
    };
  }
  const years = coverageYears(coverage.rows);
  const cells = years ? yearCells(years, Math.max(FEW_YEARS, width - BESIDE)) : 0;
  const columns: Column<CoverageRow>[] = [
    { title: 'table', max: 24, cell: (row) => [row.name] },
    { title: 'rows', align: 'right', drop: 2, cell: (row) => [`${formatCount(row.rows)}${dense ? ' rows' : ''}`] },
    { title: 'first', drop: 4, cell: (row) => [row.first ?? UNKNOWN] },
    { title: 'last', drop: 3, cell: (row) => [row.last ?? UNKNOWN] },
    { title: 'share', align: 'right', cell: (row) => [span(formatShare(row.share), shareTone(row.share))] },
    ...(years
      ? [
          {
            title: yearTicks(years, cells),
            drop: 1,
            cell: (row: CoverageRow) => heatLine(row, years, cells, drawing),
          },
        ]
      : []),
  ];
  const table = layTable(columns, coverage.rows, width, drawing);
  const lines = coverage.rows.map(
    (row, i): Line => (row.problem ? unknownRow([`${row.name}  `], row.problem, width) : table.rows[i]),
  );
  return {
    title: 'Coverage',
    note: [span(`share of expected, by year · read ${formatAgo(state.snapshot.at - coverage.at)}`, 'muted')],
    header: dense || coverage.rows.length === 0 ? undefined : table.header,
    narrowed: dense && table.left.length > 0,
    lines: lines.length > 0 ? lines : [[span('No table has been counted.', 'muted')]],
  };
}

function heatLine(row: CoverageRow, { first, last }: Years, cells: number, drawing: Drawing): Line {
  const line: Line[number][] = [];
  for (let year = first; year <= last; year++) {
    const share = row.byYear[year];
    line.push(span(yearMark(heatMark(share, drawing), cells), shareTone(share ?? null)));
  }
  return line;
}

/** Nothing is bad where something should be; complete is good; the rest is on its way. */
export function shareTone(share: number | null): Tone {
  if (share === null) return 'muted';
  if (share >= 0.99) return 'good';
  return share > 0 ? 'warn' : 'muted';
}
