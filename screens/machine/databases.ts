/** Both PostgreSQL databases, and the disks. */
import type { ConsoleState } from '../../src/console/store.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatBytes, formatCount, formatDuration, formatPercent } from '../../src/format/numbers.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { DiskSample, PostgresSample } from '../../src/telemetry/types.ts';
import { sampleAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { type Drawing, unknown } from '../components/signs.ts';
import { historySpark } from './series.ts';

const perSecond = (bytes: number | null): string => `${formatBytes(bytes === null ? null : Math.round(bytes))}/s`;

const figure = <Row>(title: string, of: (row: Row) => string, drop?: number): Column<Row> => ({
  title,
  align: 'right',
  drop,
  cell: (row) => [of(row)],
});

/** A row a database, its server's figures beside its own; then what could not be read. */
export function databasePane(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const all = state.snapshot.machine?.postgres ?? [];
  if (all.length === 0) return { title: 'PostgreSQL', lines: [unknown('no sample yet')] };
  const columns: Column<PostgresSample>[] = [
    { title: 'database', cell: (one) => [span(one.name, 'strong')] },
    {
      title: 'state',
      cell: (one) => [
        one.up ? span(drawing.ascii ? '+ up' : '✓ up', 'good') : span(drawing.ascii ? 'x DOWN' : '✗ DOWN', 'bad'),
      ],
    },
    figure('sessions', (one) => formatCount(one.connections)),
    figure('of server', (one) => `${formatCount(one.serverConnections)}/${formatCount(one.maxConnections)}`, 4),
    figure('active', (one) => formatCount(one.active)),
    figure('longest', (one) => formatDuration(one.longestSeconds), 2),
    {
      title: 'locked',
      align: 'right',
      cell: (one) => [span(formatCount(one.waitingLocks), one.waitingLocks ? 'warn' : 'plain')],
    },
    figure('rows/s', (one) => formatCount(one.rowsPerSecond), 1),
    {
      title: '',
      grow: true,
      max: 40,
      drop: 6,
      cell: (one, cells) => [historySpark(state, `${one.name}.rows`, Math.min(40, cells), drawing)],
    },
    figure('cache', (one) => formatPercent(one.cacheHitShare, 1), 5),
    figure('WAL', (one) => perSecond(one.walBytesPerSecond), 3),
    figure('size', (one) => formatBytes(one.sizeBytes)),
  ];
  const table = layTable(columns, all, width, drawing);
  const problems = all.flatMap((one) =>
    one.problems.map((problem): Line => [span(`${one.name} `, 'muted'), ...unknown(problem)]),
  );
  return { title: 'PostgreSQL', note: sampleAge(state), header: table.header, lines: [...table.rows, ...problems] };
}

/** A row a folder that is written to. */
export function diskPane(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const { machine } = state.snapshot;
  if (!machine) return { title: 'Disks', lines: [unknown('no sample yet')] };
  const home: DiskSample = {
    name: 'home',
    device: null,
    readBytesPerSecond: null,
    writeBytesPerSecond: null,
    problem: null,
    ...machine.disk,
  };
  const columns: Column<DiskSample>[] = [
    { title: 'for', cell: (disk) => [span(disk.name, 'strong')] },
    figure('free', (disk) => formatBytes(disk.freeBytes)),
    figure('of', (disk) => formatBytes(disk.totalBytes), 1),
    figure('reads', (disk) => perSecond(disk.readBytesPerSecond), 2),
    figure('writes', (disk) => perSecond(disk.writeBytesPerSecond)),
    {
      title: 'folder',
      grow: true,
      min: 8,
      drop: 3,
      cell: (disk) => [span(disk.problem ?? disk.path, disk.problem ? 'warn' : 'muted')],
    },
  ];
  const table = layTable(columns, machine.disks ?? [home], width, drawing);
  return { title: 'Disks', note: sampleAge(state), header: table.header, lines: table.rows };
}
