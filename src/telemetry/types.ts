/**
 * One sample of the machine. Whatever could not be read is null, with the reason beside it; nothing is invented. Rates
 * are over the time since the sample before, so that a first sample has none. Parts marked optional are there when the
 * sampler was made to look at them.
 */
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
  /** Mean number of runnable processes over 1, 5 and 15 minutes. */
  readonly load?: readonly number[] | null;
  readonly swap?: { readonly totalBytes: number | null; readonly usedBytes: number | null };
  /** Null where the kernel does not tell. */
  readonly pressure?: PressureSample | null;
  /** Every folder asked for, the home first. */
  readonly disks?: readonly DiskSample[];
  readonly network?: NetworkSample;
  /** Why nothing is known of the processes on the GPUs; null when it is. */
  readonly gpuProcessProblem?: string | null;
  /** Historical first, then runtime. */
  readonly postgres?: readonly PostgresSample[];
  /** What each running job uses, over all of its processes. */
  readonly jobs?: readonly JobUsage[];
  /** Why `jobs` may lack some: the reason in one line; null when it does not. */
  readonly jobsProblem?: string | null;
  /** What the PostgreSQL servers of this machine use; null when none of their processes can be seen. */
  readonly postgresUsage?: ProcessUsage | null;
  /** Histories for sparklines, oldest first. */
  readonly history: {
    /** Unbroken stretches up to now: they begin anew after a figure was unknown. */
    readonly cpu: readonly number[];
    readonly memory: readonly number[];
    readonly gpu: readonly number[];
    /** By name: `cpu`, `core.3`, `gpu.0.power`, `net.rx`, `disk.home.write`, `historical.rows`, `job.0007-….cpu`, …; with gaps. */
    readonly series?: Readonly<Record<string, HistorySeries>>;
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
  /** Who computes on it; absent when it is not known. */
  readonly processes?: readonly GpuProcess[];
}

export interface GpuProcess {
  readonly pid: number;
  readonly name: string;
  readonly memoryMiB: number | null;
}

/** Share of time (0…1, mean over 10 s) in which some, or all, processes waited for a resource (PSI). */
export interface PressureSample {
  readonly cpu: Pressure | null;
  readonly memory: Pressure | null;
  readonly io: Pressure | null;
}

export interface Pressure {
  readonly some: number;
  /** Not told for the CPU by older kernels. */
  readonly full: number | null;
}

export interface DiskSample {
  /** What it is for: `home`, `postgres`. */
  readonly name: string;
  readonly path: string;
  /** Kernel name of the block device, `nvme0n1p2`; null for network and memory file systems. */
  readonly device: string | null;
  readonly totalBytes: number | null;
  /** What this user may still write. */
  readonly freeBytes: number | null;
  /** Of the whole device, whoever reads and writes. */
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
  readonly problem: string | null;
}

export interface NetworkSample {
  /** Sum over the interfaces that reach a wire; virtual ones would count the same bytes twice. */
  readonly rxBytesPerSecond: number | null;
  readonly txBytesPerSecond: number | null;
  /** All but the loopback. */
  readonly interfaces: readonly InterfaceSample[];
  readonly problem: string | null;
}

interface InterfaceSample {
  readonly name: string;
  readonly virtual: boolean;
  readonly rxBytesPerSecond: number | null;
  readonly txBytesPerSecond: number | null;
}

/** One database, and of its server what concerns it. */
export interface PostgresSample {
  readonly name: string;
  readonly database: string;
  readonly up: boolean;
  /** Sessions of this database, of the whole server, and how many the server takes. */
  readonly connections: number | null;
  readonly serverConnections: number | null;
  readonly maxConnections: number | null;
  /** Sessions in a statement just now, without ours. */
  readonly active: number | null;
  readonly longestSeconds: number | null;
  /** Locks of this database that somebody waits for. */
  readonly waitingLocks: number | null;
  /** Rows inserted, updated and deleted; sessions report them at the end of their transaction, so they come in lumps. */
  readonly rowsPerSecond: number | null;
  /** Share of block reads since the last sample that were in the server's memory; null when there were none. */
  readonly cacheHitShare: number | null;
  /** Of the whole server. */
  readonly walBytesPerSecond: number | null;
  readonly sizeBytes: number | null;
  /** What is unknown, and why: one line each. */
  readonly problems: readonly string[];
}

/** What a set of processes uses together. */
export interface ProcessUsage {
  readonly processes: number;
  /** Cores kept busy, 1.5 for one and a half. */
  readonly cpuCores: number | null;
  /** Resident memory; pages that processes share count once. */
  readonly memoryBytes: number | null;
  /** From and to block devices; what the page cache answered does not count. */
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
  readonly threads: number | null;
  /** Open files. */
  readonly files: number | null;
}

export interface JobUsage extends ProcessUsage {
  readonly id: string;
  readonly pids: readonly number[];
  /** Null when the driver does not tell who uses what. */
  readonly gpuMemoryMiB: number | null;
}

/** A figure over time, oldest first, from when it was first known; null where it was unknown. */
export interface HistorySeries {
  /** A point a second, at most 240; the last is of now. */
  readonly fine: readonly (number | null)[];
  /** The mean of each 30 seconds that are over, at most 240. */
  readonly coarse: readonly (number | null)[];
}
