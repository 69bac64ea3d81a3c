/** The machine as the console shows it: host, GPUs, databases and jobs together, with histories for charts. */
import { errorMessage } from '../platform/errors.ts';
import type { GpuMonitor, GpuReading } from './gpu.ts';
import { type GpuProcessMonitor, gpuMemoryOf } from './gpu-processes.ts';
import type { TelemetryHistory } from './history.ts';
import type { HostSampler } from './host.ts';
import { figuresOf } from './machine-figures.ts';
import type { PostgresSampler } from './postgres.ts';
import { type ProcessGroup, ProcessSampler } from './processes.ts';
import { Ring } from './ring.ts';
import type { GpuSample, JobUsage, MachineSample, ProcessUsage } from './types.ts';

/** Points kept of each history: four minutes at one a second. */
const POINTS = 240;

/** What is looked at beside the host and its GPUs; what is left out is not in the samples. */
export interface MachineParts {
  readonly gpuProcesses?: Pick<GpuProcessMonitor, 'latest'>;
  readonly postgres?: readonly Pick<PostgresSampler, 'read' | 'pids'>[];
  /** The running jobs with all of their processes, as they are just now. */
  readonly jobs?: () => readonly ProcessGroup[] | Promise<readonly ProcessGroup[]>;
  readonly processes?: ProcessSampler;
  /** Every figure goes there too, and comes back as `history.series`. */
  readonly history?: TelemetryHistory;
}

/** Takes samples; what was known before stays in the histories until a figure becomes unknown. */
export class MachineSampler {
  readonly #host: HostSampler;
  readonly #gpu: Pick<GpuMonitor, 'latest'>;
  readonly #now: () => number;
  readonly #parts: MachineParts;
  readonly #processes: ProcessSampler;
  readonly #history = {
    cpu: new Ring<number>(POINTS),
    memory: new Ring<number>(POINTS),
    gpu: new Ring<number>(POINTS),
  };
  /** What the last sample could not read of the host, and why. */
  problems: readonly string[] = [];

  constructor(host: HostSampler, gpu: Pick<GpuMonitor, 'latest'>, now: () => number, parts: MachineParts = {}) {
    this.#host = host;
    this.#gpu = gpu;
    this.#now = now;
    this.#parts = parts;
    this.#processes = parts.processes ?? new ProcessSampler();
  }

  async sample(): Promise<MachineSample> {
    const { history } = this.#parts;
    const [{ problems, ...host }, postgres, jobs] = await Promise.all([
      this.#host.read(),
      this.#parts.postgres && Promise.all(this.#parts.postgres.map((one) => one.read())),
      this.#readJobs(),
    ]);
    this.problems = problems;
    const gpu = this.#readGpus();
    const { totalBytes, usedBytes } = host.memory;
    const gpuBusy = meanUtilisation(gpu);
    note(this.#history.cpu, host.cpu.busy);
    note(this.#history.memory, totalBytes && usedBytes !== null ? usedBytes / totalBytes : null);
    note(this.#history.gpu, gpuBusy);
    const sample = {
      at: this.#now(),
      ...host,
      gpus: gpu.gpus,
      gpuProblem: gpu.problem,
      ...(gpu.processProblem === undefined ? {} : { gpuProcessProblem: gpu.processProblem }),
      ...(postgres ? { postgres } : {}),
      ...this.#usages(jobs, gpu),
    };
    history?.record(sample.at, figuresOf(sample, gpuBusy));
    return {
      ...sample,
      history: {
        cpu: this.#history.cpu.toArray(),
        memory: this.#history.memory.toArray(),
        gpu: this.#history.gpu.toArray(),
        ...(history ? { series: history.series() } : {}),
      },
    };
  }

  #readGpus(): GpuReading & { readonly processProblem?: string | null } {
    const reading = this.#gpu.latest();
    const apps = this.#parts.gpuProcesses?.latest();
    if (!apps) return reading;
    if (apps.problem) return { ...reading, processProblem: apps.problem };
    const gpus = reading.gpus.map((gpu): GpuSample => ({ ...gpu, processes: apps.processes.get(gpu.index) ?? [] }));
    return { ...reading, gpus, processProblem: null };
  }

  async #readJobs(): Promise<{ readonly groups: readonly ProcessGroup[]; readonly problem: string | null }> {
    try {
      return { groups: (await this.#parts.jobs?.()) ?? [], problem: null };
    } catch (error) {
      return { groups: [], problem: errorMessage(error) };
    }
  }

  /** One sampling of all processes, for their rates are over the time between two. */
  #usages(
    { groups, problem }: { groups: readonly ProcessGroup[]; problem: string | null },
    gpu: GpuReading & { readonly processProblem?: string | null },
  ): Pick<MachineSample, 'jobs' | 'jobsProblem' | 'postgresUsage'> {
    const { jobs, postgres } = this.#parts;
    if (!jobs && !postgres) return {};
    const server = { id: 'postgres', pids: postgres?.flatMap((one) => one.pids) ?? [], command: 'postgres' };
    const usages = this.#processes.sample([...groups, server]);
    const serverUsage = usages.at(-1)!;
    return {
      ...(jobs ? { jobs: groups.map((group, i) => jobUsage(group, usages[i], gpu)), jobsProblem: problem } : {}),
      ...(postgres ? { postgresUsage: serverUsage.processes > 0 ? serverUsage : null } : {}),
    };
  }
}

function jobUsage(
  group: ProcessGroup,
  usage: ProcessUsage,
  gpu: GpuReading & { readonly processProblem?: string | null },
): JobUsage {
  const computing = gpu.gpus.flatMap((one) => one.processes ?? []);
  return {
    id: group.id,
    pids: group.pids,
    ...usage,
    gpuMemoryMiB: gpu.processProblem === null ? gpuMemoryOf(computing, group.pids) : null,
  };
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
