/** What `prometheus top` shows of a sample. */
import { formatBytes, formatCount, formatDuration, formatFixed, formatPercent, UNKNOWN } from '../format/numbers.ts';
import { sparkline } from '../format/spark.ts';
import type {
  DiskSample,
  GpuSample,
  JobUsage,
  MachineSample,
  PostgresSample,
  Pressure,
  ProcessUsage,
} from '../telemetry/types.ts';
import { cell, type Report } from './plain-text.ts';

/** Fills a report with the sample and what could not be read. */
export function topPage(report: Report, sample: MachineSample, problems: readonly string[]): void {
  const { cpu, memory, disk, disks = [], swap, load, pressure, network, gpus, gpuProblem } = sample;
  report.line(`CPU   ${formatPercent(cpu.busy, 0)} of ${cpu.cores} cores, load ${formatFixed(cpu.load1, 2)}`);
  report.text(
    'RAM   ',
    `${formatBytes(memory.usedBytes)} of ${formatBytes(memory.totalBytes)}, swap ${formatBytes(memory.swapUsedBytes)} of ${formatBytes(swap?.totalBytes)}`,
  );
  // Paths are kept whole, however long: they are there to be copied.
  report.line(`disk  ${formatBytes(disk.freeBytes)} free of ${formatBytes(disk.totalBytes)} at ${disk.path}`);
  for (const gpu of gpus) gpuLines(report, gpu, sample);
  if (gpuProblem) report.text('GPU   ', `– (${gpuProblem})`);
  if (cpu.perCore.length) {
    report.text('cores ', sparkline(cpu.perCore, cpu.perCore.length, { min: 0, max: 1, ascii: report.ascii }));
  }
  if (load) report.text('load  ', `${load.map((one) => one.toFixed(2)).join(' ')} over 1, 5, 15 minutes`);
  if (pressure) {
    const parts = Object.entries(pressure).filter(([, one]) => one);
    report.text('waits ', `${parts.map(([name, one]) => `${name} ${pressureWords(one)}`).join(', ')} of the last 10 s`);
  }
  for (const one of disks.slice(1)) {
    report.line(
      `disk  ${formatBytes(one.freeBytes)} free of ${formatBytes(one.totalBytes)} at ${one.path} (${one.name})`,
    );
  }
  for (const one of disks) if (one.device || one.problem) report.text('io    ', trafficWords(one));
  if (network) {
    const { interfaces, problem } = network;
    const words = interfaces
      .filter((one) => one.rxBytesPerSecond || one.txBytesPerSecond)
      .map((one) => `${one.name} ${perSecond(one.rxBytesPerSecond)} in ${perSecond(one.txBytesPerSecond)} out`);
    const sum = `${perSecond(network.rxBytesPerSecond)} in, ${perSecond(network.txBytesPerSecond)} out`;
    report.text('net   ', problem ? `– (${problem})` : `${sum}${words.length > 1 ? ` (${words.join(', ')})` : ''}`);
  }
  databaseTable(report, sample.postgres ?? []);
  usageTable(report, sample.jobs ?? [], sample.postgresUsage ?? null);
  if (sample.jobsProblem) report.text('jobs  ', `– (${sample.jobsProblem})`);
  for (const problem of problems) report.text('–     ', problem);
}

const perSecond = (bytes: number | null) => (bytes === null ? UNKNOWN : `${formatBytes(Math.round(bytes))}/s`);

const pressureWords = (one: Pressure) => formatPercent(one.some, 1);

function trafficWords({ name, device, readBytesPerSecond, writeBytesPerSecond, problem }: DiskSample): string {
  if (problem) return `${name} – (${problem})`;
  return `${name} (${device}) reads ${perSecond(readBytesPerSecond)}, writes ${perSecond(writeBytesPerSecond)}`;
}

function gpuLines(report: Report, gpu: GpuSample, { gpuProcessProblem, jobs = [] }: MachineSample): void {
  report.text(
    `GPU ${gpu.index} `,
    `${formatPercent(gpu.utilisation, 0)}, ${formatCount(gpu.memoryUsedMiB)} of ${formatCount(gpu.memoryTotalMiB)} MiB, ` +
      `${formatCount(gpu.temperatureC)} °C, ${formatCount(gpu.powerW)} W  ${gpu.name}`,
  );
  for (const process of gpu.processes ?? []) {
    const job = jobs.find((one) => one.pids.includes(process.pid));
    report.text('      ', `${formatCount(process.memoryMiB)} MiB  ${process.pid} ${job?.id ?? process.name}`);
  }
  if (gpuProcessProblem) report.text('      ', `processes – (${gpuProcessProblem})`);
}

/** A right-aligned column of one figure. */
const figure = <Row>(title: string, of: (row: Row) => string) => ({
  title,
  align: 'right' as const,
  cell: (row: Row) => cell(of(row)),
});

function databaseTable(report: Report, databases: readonly PostgresSample[]): void {
  if (databases.length === 0) return;
  report.line();
  report.table<PostgresSample>(
    [
      { title: 'DATABASE', cell: (one) => cell(one.name) },
      figure('SESSIONS', (one) => formatCount(one.connections)),
      figure('OF SERVER', (one) => `${formatCount(one.serverConnections)}/${formatCount(one.maxConnections)}`),
      figure('ACTIVE', (one) => formatCount(one.active)),
      figure('LONGEST', (one) => formatDuration(one.longestSeconds)),
      figure('LOCKED', (one) => formatCount(one.waitingLocks)),
      figure('ROWS/S', (one) => formatCount(one.rowsPerSecond)),
      figure('CACHE', (one) => formatPercent(one.cacheHitShare, 1)),
      figure('WAL', (one) => perSecond(one.walBytesPerSecond)),
      figure('SIZE', (one) => formatBytes(one.sizeBytes)),
    ],
    databases,
  );
  for (const one of databases) {
    for (const problem of one.problems) report.text(`– ${one.name}: `, problem);
  }
}

interface UsageRow {
  readonly name: string;
  readonly usage: ProcessUsage;
  readonly gpuMemoryMiB: number | null;
}

function usageTable(report: Report, jobs: readonly JobUsage[], postgres: ProcessUsage | null): void {
  const rows: UsageRow[] = jobs.map((job) => ({ name: job.id, usage: job, gpuMemoryMiB: job.gpuMemoryMiB }));
  if (postgres) rows.push({ name: 'postgres', usage: postgres, gpuMemoryMiB: null });
  if (rows.length === 0) return;
  report.line();
  report.table<UsageRow>(
    [
      { title: 'USED BY', cell: (row) => cell(row.name) },
      figure<UsageRow>('CORES', (row) => formatFixed(row.usage.cpuCores, 2)),
      figure('MEMORY', (row) => formatBytes(row.usage.memoryBytes)),
      figure('GPU MIB', (row) => formatCount(row.gpuMemoryMiB)),
      figure('READS', (row) => perSecond(row.usage.readBytesPerSecond)),
      figure('WRITES', (row) => perSecond(row.usage.writeBytesPerSecond)),
      { ...figure<UsageRow>('PROCESSES', (row) => formatCount(row.usage.processes)), drop: 3 },
      { ...figure<UsageRow>('THREADS', (row) => formatCount(row.usage.threads)), drop: 2 },
      { ...figure<UsageRow>('FILES', (row) => formatCount(row.usage.files)), drop: 1 },
    ],
    rows,
  );
}
