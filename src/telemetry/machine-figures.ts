/** A sample as named figures, for histories; pure. */
import type { MachineSample } from './types.ts';

/** Shares are 0…1, rates a second, memory in bytes (of GPUs in MiB). */
export function figuresOf(
  sample: Omit<MachineSample, 'history'>,
  gpuBusy: number | null,
): Record<string, number | null> {
  const { cpu, memory, swap, load, pressure, disks, network, gpus, postgres, postgresUsage, jobs } = sample;
  const share = (part: number | null | undefined, whole: number | null | undefined) =>
    typeof part === 'number' && whole ? part / whole : null;
  const figures: Record<string, number | null> = {
    cpu: cpu.busy,
    memory: share(memory.usedBytes, memory.totalBytes),
    swap: share(swap?.usedBytes, swap?.totalBytes),
    load: load?.[0] ?? cpu.load1,
    gpu: gpuBusy,
    'net.rx': network?.rxBytesPerSecond ?? null,
    'net.tx': network?.txBytesPerSecond ?? null,
    'pressure.cpu': pressure?.cpu?.some ?? null,
    'pressure.memory': pressure?.memory?.some ?? null,
    'pressure.io': pressure?.io?.some ?? null,
    'postgres.cpu': postgresUsage?.cpuCores ?? null,
  };
  for (const [core, busy] of cpu.perCore.entries()) figures[`core.${core}`] = busy;
  for (const disk of disks ?? []) {
    figures[`disk.${disk.name}.free`] = disk.freeBytes;
    figures[`disk.${disk.name}.read`] = disk.readBytesPerSecond;
    figures[`disk.${disk.name}.write`] = disk.writeBytesPerSecond;
  }
  for (const gpu of gpus) {
    figures[`gpu.${gpu.index}.utilisation`] = gpu.utilisation;
    figures[`gpu.${gpu.index}.memory`] = gpu.memoryUsedMiB;
    figures[`gpu.${gpu.index}.temperature`] = gpu.temperatureC;
    figures[`gpu.${gpu.index}.power`] = gpu.powerW;
  }
  for (const one of postgres ?? []) {
    figures[`${one.name}.connections`] = one.connections;
    figures[`${one.name}.active`] = one.active;
    figures[`${one.name}.rows`] = one.rowsPerSecond;
    figures[`${one.name}.hits`] = one.cacheHitShare;
    figures[`${one.name}.wal`] = one.walBytesPerSecond;
  }
  for (const job of jobs ?? []) {
    figures[`job.${job.id}.cpu`] = job.cpuCores;
    figures[`job.${job.id}.memory`] = job.memoryBytes;
    figures[`job.${job.id}.gpu`] = job.gpuMemoryMiB;
    figures[`job.${job.id}.write`] = job.writeBytesPerSecond;
  }
  return figures;
}
