/** Keeps the series of a running job: its metrics as its events tell them, and what its processes use. Run by its shim. */
import { readdirSync, readlinkSync } from 'node:fs';
import { GpuProcessMonitor, gpuMemoryOf } from '../telemetry/gpu-processes.ts';
import { ProcessSampler } from '../telemetry/processes.ts';
import { FolderSeries } from './job-series.ts';

const SAMPLE_MS = 1000;
const WRITE_MS = 2000;
/** Looks get rarer with the age of the job: finer ones than this part of it do not show in the points that are kept. */
const LOOKS_PER_AGE = 3600;
const WRITES_PER_AGE = 300;
const GPU_LOOK_MS = 10_000;

export interface RecorderOptions {
  readonly folder: string;
  /** The living processes of the job. */
  readonly pids: () => readonly number[];
  /** It will compute on the GPU: what it uses there is watched from the start, else once one of its processes opens it. */
  readonly gpu: boolean;
  readonly now: () => number;
  /** Hears why the file could not be written. */
  readonly failed?: (error: unknown) => void;
}

/** Call `look` now and then, and `close` when the job has ended. A full disk costs series, never the job. */
export class SeriesRecorder {
  readonly #options: RecorderOptions;
  readonly #series: FolderSeries;
  readonly #sampler = new ProcessSampler();
  readonly #startedAt: number;
  #gpu: GpuProcessMonitor | null = null;
  #sampleDue = 0;
  #writeDue = 0;
  #gpuLookDue = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#series = new FolderSeries(options.folder);
    this.#startedAt = options.now();
    if (options.gpu) this.#gpu = new GpuProcessMonitor();
  }

  look(): void {
    const now = this.#options.now();
    const age = now - this.#startedAt;
    this.#series.read();
    if (now >= this.#sampleDue) {
      this.#sampleDue = now + Math.max(SAMPLE_MS, age / LOOKS_PER_AGE);
      this.#sample(now);
    }
    if (now >= this.#writeDue) {
      this.#writeDue = now + Math.max(WRITE_MS, age / WRITES_PER_AGE);
      this.#write();
    }
  }

  /** The last events, and the file for good. */
  close(): void {
    this.#gpu?.close();
    this.#series.read();
    this.#write();
  }

  #sample(t: number): void {
    const pids = this.#options.pids();
    if (pids.length === 0) return;
    const [usage] = this.#sampler.sample([{ id: 'job', pids }]);
    const push = (name: string, value: number | null, unit: string) =>
      value !== null && this.#series.book.push(t, { source: 'process', name, value, unit });
    push('cpu', usage.cpuCores, 'cores');
    push('memory', usage.memoryBytes, 'bytes');
    push('read', usage.readBytesPerSecond, 'bytes/s');
    push('write', usage.writeBytesPerSecond, 'bytes/s');
    push('processes', usage.processes, '');
    push('gpu memory', this.#gpuMemory(t, pids), 'MiB');
  }

  #gpuMemory(t: number, pids: readonly number[]): number | null {
    if (!this.#gpu && t >= this.#gpuLookDue) {
      this.#gpuLookDue = t + GPU_LOOK_MS;
      if (pids.some(holdsGpu)) this.#gpu = new GpuProcessMonitor();
    }
    const reading = this.#gpu?.latest();
    if (!reading || reading.problem !== null) return null;
    return gpuMemoryOf([...reading.processes.values()].flat(), pids);
  }

  #write(): void {
    try {
      this.#series.write();
    } catch (error) {
      this.#options.failed?.(error);
      // The next one tries again; what the program told stays in its events.
    }
  }
}

/** Whether a process has an NVIDIA device open. */
function holdsGpu(pid: number): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`).startsWith('/dev/nvidia'));
  } catch {
    // It has just ended, or is not ours to look at.
    return false;
  }
}
