/** The ledger of λ̂ trials, and the λ̂ rows that campaigns read, in the runtime database. */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import { copyInto } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { shortHash } from '../../src/platform/ids.ts';
import type { Provenance } from '../../src/platform/provenance.ts';

/** One model tried over one span: a row of the ledger. Spans are `YYYY-MM-DD`. */
export interface Trial {
  readonly experimentId: string;
  readonly program: 'lambda experiment' | 'lambda train';
  readonly model: string;
  readonly marketId: string | null;
  readonly horizonDays: number | null;
  readonly trainStart: string | null;
  readonly trainEnd: string | null;
  readonly testStart: string | null;
  readonly testEnd: string | null;
  /** Everything else that makes this trial another one: features, penalties, windows. */
  readonly parameters: Record<string, unknown>;
  readonly metrics: Record<string, unknown>;
  readonly dataFingerprint: string | null;
  readonly runId: string;
}

/** Trials with equal keys are one trial made again. The experiment's name is no part of it, its data is. */
const trialKey = (trial: Trial): string => {
  const { program, model, marketId, horizonDays, trainStart, trainEnd, testStart, testEnd, parameters } = trial;
  const span = [trainStart, trainEnd, testStart, testEnd];
  return shortHash(
    JSON.stringify([program, model, marketId, horizonDays, span, parameters, trial.dataFingerprint]),
    32,
  );
};

/** Appends trials inside the caller's transaction. Nothing is ever taken off the ledger. */
export async function appendTrials(
  client: pg.ClientBase,
  trials: readonly Trial[],
  provenance: Provenance,
): Promise<void> {
  for (const trial of trials) {
    await client.query(
      `INSERT INTO console.lambda_trials (trial_key, experiment_id, program, model, market_id, horizon_days, train_start,
         train_end, test_start, test_end, parameters, metrics, data_fingerprint, run_id, build, git_sha)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
      [
        trialKey(trial),
        trial.experimentId,
        trial.program,
        trial.model,
        trial.marketId,
        trial.horizonDays,
        trial.trainStart,
        trial.trainEnd,
        trial.testStart,
        trial.testEnd,
        trial.parameters,
        trial.metrics,
        trial.dataFingerprint,
        trial.runId,
        provenance.build,
        provenance.gitSha,
      ],
    );
  }
}

export interface TrialCount {
  /** Rows of the ledger. */
  readonly recorded: number;
  /** Distinct trials among them. */
  readonly distinct: number;
}

/** How many trials the ledger holds; read inside the caller's transaction, its own trials are counted. */
export async function countTrials(client: pg.ClientBase): Promise<TrialCount> {
  const { rows } = await client.query<TrialCount>(
    `SELECT count(*) AS recorded, count(DISTINCT trial_key) AS distinct FROM console.lambda_trials`,
  );
  return rows[0];
}

/** λ̂ rows of one experiment as columns of K rows. */
export interface Predictions {
  readonly experimentId: string;
  readonly runId: string;
  /** Day numbers. */
  readonly day: Int32Array;
  readonly cluster: readonly { readonly market: string; readonly sector: string; readonly softTargetClass: string }[];
  readonly lambdaHat: Float64Array;
  /** λ̂ in deviations from the mean of its day's clusters; null when the experiment has none. */
  readonly lambdaZ: Float64Array | null;
  /** What came of it; NaN while unknown. */
  readonly realised: Float64Array;
  /** Last day of training of each row (day number). */
  readonly trainEnd: Int32Array;
}

/** Replaces the rows of an experiment inside the caller's transaction; with `from` (a day number) only those since. */
export async function replacePredictions(
  client: pg.ClientBase,
  predictions: Predictions,
  from: number | null = null,
): Promise<number> {
  await client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [
    `prometheus lambda experiment ${predictions.experimentId}`,
  ]);
  await client.query(
    `DELETE FROM console.lambda_predictions WHERE experiment_id = $1 AND ($2::date IS NULL OR as_of_date >= $2)`,
    [predictions.experimentId, from === null ? null : formatDay(from)],
  );
  const columns = [
    'experiment_id',
    'as_of_date',
    'market_id',
    'sector',
    'soft_target_class',
    'lambda_hat',
    'lambda_z',
    'realised',
    'train_end',
    'run_id',
  ];
  return copyInto(client, 'console.lambda_predictions', columns, async (writer) => {
    for (let k = 0; k < predictions.day.length; k++) {
      const { market, sector, softTargetClass } = predictions.cluster[k];
      writer.row(10);
      writer.text(predictions.experimentId);
      writer.date(predictions.day[k]);
      writer.text(market);
      writer.text(sector);
      writer.text(softTargetClass);
      writer.float64(predictions.lambdaHat[k]);
      writer.float64(predictions.lambdaZ ? predictions.lambdaZ[k] : Number.NaN);
      writer.float64(predictions.realised[k]);
      writer.date(predictions.trainEnd[k]);
      writer.text(predictions.runId);
      if (k % 4096 === 0) await writer.flushed();
    }
  });
}

export interface Training {
  /** `--train-end` of the experiment, or the end of the last fit (`YYYY-MM-DD`). */
  readonly end: string;
  /** Last day whose λ training read: the original's pairs reach past the end of their span; null where nothing does. */
  readonly readsTo: string | null;
  /**
   * Last day that every λ̂ under the name has learnt from: the end of the latest single fit (`lambda experiment`), or of what
   * the vectors of a walk-forward training learnt from. Null where each λ̂ has an end of its own.
   */
  readonly ofEveryRow: string | null;
}

/**
 * How an experiment was trained; null when no ledger knows it. Of several trainings under its name the one that ended last:
 * nobody knows which of them a file comes from.
 */
export async function trainingOf(runtime: Database, experimentId: string): Promise<Training | null> {
  return runtime.client(async (client) => {
    const { rows: found } = await client.query<{ there: boolean }>(
      `SELECT to_regclass('console.lambda_trials') IS NOT NULL AS there`,
    );
    // A database that was adopted and never migrated has no ledger.
    if (!found[0].there) return null;
    const { rows } = await client.query<Training>(
      `SELECT train_end AS "end", parameters->>'last_training_day' AS "readsTo",
              max(CASE program WHEN 'lambda train' THEN parameters->>'learnt_from' ELSE train_end::text END) OVER () AS "ofEveryRow"
         FROM console.lambda_trials
        WHERE experiment_id = $1 AND train_end IS NOT NULL ORDER BY train_end DESC, trial_id DESC LIMIT 1`,
      [experimentId],
    );
    return rows[0] ?? null;
  });
}
