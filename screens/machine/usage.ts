/** What each running job uses, over all of its processes, and PostgreSQL beside them. */
import type { ConsoleState } from '../../src/console/store.ts';
import { span } from '../../src/format/lines.ts';
import { formatBytes, formatCount, formatFixed } from '../../src/format/numbers.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { ProcessUsage } from '../../src/telemetry/types.ts';
import { sampleAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { type Drawing, unknown } from '../components/signs.ts';

interface Row {
  readonly name: string;
  readonly usage: ProcessUsage;
  readonly gpuMemoryMiB: number | null;
}

/** A row a job; `postgres` is the last one. */
export function usagePane(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const { machine } = state.snapshot;
  const title = 'Used by';
  if (!machine) return { title, lines: [unknown('no sample yet')] };
  const rows: Row[] = (machine.jobs ?? []).map((job) => ({ name: job.id, usage: job, gpuMemoryMiB: job.gpuMemoryMiB }));
  if (machine.postgresUsage) rows.push({ name: 'postgres', usage: machine.postgresUsage, gpuMemoryMiB: null });
  if (rows.length === 0 && machine.jobs === undefined) return { title, lines: [unknown('jobs were not looked at')] };
  if (rows.length === 0)
    return { title, lines: [[span('No job runs, and no PostgreSQL process of this machine is seen.', 'muted')]] };
  const rate = (bytes: number | null) => `${formatBytes(bytes === null ? null : Math.round(bytes))}/s`;
  const figure = (name: string, of: (row: Row) => string, drop?: number): Column<Row> => ({
    title: name,
    align: 'right',
    drop,
    cell: (row) => [of(row)],
  });
  const columns: Column<Row>[] = [
    { title: 'job', grow: true, max: 44, cell: (row) => [span(row.name, 'strong')] },
    figure('cores', (row) => formatFixed(row.usage.cpuCores, 2)),
    figure('memory', (row) => formatBytes(row.usage.memoryBytes)),
    figure('GPU MiB', (row) => formatCount(row.gpuMemoryMiB), 3),
    figure('reads', (row) => rate(row.usage.readBytesPerSecond), 2),
    figure('writes', (row) => rate(row.usage.writeBytesPerSecond), 1),
    figure('processes', (row) => formatCount(row.usage.processes), 4),
    figure('threads', (row) => formatCount(row.usage.threads), 5),
  ];
  const table = layTable(columns, rows, width, drawing);
  return { title, note: sampleAge(state), header: table.header, lines: table.rows };
}
