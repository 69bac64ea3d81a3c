/** `prometheus top`: one look at the machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { formatBytes, formatCount, formatFixed, formatPercent } from '../format/numbers.ts';
import { Exit } from '../platform/errors.ts';
import { GpuMonitor } from '../telemetry/gpu.ts';
import { HostSampler } from '../telemetry/host.ts';
import { MachineSampler } from '../telemetry/machine.ts';
import type { GpuSample, MachineSample } from '../telemetry/types.ts';
import { defineCommand } from './command.ts';
import { printJson } from './json.ts';

/** CPU shares are over a stretch of time: between two readings. */
const STRETCH_MS = 300;
/** A driver that has to be woken takes its time. */
const GPU_PATIENCE_MS = 3000;

export const top = defineCommand({
  name: 'top',
  summary: 'CPU, memory, disk and GPU of this machine, once',
  description: 'CPU shares are over 0.3 s. What cannot be read is shown as –, with the reason.',
  args: z.object({ json: z.boolean().default(false).describe('print JSON') }),
  run: async (args, cli) => {
    const gpu = new GpuMonitor({ env: cli.env });
    const sampler = new MachineSampler(new HostSampler({ diskPath: cli.home.root }), gpu, Date.now);
    try {
      await sampler.sample();
      await Promise.all([
        sleep(STRETCH_MS, undefined, { signal: cli.signal }),
        Promise.race([gpu.answered(), sleep(GPU_PATIENCE_MS, undefined, { ref: false })]),
      ]);
      const sample = await sampler.sample();
      const { problems } = sampler;
      // One sample has no history.
      const { history: _history, ...rest } = sample;
      if (args.json) printJson(cli, { ...rest, problems });
      else cli.out(page(sample, problems));
      return Exit.done;
    } finally {
      gpu.close();
    }
  },
});

function page({ cpu, memory, disk, gpus, gpuProblem }: MachineSample, problems: readonly string[]): string {
  const lines = [
    `CPU   ${formatPercent(cpu.busy, 0)} of ${cpu.cores} cores, load ${formatFixed(cpu.load1, 2)}`,
    `RAM   ${formatBytes(memory.usedBytes)} of ${formatBytes(memory.totalBytes)}, swap ${formatBytes(memory.swapUsedBytes)}`,
    `disk  ${formatBytes(disk.freeBytes)} free of ${formatBytes(disk.totalBytes)} at ${disk.path}`,
    ...gpus.map(gpuLine),
    ...(gpuProblem ? [`GPU   – (${gpuProblem})`] : []),
    ...problems.map((problem) => `–     ${problem}`),
  ];
  return `${lines.join('\n')}\n`;
}

const gpuLine = (gpu: GpuSample) =>
  `GPU ${gpu.index} ${formatPercent(gpu.utilisation, 0)}, ${formatCount(gpu.memoryUsedMiB)} of ${formatCount(gpu.memoryTotalMiB)} MiB, ` +
  `${formatCount(gpu.temperatureC)} °C, ${formatCount(gpu.powerW)} W  ${gpu.name}`;
