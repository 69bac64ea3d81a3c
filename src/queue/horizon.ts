/** What backfills over many years would take, from counts and measured rates; and how far a plan was off. Pure. */

import { clockSeconds, type Scaling } from './scaling.ts';
import type { BackfillKind } from './shard-marks.ts';

/** What an engine is asked to count: its own models over a span. */
export interface HorizonRequest {
  readonly market: string;
  /** `YYYY-MM-DD` */
  readonly start: string;
  readonly end: string;
  readonly models: readonly string[];
}

/** Rows of one model that are due and not there yet, by year. */
export interface ModelRows {
  readonly modelId: string;
  readonly byYear: ReadonlyMap<number, number>;
  /** Rows due that stand already. */
  readonly standing: number;
}

/** What one kind of backfill has to do, as its engine counts it. */
export interface KindRows {
  readonly kind: BackfillKind;
  /** Where its rows go: a table of the historical database. */
  readonly table: string;
  readonly models: readonly ModelRows[];
  /** What is not there to count by, in sentences. */
  readonly lacks: readonly string[];
  /** Words of the commands that do all of it over a span of days (`YYYY-MM-DD`), in their order. */
  readonly commands: (span: { readonly start: string; readonly end: string }) => readonly (readonly string[])[];
}

/** The same with what was measured of it. */
interface MeasuredKind extends Pick<KindRows, 'kind' | 'table' | 'models'> {
  /** Bytes on disk of a row, indexes included; null: not measured. */
  readonly bytesPerRow: number | null;
  /** What workers cost each other; null: not measured. */
  readonly scaling: Scaling | null;
}

export interface HorizonInput {
  /** In the order in which they are done. */
  readonly kinds: readonly MeasuredKind[];
  /** Rows a second of one worker, by model; a model without was not measured. */
  readonly rowsPerSecond: ReadonlyMap<string, number>;
  readonly workers: readonly number[];
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

/** A year of the plan: a backfill of each kind, which resumes by itself. */
export interface HorizonStep {
  readonly start: string;
  readonly end: string;
  readonly rows: number;
  readonly workerSeconds: number | null;
  readonly bytes: number | null;
}

export interface PlannedKind extends Pick<MeasuredKind, 'kind' | 'table' | 'bytesPerRow' | 'scaling'> {
  readonly rows: number;
  readonly workerSeconds: number | null;
  readonly bytes: number | null;
}

interface PlannedModel {
  readonly modelId: string;
  readonly kind: BackfillKind;
  readonly rows: number;
  readonly standing: number;
  readonly rowsPerSecond: number | null;
  readonly workerSeconds: number | null;
}

export interface HorizonPlan {
  readonly rows: number;
  /** Seconds of one worker; null as soon as one model was never measured. */
  readonly workerSeconds: number | null;
  readonly bytes: number | null;
  readonly kinds: readonly PlannedKind[];
  readonly models: readonly PlannedModel[];
  /** One kind after another, each by its measured scaling; where none was measured, as if workers cost each other nothing. */
  readonly hours: readonly { readonly workers: number; readonly hours: number | null }[];
  readonly disk: {
    readonly needBytes: number | null;
    readonly walBytes: number | null;
    readonly freeBytes: number | null;
    readonly enough: boolean | null;
  };
  readonly steps: readonly HorizonStep[];
}

/** The plan. What has no rows needs no rate and no size; anything else that was not measured makes its sums null. */
export function planHorizon(input: HorizonInput): HorizonPlan {
  const { rowsPerSecond, workers, freeBytes, walBytes } = input;
  const secondsOf = (modelId: string, rows: number): number | null => {
    const rate = rowsPerSecond.get(modelId);
    return rows === 0 ? 0 : rate === undefined ? null : rows / rate;
  };
  /** Of rows by model, kind by kind. */
  const needs = (rowsOf: (model: ModelRows) => number) =>
    input.kinds.map(({ kind, table, models, bytesPerRow, scaling }): PlannedKind => {
      const counts = models.map((one) => ({ modelId: one.modelId, rows: rowsOf(one) }));
      const rows = sum(counts.map((one) => one.rows));
      return {
        ...{ kind, table, bytesPerRow, scaling, rows },
        workerSeconds: sumKnown(counts.map((one) => secondsOf(one.modelId, one.rows))),
        bytes: rows === 0 ? 0 : bytesPerRow === null ? null : Math.round(rows * bytesPerRow),
      };
    });
  const years = input.kinds.flatMap(({ models }) => models.flatMap(({ byYear }) => [...byYear.keys()]));
  const steps = [...new Set(years)]
    .sort((a, b) => (input.order === 'newest' ? b - a : a - b))
    .map(
      (year): HorizonStep => ({
        start: later(`${year}-01-01`, input.start),
        end: earlier(`${year}-12-31`, input.end),
        ...total(needs(({ byYear }) => byYear.get(year) ?? 0)),
      }),
    );
  const models = input.kinds.flatMap(({ kind, models }) =>
    models.map((one): PlannedModel => {
      const { modelId, standing } = one;
      const rows = rowsInAll(one);
      const rate = rowsPerSecond.get(modelId) ?? null;
      return { modelId, kind, rows, standing, rowsPerSecond: rate, workerSeconds: secondsOf(modelId, rows) };
    }),
  );
  const kinds = needs(rowsInAll);
  const { rows, workerSeconds, bytes } = total(kinds);
  const needBytes = bytes === null || walBytes === null ? null : input.headroom * bytes + walBytes;
  return {
    rows,
    workerSeconds,
    bytes,
    kinds,
    models,
    hours: workers.map((count) => {
      const seconds = sumKnown(kinds.map((one) => clockOf(one, count)));
      return { workers: count, hours: seconds === null ? null : seconds / 3600 };
    }),
    disk: {
      needBytes,
      walBytes,
      freeBytes,
      enough: needBytes === null || freeBytes === null ? null : freeBytes >= needBytes,
    },
    steps,
  };
}

const clockOf = ({ workerSeconds, scaling }: PlannedKind, workers: number): number | null =>
  workerSeconds === null ? null : clockSeconds(workerSeconds, workers, scaling);

const total = (kinds: readonly PlannedKind[]) => ({
  rows: sum(kinds.map((one) => one.rows)),
  workerSeconds: sumKnown(kinds.map((one) => one.workerSeconds)),
  bytes: sumKnown(kinds.map((one) => one.bytes)),
});

/** What was really done of a model since its plan. */
export interface DoneRows {
  readonly modelId: string;
  readonly rows: number;
  /** Seconds of workers, added up. */
  readonly workerSeconds: number;
}

export interface HorizonError {
  readonly modelId: string;
  readonly kind: BackfillKind;
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
  return models.map(({ modelId, kind, rows: plannedRows, rowsPerSecond }) => {
    const { rows, workerSeconds } = done.find((one) => one.modelId === modelId) ?? { rows: 0, workerSeconds: 0 };
    const plannedSeconds = rowsPerSecond === null ? null : rows / rowsPerSecond;
    return {
      ...{ modelId, kind, plannedRows, rows, plannedSeconds, workerSeconds },
      error: errorOf(plannedSeconds, workerSeconds),
    };
  });
}

/** The clock of one kind of backfill since its plan. */
export interface ClockError {
  readonly kind: BackfillKind;
  /** Time in which any worker was at its shards; null: none was. */
  readonly seconds: number | null;
  /** Workers at once on average. */
  readonly workers: number | null;
  /** Seconds that the plan gives to so many workers for the rows that were written. */
  readonly planned: number | null;
  readonly error: number | null;
}

/** How far the plan's clock was off for one kind. `seconds`: the time in which any of its shards was worked on. */
export function clockError(
  { kind, scaling }: Pick<PlannedKind, 'kind' | 'scaling'>,
  models: readonly HorizonError[],
  seconds: number | null,
): ClockError {
  const own = models.filter((one) => one.kind === kind);
  const plannedSeconds = sumKnown(own.map((one) => (one.rows === 0 ? 0 : one.plannedSeconds)));
  const workers = seconds ? sum(own.map((one) => one.workerSeconds)) / seconds : null;
  const planned = plannedSeconds === null || workers === null ? null : clockSeconds(plannedSeconds, workers, scaling);
  return { kind, seconds, workers, planned, error: errorOf(planned, seconds) };
}

/** Planned over real, minus 1; null where either is unknown. */
export const errorOf = (planned: number | null, real: number | null): number | null =>
  planned === null || !real ? null : planned / real - 1;

const rowsInAll = ({ byYear }: ModelRows): number => sum([...byYear.values()]);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const later = (a: string, b: string): string => (a > b ? a : b);
const earlier = (a: string, b: string): string => (a < b ? a : b);

/** The sum; null when one of them is unknown. */
export const sumKnown = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((total, value) => (total === null || value === null ? null : total + value), 0);
