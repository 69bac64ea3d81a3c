/**
 * What identifies a row of each table, and which columns say nothing about its content. Two databases whose digests of a
 * table agree hold the same rows, however often and in whatever order they were written (docs/data.md, "Digest").
 *
 * Left out everywhere: created_at and updated_at. Left out by table: surrogate ids (serial numbers, UUIDs) and run ids,
 * which differ between two equal runs. Where a surrogate id refers to a row, that row's natural key stands in for it.
 */
import type { DatabaseName } from '../../../src/platform/db/targets.ts';

export interface DigestTable {
  readonly database: DatabaseName;
  /** Natural key, the first sort columns: columns of the table or names in `derived`. */
  readonly key: readonly string[];
  /** The key is the table's primary key, so that nothing else needs to be sorted by. */
  readonly unique?: boolean;
  readonly without?: readonly string[];
  /** Values that take the place of a column or are added, SQL over the row `t` and what is joined to it. */
  readonly derived?: Readonly<Record<string, string>>;
  /** Joins that `derived` needs; each must keep every row of `t` once. */
  readonly join?: string;
  /** jsonb columns that name the run that owns the row under the key `run_id`. */
  readonly owned?: readonly string[];
  /** jsonb columns in which run ids may stand anywhere: random UUIDs (version 4) are blotted out. */
  readonly blotted?: readonly string[];
}

const historical = (table: Omit<DigestTable, 'database'>): DigestTable => ({ database: 'historical', ...table });
const runtime = (table: Omit<DigestTable, 'database'>): DigestTable => ({ database: 'runtime', ...table });

/** A run is known by what it was asked to do; two runs of the same question compare by their rows. */
const OF_RUN = {
  join: 'LEFT JOIN backtest_runs r ON r.run_id = t.run_id',
  derived: { strategy_id: 'r.strategy_id', start_date: 'r.start_date', end_date: 'r.end_date' },
};
const RUN_KEY = ['strategy_id', 'universe_id', 'start_date', 'end_date'];
/** An article's own id from its file; one that has none is known by what it says. */
const ARTICLE = `COALESCE(a.metadata ->> 'external_id', a.source || '|' || extract(epoch FROM a."timestamp") || '|' || a.headline)`;

export const DIGEST_TABLES: Readonly<Record<string, DigestTable>> = {
  prices_daily: historical({ key: ['instrument_id', 'trade_date'], unique: true }),
  returns_daily: historical({ key: ['instrument_id', 'trade_date'], unique: true }),
  volatility_daily: historical({ key: ['instrument_id', 'trade_date'], unique: true }),
  factors_daily: historical({ key: ['factor_id', 'trade_date'], unique: true }),
  instrument_factors_daily: historical({ key: ['instrument_id', 'trade_date', 'factor_id'], unique: true }),
  correlation_panels: historical({ key: ['panel_id'], unique: true }),
  market_holidays: historical({ key: ['market_id', 'holiday_date'] }),
  news_articles: historical({
    key: ['external_id', 'timestamp', 'source', 'headline'],
    without: ['article_id'],
    derived: { external_id: "t.metadata ->> 'external_id'" },
  }),
  news_links: historical({
    key: ['article', 'issuer_id', 'instrument_id'],
    without: ['article_id'],
    join: 'LEFT JOIN news_articles a ON a.article_id = t.article_id',
    derived: { article: ARTICLE },
  }),
  text_embeddings: historical({
    key: ['source_type', 'source_id', 'model_id'],
    without: ['embedding_id'],
    join: "LEFT JOIN news_articles a ON t.source_type = 'NEWS' AND a.article_id::text = t.source_id",
    derived: { source_id: `CASE WHEN a.article_id IS NULL THEN t.source_id ELSE ${ARTICLE} END` },
  }),
  numeric_window_embeddings: historical({
    key: ['entity_type', 'entity_id', 'as_of_date', 'model_id', 'window_spec'],
    without: ['embedding_id'],
  }),
  joint_embeddings: historical({
    key: ['joint_type', 'as_of_date', 'entity_scope', 'model_id'],
    without: ['joint_id'],
  }),

  markets: runtime({ key: ['market_id'], unique: true }),
  issuers: runtime({ key: ['issuer_id'], unique: true }),
  instruments: runtime({ key: ['instrument_id'], unique: true }),
  portfolios: runtime({ key: ['portfolio_id'], unique: true }),
  strategies: runtime({ key: ['strategy_id'], unique: true }),

  stability_vectors: runtime({
    key: ['entity_type', 'entity_id', 'as_of_date'],
    without: ['stability_id'],
    owned: ['metadata'],
  }),
  soft_target_classes: runtime({
    key: ['entity_type', 'entity_id', 'as_of_date'],
    without: ['soft_target_id'],
    owned: ['metadata'],
  }),
  fragility_measures: runtime({
    key: ['entity_type', 'entity_id', 'as_of_date'],
    without: ['fragility_id'],
    owned: ['metadata'],
  }),
  regimes: runtime({ key: ['region', 'as_of_date'], without: ['regime_record_id'], owned: ['metadata'] }),
  regime_transitions: runtime({
    key: ['region', 'as_of_date', 'from_regime_label', 'to_regime_label'],
    without: ['transition_id'],
    owned: ['metadata'],
  }),
  instrument_scores: runtime({
    key: ['strategy_id', 'market_id', 'instrument_id', 'as_of_date', 'horizon_days'],
    without: ['score_id'],
    owned: ['metadata'],
  }),
  universe_members: runtime({
    key: ['universe_id', 'as_of_date', 'entity_type', 'entity_id'],
    without: ['universe_member_id'],
  }),
  target_portfolios: runtime({
    key: ['strategy_id', 'portfolio_id', 'as_of_date'],
    without: ['target_id'],
    owned: ['metadata'],
  }),
  book_targets: runtime({
    key: ['book_id', 'as_of_date', 'region', 'entity_type', 'entity_id'],
    without: ['target_id'],
    owned: ['metadata'],
  }),
  portfolio_risk_reports: runtime({
    key: ['portfolio_id', 'as_of_date'],
    without: ['report_id'],
    owned: ['metadata'],
  }),
  risk_actions: runtime({
    key: ['strategy_id', 'as_of_date', 'instrument_id', 'action_type'],
    without: ['action_id', 'decision_id'],
    derived: { as_of_date: "t.details_json ->> 'as_of_date'" },
    owned: ['details_json'],
  }),

  backtest_runs: runtime({ key: RUN_KEY, without: ['run_id'], blotted: ['config_json', 'metrics_json'] }),
  backtest_daily_equity: runtime({
    key: [...RUN_KEY, 'date'],
    without: ['run_id'],
    join: OF_RUN.join,
    derived: { ...OF_RUN.derived, universe_id: 'r.universe_id' },
  }),
  backtest_trades: runtime({
    key: [...RUN_KEY, 'trade_date', 'ticker', 'direction'],
    without: ['trade_id', 'run_id', 'profile_version_id'],
    ...OF_RUN,
    blotted: ['decision_metadata_json'],
  }),
  executed_actions: runtime({
    key: ['portfolio_id', 'trade_date', 'instrument_id', 'side'],
    without: ['action_id', 'decision_id', 'run_id'],
    blotted: ['metadata'],
  }),
  engine_decisions: runtime({
    key: ['engine_name', 'strategy_id', 'market_id', 'as_of_date', 'config_id'],
    without: ['decision_id', 'run_id'],
    blotted: ['input_refs', 'output_refs', 'metadata'],
  }),
  decision_outcomes: runtime({
    key: ['engine_name', 'strategy_id', 'market_id', 'as_of_date', 'config_id', 'horizon_days'],
    without: ['outcome_id', 'decision_id'],
    join: 'LEFT JOIN engine_decisions d ON d.decision_id = t.decision_id',
    derived: {
      engine_name: 'd.engine_name',
      strategy_id: 'd.strategy_id',
      market_id: 'd.market_id',
      as_of_date: 'd.as_of_date',
      config_id: 'd.config_id',
    },
    blotted: ['metadata'],
  }),
  orders: runtime({
    key: ['portfolio_id', 'timestamp', 'instrument_id', 'side'],
    without: ['order_id', 'decision_id'],
    owned: ['metadata'],
  }),
  fills: runtime({
    key: ['portfolio_id', 'timestamp', 'instrument_id', 'side'],
    without: ['fill_id', 'order_id'],
    join: 'LEFT JOIN orders o ON o.order_id = t.order_id',
    derived: { portfolio_id: 'o.portfolio_id' },
    owned: ['metadata'],
  }),
  positions_snapshots: runtime({
    key: ['portfolio_id', 'as_of_date', 'instrument_id', 'mode', 'timestamp'],
    without: ['snapshot_id'],
  }),

  engine_runs: runtime({
    key: ['region', 'as_of_date', 'phase'],
    without: ['run_id', 'phase_started_at', 'phase_completed_at'],
  }),
  job_executions: runtime({
    key: ['job_id', 'dag_id', 'as_of_date', 'market_id', 'attempt_number'],
    without: ['execution_id', 'started_at', 'completed_at'],
  }),
  'console.evidence': runtime({
    key: ['phase', 'check_id'],
    without: ['evidence_id', 'recorded_at', 'run_id', 'build', 'git_sha'],
  }),
  'console.opportunity_density': runtime({
    key: ['market_id', 'lookback_days', 'min_cluster_size', 'as_of_date', 'sector', 'soft_target_class'],
    unique: true,
    without: ['run_id'],
  }),
  'console.lambda_predictions': runtime({
    key: ['experiment_id', 'as_of_date', 'market_id', 'sector', 'soft_target_class'],
    unique: true,
    without: ['run_id'],
  }),
  'console.lambda_trials': runtime({
    key: ['trial_key', 'experiment_id'],
    without: ['trial_id', 'recorded_at', 'run_id', 'build', 'git_sha'],
  }),
};

/**
 * Columns that are left out of a table that is not listed above, besides created_at, updated_at and whatever the database
 * numbers by itself.
 */
export const UNLISTED_WITHOUT: readonly string[] = ['run_id', 'recorded_at', 'started_at', 'completed_at'];
export const CLOCKS: readonly string[] = ['created_at', 'updated_at'];
