/** The machine as the console shows it: host and GPUs together, with short histories for sparklines. */
import type { GpuMonitor, GpuReading } from './gpu.ts';
import type { HostSampler } from './host.ts';
import { Ring } from './ring.ts';
import type { MachineSample } from './types.ts';

/** Points kept of each history: four minutes at one a second. */
const POINTS = 240;

/** Takes samples; what was known before stays in the histories until a figure becomes unknown. */
export class MachineSampler {
  readonly #host: HostSampler;
  readonly #gpu: Pick<GpuMonitor, 'latest'>;
  readonly #now: () => number;
  readonly #history = {
    cpu: new Ring<number>(POINTS),
    memory: new Ring<number>(POINTS),
    gpu: new Ring<number>(POINTS),
  };
  /** What the last sample could not read of the host, and why. */
  problems: readonly string[] = [];

  constructor(host: HostSampler, gpu: Pick<GpuMonitor, 'latest'>, now: () => number) {
    this.#host = host;
    this.#gpu = gpu;
    this.#now = now;
  }

  async sample(): Promise<MachineSample> {
    const { problems, ...host } = await this.#host.read();
    this.problems = problems;
    const gpu = this.#gpu.latest();
    const { totalBytes, usedBytes } = host.memory;
    note(this.#history.cpu, host.cpu.busy);
    note(this.#history.memory, totalBytes && usedBytes !== null ? usedBytes / totalBytes : null);
    note(this.#history.gpu, meanUtilisation(gpu));
    return {
      at: this.#now(),
      ...host,
      gpus: gpu.gpus,
      gpuProblem: gpu.problem,
      history: {
        cpu: this.#history.cpu.toArray(),
        memory: this.#history.memory.toArray(),
        gpu: this.#history.gpu.toArray(),
      },
    };
  }
}

/** A history is an unbroken stretch up to now: it begins anew after a figure was unknown, so no gap is drawn over. */
function note(history: Ring<number>, value: number | null): void {
  if (value === null) history.clear();
  else history.push(value);
}

function meanUtilisation({ gpus }: GpuReading): number | null {
  const known = gpus.map((gpu) => gpu.utilisation).filter((value) => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}
