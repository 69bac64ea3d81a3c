/** What a backfill over many years would take, from counts and measured rates; and how far a plan was off. Pure. */

import { clockSeconds, type Scaling } from './scaling.model.ts';

/** Rows due of one model, by year. */
interface ModelRows {
  readonly modelId: string;
  readonly byYear: ReadonlyMap<number, number>;
}

export interface HorizonInput {
  readonly models: readonly ModelRows[];
  /** Rows a second of one worker, by model; a model without was not measured. */
  readonly rowsPerSecond: ReadonlyMap<string, number>;
  /** Bytes on disk of a row, index included; null: not measured. */
  readonly bytesPerRow: number | null;
  readonly workers: readonly number[];
  /** What workers cost each other; null: not measured. */
  readonly scaling: Scaling | null;
  readonly order: 'newest' | 'oldest';
  /** `YYYY-MM-DD` */
  readonly start: string;
  readonly end: string;
  /** What PostgreSQL lets its log grow to between checkpoints; null: it did not tell. */
  readonly walBytes: number | null;
  /** Null: the databases' disk is not this machine's to measure. */
  readonly freeBytes: number | null;
  /** Free space must be this many times the rows' own, as before any launch. */
  readonly headroom: number;
}

/** A year of the plan: one backfill, which resumes by itself. */
export interface HorizonStep {
  readonly start: string;
  readonly end: string;
  readonly rows: number;
  readonly workerSeconds: number | null;
  readonly bytes: number | null;
}

export interface HorizonPlan {
  readonly rows: number;
  /** Seconds of one worker; null as soon as one model was never measured. */
  readonly workerSeconds: number | null;
  readonly bytes: number | null;
  readonly models: readonly {
    readonly modelId: string;
    readonly rows: number;
    readonly rowsPerSecond: number | null;
    readonly workerSeconds: number | null;
  }[];
  /** Hours by the measured scaling; where none was measured, as if workers cost each other nothing. */
  readonly hours: readonly { readonly workers: number; readonly hours: number | null }[];
  readonly disk: {
    readonly needBytes: number | null;
    readonly walBytes: number | null;
    readonly freeBytes: number | null;
    readonly enough: boolean | null;
  };
  readonly steps: readonly HorizonStep[];
}

/** The plan. A model without rows needs no rate; anything else that was not measured makes its sums null. */
export function planHorizon(input: HorizonInput): HorizonPlan {
  const { models, rowsPerSecond, bytesPerRow, workers, freeBytes, walBytes } = input;
  const secondsOf = (modelId: string, rows: number): number | null => {
    const rate = rowsPerSecond.get(modelId);
    return rows === 0 ? 0 : rate === undefined ? null : rows / rate;
  };
  const bytesOf = (rows: number) => (bytesPerRow === null ? null : Math.round(rows * bytesPerRow));
  const years = [...new Set(models.flatMap(({ byYear }) => [...byYear.keys()]))].sort((a, b) =>
    input.order === 'newest' ? b - a : a - b,
  );
  const steps = years.map((year): HorizonStep => {
    const counts = models.map(({ modelId, byYear }) => ({ modelId, rows: byYear.get(year) ?? 0 }));
    const rows = sum(counts.map((one) => one.rows));
    return {
      start: later(`${year}-01-01`, input.start),
      end: earlier(`${year}-12-31`, input.end),
      rows,
      workerSeconds: sumKnown(counts.map((one) => secondsOf(one.modelId, one.rows))),
      bytes: bytesOf(rows),
    };
  });
  const told = models.map(({ modelId, byYear }) => {
    const rows = sum([...byYear.values()]);
    return {
      modelId,
      rows,
      rowsPerSecond: rowsPerSecond.get(modelId) ?? null,
      workerSeconds: secondsOf(modelId, rows),
    };
  });
  const rows = sum(told.map((one) => one.rows));
  const workerSeconds = sumKnown(told.map((one) => one.workerSeconds));
  const bytes = bytesOf(rows);
  const needBytes = bytes === null || walBytes === null ? null : input.headroom * bytes + walBytes;
  return {
    rows,
    workerSeconds,
    bytes,
    models: told,
    hours: workers.map((count) => ({
      workers: count,
      hours: workerSeconds === null ? null : clockSeconds(workerSeconds, count, input.scaling) / 3600,
    })),
    disk: {
      needBytes,
      walBytes,
      freeBytes,
      enough: needBytes === null || freeBytes === null ? null : freeBytes >= needBytes,
    },
    steps,
  };
}

/** What was really done of a model since its plan. */
export interface DoneRows {
  readonly modelId: string;
  readonly rows: number;
  /** Seconds of workers, added up. */
  readonly workerSeconds: number;
}

export interface HorizonError {
  readonly modelId: string;
  readonly plannedRows: number;
  readonly rows: number;
  /** Seconds of one worker that the plan gave to so many rows; null: its rate was not known then. */
  readonly plannedSeconds: number | null;
  readonly workerSeconds: number;
  /** Planned over real, minus 1: +0.1 means that the plan asked for a tenth too much. Null: unknown. */
  readonly error: number | null;
}

/** How far the plan's time was off, over the rows that were written since; one line a planned model. */
export function horizonErrors(models: HorizonPlan['models'], done: readonly DoneRows[]): HorizonError[] {
  return models.map(({ modelId, rows: plannedRows, rowsPerSecond }) => {
    const { rows, workerSeconds } = done.find((one) => one.modelId === modelId) ?? { rows: 0, workerSeconds: 0 };
    const plannedSeconds = rowsPerSecond === null ? null : rows / rowsPerSecond;
    const error = plannedSeconds === null || workerSeconds === 0 ? null : plannedSeconds / workerSeconds - 1;
    return { modelId, plannedRows, rows, plannedSeconds, workerSeconds, error };
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const later = (a: string, b: string): string => (a > b ? a : b);
const earlier = (a: string, b: string): string => (a < b ? a : b);

/** The sum; null when one of them is unknown. */
export const sumKnown = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((total, value) => (total === null || value === null ? null : total + value), 0);
