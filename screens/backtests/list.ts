/** Runs on record. */
import { answerTo, RUNS } from '../../src/console/answers.ts';
import { orderName, rowCount, selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAge } from '../../src/format/age.ts';
import { caveatMarks } from '../../src/format/caveats.ts';
import { span } from '../../src/format/lines.ts';
import { formatCount, formatFixed, formatPercent } from '../../src/format/numbers.ts';
import { sparkline } from '../../src/format/spark.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { RunRow } from '../../src/report/types.ts';
import { readAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing, unknown } from '../components/signs.ts';
import { CURVE_TONES } from '../components/tones.ts';

const MAX_SPARK = 48;

/** A row a run; marked ones carry their mark in the tone of their curve. */
export function runList(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const { value, problem } = answerTo(state, 'runs', RUNS);
  const title = 'Backtest runs';
  if (value === null) return { title, lines: [problem ? unknown(problem) : [span('reading the runs …', 'muted')]] };
  const rows = visibleRows(state, 'backtests');
  if (rows.length === 0) {
    const text =
      rowCount(state, 'backtests') > 0
        ? 'No run matches the filter.'
        : 'No run yet: Phase 1 makes the first (2, then n).';
    return { title, lines: [[span(text, 'muted')]] };
  }
  const selected = selectedRow(state, 'backtests');
  const marked = state.marked.backtests ?? [];
  const { mixed, signOf, notes } = caveatMarks(rows.map((run) => run.caveat));
  const columns: Column<RunRow>[] = [
    {
      title: '    run',
      cell: (run) => {
        const mark = marked.indexOf(run.runId);
        return [
          cursor(run === selected),
          mark < 0 ? '  ' : span(drawing.ascii ? '* ' : '● ', CURVE_TONES[mark], { bold: true }),
          span(run.runId.slice(0, 8), run === selected ? 'strong' : 'muted'),
        ];
      },
    },
    { title: 'sleeve', min: 14, max: 26, cell: (run) => [span(run.sleeveId, run === selected ? 'strong' : 'plain')] },
    ...(mixed ? [{ title: '', cell: (run: RunRow) => [span(signOf(run.caveat) || ' ', 'warn')] }] : []),
    { title: 'backend', drop: 3, cell: (run) => [run.backend] },
    { title: 'window', drop: 4, cell: (run) => [`${run.start} → ${run.end}`] },
    {
      title: 'return',
      align: 'right',
      cell: (run) => [run.complete ? formatPercent(run.cumulativeReturn, 2, true) : span('no figures', 'bad')],
    },
    { title: 'Sharpe', align: 'right', cell: (run) => [formatFixed(run.sharpe, 2)] },
    { title: 'max DD', align: 'right', cell: (run) => [formatPercent(run.maxDrawdown, 2)] },
    { title: 'trades', align: 'right', drop: 2, cell: (run) => [formatCount(run.trades)] },
    {
      title: 'equity',
      grow: true,
      max: MAX_SPARK,
      drop: 5,
      cell: (run, cells) => [span(sparkline(run.spark, Math.min(cells, MAX_SPARK), drawing), 'info')],
    },
    {
      title: 'sha',
      drop: 6,
      cell: (run) => [
        span(run.provenance.gitSha?.slice(0, 7) ?? '?', 'muted'),
        span(run.provenance.gitDirty ? '+' : '', 'warn'),
      ],
    },
    { title: 'age', align: 'right', drop: 1, cell: (run) => [formatAge(state.snapshot.at - run.createdAt)] },
  ];
  const table = layTable(columns, rows, width, drawing);
  const order = orderName(state, 'backtests');
  return {
    title: order ? `${title} ${order}` : title,
    note: [
      span(notes.length > 0 ? `${notes.join('   ')}   ` : '', 'warn'),
      ...readAge(state, answerTo(state, 'runs', RUNS)),
    ],
    header: table.header,
    lines: table.rows,
    selectedRow: selectedIndex(state, 'backtests'),
  };
}
