/** The Meta decision as a row of `engine_decisions`. */
import type { Database } from '../../src/platform/db/databases.ts';
import type { MetaDecision } from './model.ts';

export interface MetaRecord {
  readonly decisionId: string;
  readonly strategyId: string;
  readonly marketId: string;
  /** The campaign's range, `YYYY-MM-DD`; the decision is dated its last day. */
  readonly start: string;
  readonly asOf: string;
  readonly decision: MetaDecision;
}

/** Records the decision; returns its id. */
export async function writeMetaDecision(runtime: Database, record: MetaRecord): Promise<string> {
  const { decision } = record;
  const brief = (list: MetaDecision['ranking']) =>
    list.map(({ runId, sleeveId, sharpe }) => ({ run_id: runId, sleeve_id: sleeveId, annualised_sharpe: sharpe }));
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
        { selected: brief(decision.selected), ranking: brief(decision.ranking) },
        { identical_sleeves: decision.identical, distinct_trials: decision.trials, tie_break: 'sleeve_id' },
      ],
    ),
  );
  return record.decisionId;
}
