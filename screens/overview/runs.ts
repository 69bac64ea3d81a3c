/** The latest backtest run of each sleeve. */
import { byName } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAge } from '../../src/format/age.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatCount, formatFixed, formatPercent, UNKNOWN } from '../../src/format/numbers.ts';
import { sparkline } from '../../src/format/spark.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import { wrapText } from '../../src/format/width.ts';
import type { RunSummary } from '../../src/supervisor/protocol.ts';
import type { PaneContent } from '../components/pane.tsx';
import { type Drawing, unknown } from '../components/signs.ts';

const MAX_SPARK = 60;

/**
 * Runs as a table; the caveat is said once when it is the same for all, else with each. `dense` has no column titles, so
 * each figure carries its name.
 */
export function runTable(state: ConsoleState, width: number, drawing: Drawing, dense: boolean): PaneContent {
  const { runs, at } = state.snapshot;
  if (runs.length === 0) return { title: 'Last backtests', lines: noRun(state, width) };
  const caveats = new Set(runs.map((run) => run.caveat));
  const shared = caveats.size === 1 ? [...caveats][0] : '';
  const named = (name: string, text: string): Line => (dense ? [span(`${name} `, 'muted'), text] : [text]);
  const columns: Column<RunSummary>[] = [
    { title: 'sleeve', max: 24, cell: (run) => [span(run.sleeveId, 'strong')] },
    { title: 'run', drop: 4, cell: (run) => [span(run.runId.slice(0, 8), 'muted')] },
    { title: 'window', drop: 3, cell: (run) => [`${run.start} → ${run.end}`] },
    {
      title: 'cum. return',
      align: 'right',
      cell: (run) => named('return', formatPercent(run.cumulativeReturn, 2, true)),
    },
    { title: 'Sharpe', align: 'right', cell: (run) => named('Sharpe', formatFixed(run.sharpe, 2)) },
    { title: 'max DD', align: 'right', cell: (run) => named('DD', formatPercent(run.maxDrawdown, 2)) },
    { title: 'trades', align: 'right', drop: 1, cell: (run) => named('trades', formatCount(run.trades)) },
    {
      title: 'equity',
      grow: true,
      max: MAX_SPARK,
      drop: 2,
      cell: (run, space) => [span(sparkline(run.equity, Math.min(space, MAX_SPARK), drawing), 'info')],
    },
    { title: 'age', align: 'right', drop: 5, cell: (run) => [span(formatAge(at - run.createdAt), 'muted')] },
    ...(shared === '' && caveats.size > 1
      ? [{ title: 'caveat', max: 50, cell: (run: RunSummary) => [span(run.caveat || UNKNOWN, 'warn')] }]
      : []),
  ];
  const rows = [...runs].sort((a, b) => byName(a.sleeveId, b.sleeveId));
  const table = layTable(columns, rows, width, drawing);
  const problem = staleness(state);
  return {
    title: 'Last backtests',
    note: problem !== null ? [span('~ STALE', 'warn')] : shared ? [span(shared, 'warn')] : [],
    header: dense ? undefined : table.header,
    narrowed: dense && table.left.length > 0,
    lines: [
      ...(problem === null
        ? []
        : wrapText(`as last read; ${problem}`, width).map((part): Line => [span(part, 'warn')])),
      ...table.rows,
    ],
  };
}

/** Why the runs may be others by now; null when they were read with everything else. */
function staleness({ bootProblem, snapshot: { boardProblem, databases } }: ConsoleState): string | null {
  if (bootProblem ?? boardProblem) return bootProblem ?? boardProblem;
  return databases.runtime.up === false ? (databases.runtime.problem ?? 'the runtime database is down') : null;
}

function noRun(state: ConsoleState, width: number): Line[] {
  if (state.snapshot.boardProblem || state.bootProblem)
    return [unknown(state.bootProblem ?? state.snapshot.boardProblem)];
  if (!state.snapshot.board) return [unknown('the runs have not been read yet')];
  return wrapText(
    'No backtest run is recorded yet. Phase 1’s campaign writes the first: select P1 and press n.',
    width,
  ).map((part): Line => [span(part, 'muted')]);
}
