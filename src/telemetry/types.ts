/** One sample of the machine. Whatever could not be read is null, with the reason beside it; nothing is invented. */
export interface MachineSample {
  readonly at: number;
  readonly cpu: {
    readonly cores: number;
    /** Share of all cores busy since the last sample (0…1). */
    readonly busy: number | null;
    readonly perCore: readonly number[];
    readonly load1: number | null;
  };
  readonly memory: {
    readonly totalBytes: number | null;
    readonly usedBytes: number | null;
    readonly swapUsedBytes: number | null;
  };
  /** The file system that holds the home. */
  readonly disk: { readonly path: string; readonly totalBytes: number | null; readonly freeBytes: number | null };
  readonly gpus: readonly GpuSample[];
  /** Why there is no GPU figure: `no nvidia-smi on this machine`; null when there is one. */
  readonly gpuProblem: string | null;
  /** Histories for sparklines, oldest first. */
  readonly history: {
    readonly cpu: readonly number[];
    readonly memory: readonly number[];
    readonly gpu: readonly number[];
  };
}

export interface GpuSample {
  readonly index: number;
  readonly name: string;
  readonly utilisation: number | null;
  readonly memoryUsedMiB: number | null;
  readonly memoryTotalMiB: number | null;
  readonly temperatureC: number | null;
  readonly powerW: number | null;
}
