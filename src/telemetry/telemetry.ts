/** All telemetry of one process: opened once, sampled again and again, closed at the end. */
import type { Targets } from '../platform/db/targets.ts';
import { errorCode, errorMessage } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import type { DiskPath } from './disks.ts';
import { GpuMonitor, type GpuMonitorOptions } from './gpu.ts';
import { GpuProcessMonitor } from './gpu-processes.ts';
import type { TelemetryHistory } from './history.ts';
import { historyFile, loadHistory, saveHistory } from './history-file.ts';
import { HostSampler } from './host.ts';
import { type MachineParts, MachineSampler } from './machine.ts';
import { PostgresSampler, type PostgresSamplerOptions } from './postgres.ts';
import type { MachineSample } from './types.ts';

export interface TelemetryOptions {
  readonly home: Home;
  readonly now: () => number;
  readonly gpu?: GpuMonitorOptions;
  /** Folders on other disks than the home: data directories. */
  readonly moreDisks?: readonly DiskPath[];
  /** The databases to look at; null for none. */
  readonly targets: Targets | null;
  readonly postgres?: PostgresSamplerOptions;
  /** The running jobs with their processes; absent for none. */
  readonly jobs?: MachineParts['jobs'];
  /** Whether histories are kept in the home, across restarts. */
  readonly keepsHistory: boolean;
}

const SAVE_EVERY_MS = 30_000;

export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #gpu: GpuMonitor;
  readonly #gpuProcesses: GpuProcessMonitor;
  readonly #postgres: readonly PostgresSampler[];
  readonly #history: TelemetryHistory | null;
  readonly #machine: MachineSampler;
  #savedAt: number;
  #saveProblem: string | null = null;

  constructor(options: TelemetryOptions) {
    const { home, now, gpu, moreDisks = [], targets, postgres, jobs } = options;
    this.#options = options;
    this.#savedAt = now();
    this.#gpu = new GpuMonitor(gpu);
    this.#gpuProcesses = new GpuProcessMonitor(gpu);
    this.#postgres = targets
      ? [targets.historical, targets.runtime].map((target) => new PostgresSampler(target, postgres))
      : [];
    this.#history = options.keepsHistory ? loadHistory(historyFile(home.cache), now()) : null;
    this.#machine = new MachineSampler(new HostSampler({ diskPath: home.root, moreDisks }), this.#gpu, now, {
      gpuProcesses: this.#gpuProcesses,
      ...(targets ? { postgres: this.#postgres } : {}),
      ...(jobs ? { jobs } : {}),
      ...(this.#history ? { history: this.#history } : {}),
    });
  }

  async sample(): Promise<MachineSample> {
    const sample = await this.#machine.sample();
    if (this.#options.now() - this.#savedAt >= SAVE_EVERY_MS) this.#save();
    return sample;
  }

  /** What the last sample could not read of the host, and why histories are not kept. */
  get problems(): readonly string[] {
    return [...this.#machine.problems, ...(this.#saveProblem ? [this.#saveProblem] : [])];
  }

  /** Resolves when the GPUs have given a first figure, or the reason why there is none. */
  gpuAnswered(): Promise<void> {
    return this.#gpu.answered();
  }

  async close(): Promise<void> {
    this.#gpu.close();
    this.#gpuProcesses.close();
    this.#save();
    await Promise.allSettled(this.#postgres.map((one) => one.close()));
  }

  #save(): void {
    if (!this.#history) return;
    this.#savedAt = this.#options.now();
    try {
      saveHistory(historyFile(this.#options.home.cache), this.#history);
      this.#saveProblem = null;
    } catch (error) {
      // A home that is not made yet has nothing to keep.
      this.#saveProblem = errorCode(error) === 'ENOENT' ? null : `histories are not kept: ${errorMessage(error)}`;
    }
  }
}
