/**
 * What passes between the supervisor and its clients. Types here, one zod schema for the wire when the daemon comes:
 * a console talks to `Supervisor` and cannot tell whether it lives in this process or behind a socket.
 */

import type { Board } from '../phases/types.ts';
import type { StampedEvent } from '../platform/events.ts';
import type { MachineSample } from '../telemetry/types.ts';

/** States of jobs: exit 0 with its evidence DONE, 3 PART, anything else FAIL; stopped by hand STOP; no exit record LOST. */
export type JobState = 'QUEUE' | 'RUN' | 'DONE' | 'PART' | 'FAIL' | 'STOP' | 'LOST';

/** A job as its folder tells it. */
export interface JobView {
  /** Short sortable id, also the folder's name: `0007-backtest-campaign`. */
  readonly id: string;
  readonly program: string;
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  readonly state: JobState;
  /** Why the state is what it is, for anything but RUN and DONE. */
  readonly reason: string;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  readonly pid: number | null;
  /** Latest of the event stream. */
  readonly stage: string | null;
  readonly progress: { readonly done: number; readonly total: number | null; readonly unit: string } | null;
  readonly summary: string | null;
  /** Git commit or build of the code it runs. */
  readonly build: string | null;
}

/** A named series of a job: the last points, oldest first. */
export interface MetricSeries {
  readonly name: string;
  readonly series: string;
  readonly unit: string;
  readonly last: number;
  readonly points: readonly number[];
}

/** What a job said, as far as it was asked for. */
export interface JobDetail {
  readonly id: string;
  /** Last lines of stdout and stderr in the order they were read; control characters removed. */
  readonly log: readonly { readonly stream: 'out' | 'err'; readonly text: string }[];
  readonly events: readonly StampedEvent[];
  readonly metrics: readonly MetricSeries[];
}

/** The latest backtest run of each sleeve, for the console's glance. */
export interface RunSummary {
  readonly runId: string;
  readonly sleeveId: string;
  readonly start: string;
  readonly end: string;
  readonly createdAt: number;
  readonly cumulativeReturn: number | null;
  readonly sharpe: number | null;
  readonly maxDrawdown: number | null;
  readonly trades: number | null;
  readonly equity: readonly number[];
  /** `same-close, no costs: not tradable`, or empty. */
  readonly caveat: string;
}

export interface Snapshot {
  /** Grows with every change. */
  readonly sequence: number;
  readonly at: number;
  readonly demo: boolean;
  readonly home: string;
  readonly databases: Readonly<
    Record<
      'historical' | 'runtime',
      { readonly label: string; readonly up: boolean | null; readonly problem: string | null }
    >
  >;
  /** null until the first evaluation has finished. */
  readonly board: Board | null;
  readonly boardProblem: string | null;
  /** True while evidence is being read again. */
  readonly checking: boolean;
  readonly machine: MachineSample | null;
  /** Newest first. */
  readonly jobs: readonly JobView[];
  readonly runs: readonly RunSummary[];
  /** The watched job's output, when one is watched. */
  readonly detail: JobDetail | null;
}

export interface LaunchRequest {
  readonly program: string;
  readonly args: readonly string[];
  /** Two requests with the same key make one job. */
  readonly idempotencyKey: string;
}

export interface Supervisor {
  snapshot(): Snapshot;
  /** Calls back after every change; returns the function that ends it. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void;
  launch(request: LaunchRequest): Promise<JobView>;
  /** The same program, arguments and folder again. */
  rerun(jobId: string, idempotencyKey: string): Promise<JobView>;
  /** TERM to the job's process group. */
  stop(jobId: string): Promise<JobView>;
  /** Follows one job's log and metrics (null: none). */
  watch(jobId: string | null): void;
  /** Reads all evidence again now. */
  recheck(): Promise<void>;
  close(): Promise<void>;
}
