/** The figures of the selected job over time. */
import { selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import { selectedJob } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { span } from '../../src/format/lines.ts';
import { sparkline } from '../../src/format/spark.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { MetricSeries } from '../../src/supervisor/protocol.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing } from '../components/signs.ts';
import { metricValue } from '../overview/jobs.ts';

/** A row a series: last value, unit, and how it went. */
export function metricsPane(state: ConsoleState, width: number, drawing: Drawing, _chart: boolean): PaneContent {
  const job = selectedJob(state);
  const title = job ? `Figures of ${job.id}` : 'Figures';
  const rows = visibleRows(state, 'metrics');
  if (rows.length === 0) return { title, lines: [[span('It has told no figures.', 'muted')]] };
  const selected = selectedRow(state, 'metrics');
  const columns: Column<MetricSeries>[] = [
    {
      title: '  figure',
      max: 28,
      cell: (m) => [cursor(m === selected), span(m.name, m === selected ? 'strong' : 'plain')],
    },
    { title: 'of', max: 26, drop: 2, cell: (m) => [m.series] },
    { title: 'last', align: 'right', cell: (m) => [span(metricValue(m), 'strong')] },
    {
      title: 'over time',
      grow: true,
      drop: 1,
      cell: (m, cells) => [span(sparkline(m.points, cells, drawing), 'info')],
    },
  ];
  const table = layTable(columns, rows, width, drawing);
  return { title, header: table.header, lines: table.rows, selectedRow: selectedIndex(state, 'metrics') };
}
