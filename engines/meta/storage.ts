/** The Meta decision as a row of `engine_decisions`, and the runs on record that it has to be measured against. */
import type { Database } from '../../src/platform/db/databases.ts';
import type { MetaEvidence, RecordedTrials } from './evidence.model.ts';
import type { MetaDecision } from './model.ts';

export interface MetaRecord {
  readonly decisionId: string;
  readonly strategyId: string;
  readonly marketId: string;
  /** First and last trading day of the campaign, `YYYY-MM-DD`: the decision is dated the day its figures are known. */
  readonly start: string;
  readonly asOf: string;
  readonly decision: MetaDecision;
  readonly evidence: MetaEvidence;
}

/** One try however often it was recorded: equal trades, else (runs of other systems) equal figures. */
export const TRIAL = `coalesce(metrics_json->>'trade_list_hash', md5(metrics_json::text))`;

/** A ratio over fewer days spreads more: only runs that share this much of all their days tell what luck does over these. */
const COMPARABLE = 0.9;

/**
 * Complete runs in a market that were tried on days of the given runs, whatever their strategy is called: whoever picks the best of what was
 * tried on these days has picked among all of them.
 * @param runIds runs over the days in question, already recorded; of runs over different days, those that all have.
 */
export async function recordedTrials(
  runtime: Database,
  { marketId, runIds }: { readonly marketId: string; readonly runIds: readonly string[] },
): Promise<RecordedTrials> {
  const { rows } = await runtime.client((client) =>
    client.query<{ trial: string; sharpe: number | null }>(
      `WITH own AS (SELECT max(start_date)::date AS first, min(end_date)::date AS last FROM backtest_runs WHERE run_id = ANY ($2::text[])),
            tried AS (
              SELECT ${TRIAL} AS trial, (metrics_json->>'annualised_sharpe')::float8 AS sharpe,
                     least(end_date::date, own.last) - greatest(start_date::date, own.first) + 1 AS shared,
                     greatest(end_date::date, own.last) - least(start_date::date, own.first) + 1 AS days
                FROM backtest_runs, own
               WHERE coalesce(config_json->>'market_id', $1) = $1
                 AND jsonb_typeof(metrics_json->'cumulative_return') = 'number')
       SELECT trial, max(sharpe) FILTER (WHERE shared >= $3::float8 * days) AS sharpe
         FROM tried WHERE shared > 0 GROUP BY 1 ORDER BY 1`,
      [marketId, runIds, COMPARABLE],
    ),
  );
  return {
    distinct: rows.length,
    sharpes: rows.flatMap(({ sharpe }) => (sharpe === null ? [] : [sharpe])),
  };
}

/** Records the decision with its evidence; returns it under the names that the row has for its parts. */
export async function writeMetaDecision(runtime: Database, record: MetaRecord) {
  const { decision, evidence } = record;
  const brief = (list: MetaDecision['ranking']) =>
    list.map(({ runId, sleeveId, sharpe }) => ({ run_id: runId, sleeve_id: sleeveId, annualised_sharpe: sharpe }));
  const outputs = { selected: brief(decision.selected), ranking: brief(decision.ranking) };
  const metadata = {
    identical_sleeves: decision.identical,
    distinct_trials: decision.trials,
    tie_break: 'sleeve_id',
    evidence: evidenceJson(evidence),
  };
  await runtime.client((client) =>
    client.query(
      `INSERT INTO engine_decisions (decision_id, engine_name, run_id, strategy_id, market_id, as_of_date, config_id, input_refs, output_refs, metadata)
       VALUES ($1, 'META', NULL, $2, $3, $4, $5, $6, $7, $8)`,
      [
        record.decisionId,
        record.strategyId,
        record.marketId,
        record.asOf,
        `sharpe top ${decision.selected.length}`,
        { start_date: record.start, run_ids: decision.ranking.map((c) => c.runId) },
        outputs,
        metadata,
      ],
    ),
  );
  return { decision_id: record.decisionId, as_of_date: record.asOf, ...outputs, ...metadata };
}

/** The evidence under the names that rows and JSON have for it. */
export function evidenceJson(evidence: MetaEvidence): Record<string, unknown> {
  const { bootstrap } = evidence;
  return {
    ranking_by_deflated_sharpe: evidence.sleeves.map((one) => ({
      run_id: one.runId,
      sleeve_id: one.sleeveId,
      annualised_sharpe: one.sharpe,
      sharpe_interval: [one.interval.low, one.interval.high],
      deflated_sharpe: one.deflatedSharpe,
      probabilistic_sharpe: one.probabilisticSharpe,
    })),
    comparisons: evidence.comparisons.map((one) => ({
      best: one.best,
      other: one.other,
      sharpe_difference: one.difference,
      interval: [one.interval.low, one.interval.high],
      noise: one.noise,
    })),
    recorded_trials: evidence.trials,
    expected_maximum_sharpe: evidence.expectedMaximumSharpe,
    sharpe_spread: evidence.sharpeSpread,
    num_returns: evidence.days,
    bootstrap: { draws: bootstrap.draws, coverage: bootstrap.coverage, mean_block_days: bootstrap.meanBlock },
    conclusion: evidence.conclusion,
  };
}
