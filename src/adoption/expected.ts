/**
 * What this build relies on in a pair of databases that another system made: tables, columns, keys and indexes. A test
 * holds it equal to what the migrations make.
 */
import type { DatabaseName } from '../platform/db/targets.ts';

export interface Column {
  readonly name: string;
  /** As PostgreSQL's format_type writes it: `character varying(50)`. */
  readonly type: string;
  readonly notNull: boolean;
}

/** An index that is looked for; `keys` are columns or expressions as pg_get_indexdef writes them. */
export interface WantedIndex {
  readonly table: string;
  /** The name that it gets when we make it. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly where?: string;
  /** The columns that keys and condition name, where they are not the keys themselves. */
  readonly needs?: readonly string[];
  /** What is slow or possible without it. */
  readonly purpose: string;
}

/** A natural key: rows that share it are duplicates. */
export interface WantedKey extends WantedIndex {
  /** Columns that say nothing about a row's content; the first orders copies by age. */
  readonly surrogate: readonly string[];
  /** False where other rows hang on the surrogate id: copies are then told, not removed. */
  readonly removable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  f8: 'double precision',
  j: 'jsonb',
  ts: 'timestamp with time zone',
  tsl: 'timestamp without time zone',
  date: 'date',
  int: 'integer',
  big: 'bigint',
  bool: 'boolean',
  bytes: 'bytea',
  text: 'text',
};

/** `name type[!]`, separated by commas; sN is varchar(N), `!` not null. */
function columns(text: string): Column[] {
  return text.split(',').map((part) => {
    const [name, short] = part.trim().split(/\s+/);
    const type = short.replace('!', '');
    return {
      name,
      type: /^s\d+$/.test(type) ? `character varying(${type.slice(1)})` : TYPES[type],
      notNull: short.endsWith('!'),
    };
  });
}

const CREATED = 'metadata j, created_at ts!';
const REFERENCE = `${CREATED}, updated_at ts!`;

/**
 * Columns by table; tables that no engine of ours reads or writes are not relied on and do not stand here. The phases ask an
 * adopted database for the same tables.
 */
export const EXPECTED: Readonly<Record<DatabaseName, Readonly<Record<string, readonly Column[]>>>> = {
  historical: {
    prices_daily:
      columns(`instrument_id s50!, trade_date date!, open f8!, high f8!, low f8!, close f8!, adjusted_close f8!,
      volume f8!, currency s10!, metadata j`),
    factors_daily: columns('factor_id s64!, trade_date date!, value f8!, metadata j'),
    market_holidays: columns('market_id s50!, holiday_date date!, holiday_name s200!, source s50!, created_at tsl!'),
    news_articles: columns(
      'article_id big!, timestamp ts!, source s128!, language s16, headline text!, body text, metadata j',
    ),
    news_links: columns('article_id big!, issuer_id s50!, instrument_id s50!'),
    text_embeddings: columns(`embedding_id big!, source_type s32!, source_id s64!, model_id s64!, vector bytes,
      vector_ref s255, created_at ts!`),
    numeric_window_embeddings:
      columns(`embedding_id big!, entity_type s32!, entity_id s64!, window_spec j!, as_of_date date!,
      model_id s64!, vector bytes, vector_ref s255, created_at ts!`),
    joint_embeddings:
      columns(`joint_id big!, joint_type s32!, as_of_date date!, entity_scope j!, model_id s64!, vector bytes,
      vector_ref s255, created_at ts!`),
  },
  runtime: {
    markets: columns(`market_id s50!, name s200!, region s50!, timezone s50!, calendar_spec j, ${REFERENCE}`),
    issuers: columns(
      `issuer_id s50!, issuer_type s50!, name s200!, country s50, sector s100, industry s100, ${REFERENCE}`,
    ),
    instruments: columns(`instrument_id s50!, issuer_id s50, market_id s50, asset_class s50!, symbol s50!, exchange s50,
      currency s10!, multiplier f8, maturity_date date, underlying_instrument_id s50, status s20!, ${REFERENCE}`),
    portfolios: columns(`portfolio_id s50!, name s200!, description text, base_currency s10!, ${REFERENCE}`),
    strategies: columns(`strategy_id s50!, name s200!, description text, ${REFERENCE}`),
    stability_vectors:
      columns(`stability_id s64!, entity_type s32!, entity_id s64!, as_of_date date!, vector_components j!,
      overall_score f8!, ${CREATED}`),
    soft_target_classes: columns(`soft_target_id s64!, entity_type s32!, entity_id s64!, as_of_date date!,
      soft_target_class s32!, soft_target_score f8!, weak_profile bool!, instability f8!, high_fragility f8!,
      complacent_pricing f8!, ${CREATED}`),
    regimes: columns(`regime_record_id s64!, as_of_date date!, region s32!, regime_label s32!, regime_embedding bytes,
      embedding_ref s255, confidence f8!, ${CREATED}`),
    regime_transitions: columns(`transition_id s64!, region s32!, from_regime_label s32!, to_regime_label s32!,
      as_of_date date!, ${CREATED}`),
    instrument_scores: columns(`score_id s64!, strategy_id s50!, market_id s50!, instrument_id s50!, as_of_date date!,
      horizon_days int!, expected_return f8!, score f8!, confidence f8!, signal_label s32!, alpha_components j!, ${CREATED}`),
    universe_members:
      columns(`universe_member_id s64!, universe_id s64!, as_of_date date!, entity_type s32!, entity_id s64!,
      tier s16!, included bool!, score f8!, reasons j!, created_at ts!`),
    target_portfolios:
      columns(`target_id s64!, strategy_id s64!, portfolio_id s64!, as_of_date date!, target_positions j!,
      ${CREATED}`),
    book_targets:
      columns(`target_id s64!, book_id s64!, as_of_date date!, region s32!, entity_type s32!, entity_id s64!,
      target_weight f8!, ${CREATED}`),
    portfolio_risk_reports: columns(`report_id s64!, portfolio_id s64!, as_of_date date!, portfolio_value f8!, cash f8!,
      net_exposure f8!, gross_exposure f8!, leverage f8!, risk_metrics j!, scenario_pnl j, exposures_by_sector j,
      exposures_by_factor j, ${CREATED}`),
    risk_actions: columns(`action_id s64!, strategy_id s64, instrument_id s64, decision_id s64, action_type s32!,
      details_json j, created_at ts!`),
    backtest_runs:
      columns(`run_id s64!, strategy_id s64!, config_json j!, start_date date!, end_date date!, universe_id s64,
      metrics_json j, created_at ts!`),
    backtest_daily_equity: columns(
      'run_id s64!, date date!, equity_curve_value f8!, drawdown f8, exposure_metrics_json j',
    ),
    backtest_trades:
      columns(`trade_id big!, run_id s64!, trade_date date!, ticker s50!, direction s8!, size f8!, price f8!,
      regime_id s64, universe_id s64, profile_version_id big, decision_metadata_json j`),
    orders: columns(`order_id s64!, timestamp ts!, instrument_id s64!, side s8!, order_type s16!, quantity f8!,
      limit_price f8, stop_price f8, status s32!, mode s16!, portfolio_id s64, decision_id s64, metadata j`),
    fills: columns(`fill_id s64!, order_id s64!, timestamp ts!, instrument_id s64!, side s8!, quantity f8!, price f8!,
      commission f8, mode s16!, metadata j`),
    positions_snapshots:
      columns(`snapshot_id big!, portfolio_id s64!, timestamp ts!, as_of_date date!, instrument_id s64!,
      quantity f8!, avg_cost f8!, market_value f8!, unrealized_pnl f8!, mode s16!`),
    executed_actions: columns(`action_id s64!, decision_id s64, run_id s64, portfolio_id s64, instrument_id s64,
      trade_date date!, side s8!, quantity f8!, price f8!, slippage f8, fees f8, ${CREATED}`),
    engine_decisions: columns(`decision_id s64!, engine_name s64!, run_id s64, strategy_id s64, market_id s32,
      as_of_date date!, config_id s128, input_refs j, output_refs j, ${CREATED}`),
    decision_outcomes:
      columns(`outcome_id big!, decision_id s64!, horizon_days int!, realized_return f8, realized_pnl f8,
      realized_drawdown f8, realized_vol f8, ${CREATED}`),
  },
};

const key = (
  table: string,
  name: string,
  keys: readonly string[],
  purpose: string,
  rest: Partial<WantedKey> = {},
): WantedKey => ({ table, name, keys, purpose, surrogate: [], removable: true, ...rest });

/** Natural keys whose copies would count twice. */
export const KEYS: Readonly<Record<DatabaseName, readonly WantedKey[]>> = {
  historical: [
    key('prices_daily', 'ux_prices_daily', ['instrument_id', 'trade_date'], 'one price a day'),
    key('market_holidays', 'ux_market_holidays', ['market_id', 'holiday_date'], 'one row a holiday', {
      surrogate: ['created_at'],
    }),
    key(
      'news_articles',
      'ux_news_articles_external_id',
      [`(metadata ->> 'external_id'::text)`],
      'import finds articles',
      {
        needs: ['metadata'],
        surrogate: ['article_id'],
        // Links cascade and vectors name the article's id.
        removable: false,
      },
    ),
    key(
      'text_embeddings',
      'ux_text_embeddings',
      ['source_type', 'source_id', 'model_id'],
      'one vector a text and model',
      {
        surrogate: ['embedding_id', 'created_at'],
      },
    ),
    key(
      'numeric_window_embeddings',
      'ux_numeric_window_embeddings',
      ['model_id', 'as_of_date', 'entity_type', 'entity_id'],
      'one vector a day; reads a cross-section',
      { surrogate: ['embedding_id', 'created_at'] },
    ),
  ],
  runtime: [
    key(
      'universe_members',
      'ux_universe_members',
      ['universe_id', 'as_of_date', 'entity_type', 'entity_id'],
      'one membership a day',
      {
        surrogate: ['universe_member_id', 'created_at'],
      },
    ),
    key(
      'book_targets',
      'ux_book_targets',
      ['book_id', 'as_of_date', 'region', 'entity_type', 'entity_id'],
      'one target a day',
      {
        surrogate: ['target_id', 'created_at'],
      },
    ),
    key('backtest_daily_equity', 'ux_backtest_daily_equity', ['run_id', 'date'], 'one equity value a day'),
  ],
};

/** Indexes that make reads bearable. */
export const INDEXES: Readonly<Record<DatabaseName, readonly WantedIndex[]>> = {
  historical: [
    {
      table: 'prices_daily',
      name: 'ix_prices_daily_trade_date',
      keys: ['trade_date'],
      purpose: 'prices of a span of days',
    },
    {
      table: 'news_articles',
      name: 'ix_news_articles_timestamp',
      keys: ['"timestamp"'],
      needs: ['timestamp'],
      purpose: 'articles of a span of days',
    },
    {
      table: 'text_embeddings',
      name: 'ix_text_embeddings_issuer_day',
      keys: ['model_id', '"right"(source_id::text, 10)'],
      where: `((source_type)::text = 'NEWS_ISSUER_DAY'::text)`,
      needs: ['model_id', 'source_id', 'source_type'],
      purpose: 'issuer texts of a day',
    },
    {
      table: 'joint_embeddings',
      name: 'ix_joint_embeddings_type_date_model',
      keys: ['joint_type', 'as_of_date', 'model_id'],
      purpose: 'joint vectors of a day',
    },
  ],
  runtime: [
    {
      table: 'backtest_trades',
      name: 'ix_backtest_trades_run_date',
      keys: ['run_id', 'trade_date'],
      purpose: 'trades of a run',
    },
    {
      table: 'fills',
      name: 'ix_fills_order',
      keys: ['order_id'],
      purpose: 'orders are replaced without a scan of all fills',
    },
  ],
};
