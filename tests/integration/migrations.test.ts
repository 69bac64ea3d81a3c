import { afterEach, describe, expect, test } from 'vitest';
import { migrations as historical } from '../../migrations/historical/index.ts';
import { migrations as runtime } from '../../migrations/runtime/index.ts';
import { type Database, openDatabase, openDatabases } from '../../src/platform/db/databases.ts';
import { migrate, migrationState, pendingMigrations } from '../../src/platform/db/migrate.ts';
import { DATABASE_NAMES, type Target } from '../../src/platform/db/targets.ts';
import { createEmptyDatabases, createTestDatabases, type TestDatabases } from '../helpers/databases.ts';

const MIGRATIONS = { historical, runtime };

/**
 * The contract, table by table: `name type`, `!` = not null. sN = varchar(N), f8 = double precision, j = jsonb,
 * ts = timestamptz, cr = created_at ts not null default now(), bigserial = bigint not null from a sequence. After the columns:
 * PK, UNIQUE, FK and INDEX. Written from the contract, not from the migrations; of our own are the unique keys of
 * news_articles and numeric_window_embeddings, the index of fills, and console.
 */
const CONTRACT = {
  historical: {
    prices_daily: `instrument_id s50! | trade_date date! | open f8! | high f8! | low f8! | close f8! | adjusted_close f8! | volume f8! |
      currency s10! | metadata j || PK (instrument_id, trade_date) | INDEX (trade_date)`,
    returns_daily: `instrument_id s50! | trade_date date! | ret_1d f8! | ret_5d f8! | ret_21d f8! | metadata j ||
      PK (instrument_id, trade_date)`,
    volatility_daily: `instrument_id s50! | trade_date date! | vol_21d f8! | vol_63d f8! | metadata j ||
      PK (instrument_id, trade_date)`,
    factors_daily: 'factor_id s64! | trade_date date! | value f8! | metadata j || PK (factor_id, trade_date)',
    instrument_factors_daily: `instrument_id s50! | trade_date date! | factor_id s64! | exposure f8! ||
      PK (instrument_id, trade_date, factor_id)`,
    correlation_panels: `panel_id s64! | start_date date! | end_date date! | universe_spec j! | matrix_ref s255! | cr ||
      PK (panel_id)`,
    market_holidays: `market_id s50! | holiday_date date! | holiday_name s200! | source s50! | created_at timestamp! ||
      UNIQUE (market_id, holiday_date)`,
    news_articles: `article_id bigserial | timestamp ts! | source s128! | language s16 | headline text! | body text | metadata j ||
      PK (article_id) | UNIQUE INDEX (((metadata ->> 'external_id'::text))) | INDEX ("timestamp")`,
    news_links: `article_id bigint! | issuer_id s50! | instrument_id s50! || PK (article_id, issuer_id, instrument_id) |
      FK (article_id) REFERENCES news_articles(article_id) ON DELETE CASCADE`,
    text_embeddings: `embedding_id bigserial | source_type s32! | source_id s64! | model_id s64! | vector bytea | vector_ref s255 |
      cr || PK (embedding_id) | UNIQUE (source_type, source_id, model_id) |
      INDEX (model_id, "right"((source_id)::text, 10)) WHERE ((source_type)::text = 'NEWS_ISSUER_DAY'::text)`,
    numeric_window_embeddings: `embedding_id bigserial | entity_type s32! | entity_id s64! | window_spec j! | as_of_date date! |
      model_id s64! | vector bytea | vector_ref s255 | cr || PK (embedding_id) |
      UNIQUE (model_id, as_of_date, entity_type, entity_id)`,
    joint_embeddings: `joint_id bigserial | joint_type s32! | as_of_date date! | entity_scope j! | model_id s64! | vector bytea |
      vector_ref s255 | cr || PK (joint_id) | INDEX (joint_type, as_of_date, model_id)`,
    'console.backfills': `backfill_id text! | kind text! | spec j! | data_fingerprint text! | models j! | shards integer! | due bigint! |
      state text! = 'open'::text | build text | created_at ts! = now() | ended_at ts || PK (backfill_id) |
      CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'replaced'::text])))`,
    'console.model_fits': `model_id text! | fingerprint text! | fit_end date || PK (model_id, fingerprint)`,
    'console.throttles': `backfill_id text! | settings j! = '{}'::jsonb | paused_at ts || PK (backfill_id)`,
    'console.shard_done': `shard_id text! | backfill_id text! | kind text! | model_id text | first_date date | last_date date | rows integer |
      skipped integer | failed integer | removed integer | failures j | worker text | provider text | seconds f8 |
      done_at ts! = now() || PK (shard_id) | INDEX (backfill_id) | INDEX (model_id, done_at DESC)`,
    'console.numeric_coverage': `model_id text! | entity_type text! | as_of_date date! | vectors integer! | rows integer! |
      entities bit varying! || PK (model_id, entity_type, as_of_date)`,
    'console.numeric_entities': `entity_type text! | entity_id text! | number integer! || PK (entity_type, entity_id) |
      UNIQUE (entity_type, number)`,
    'console.numeric_files': `relation oid! | file oid! || PK (relation)`,
    'console.numeric_coverage_state': `only_row boolean! = true | settled_id bigint! | own_rows bigint! | own_removed bigint! |
      changed bigint! | refreshed_at ts! | exact_at ts! | statistics_since ts || PK (only_row) | CHECK (only_row)`,
  },
  runtime: {
    markets: `market_id s50! | name s200! | region s50! | timezone s50! | calendar_spec j | metadata j | cr | updated_at ts! ||
      PK (market_id)`,
    issuers: `issuer_id s50! | issuer_type s50! | name s200! | country s50 | sector s100 | industry s100 | metadata j | cr |
      updated_at ts! || PK (issuer_id)`,
    instruments: `instrument_id s50! | issuer_id s50 | market_id s50 | asset_class s50! | symbol s50! | exchange s50 |
      currency s10! | multiplier f8 | maturity_date date | underlying_instrument_id s50 | status s20! = 'ACTIVE'::character varying |
      metadata j | cr | updated_at ts! || PK (instrument_id) | FK (issuer_id) REFERENCES issuers(issuer_id) |
      FK (market_id) REFERENCES markets(market_id)`,
    portfolios: `portfolio_id s50! | name s200! | description text | base_currency s10! | metadata j | cr | updated_at ts! ||
      PK (portfolio_id)`,
    strategies:
      'strategy_id s50! | name s200! | description text | metadata j | cr | updated_at ts! || PK (strategy_id)',
    stability_vectors: `stability_id s64! | entity_type s32! | entity_id s64! | as_of_date date! | vector_components j! |
      overall_score f8! | metadata j | cr || PK (stability_id)`,
    soft_target_classes: `soft_target_id s64! | entity_type s32! | entity_id s64! | as_of_date date! | soft_target_class s32! |
      soft_target_score f8! | weak_profile boolean! | instability f8! | high_fragility f8! | complacent_pricing f8! | metadata j |
      cr || PK (soft_target_id)`,
    instrument_scores: `score_id s64! | strategy_id s50! | market_id s50! | instrument_id s50! | as_of_date date! |
      horizon_days integer! | expected_return f8! | score f8! | confidence f8! | signal_label s32! | alpha_components j! |
      metadata j | cr || PK (score_id)`,
    universe_members: `universe_member_id s64! | universe_id s64! | as_of_date date! | entity_type s32! | entity_id s64! |
      tier s16! | included boolean! | score f8! | reasons j! | cr || PK (universe_member_id) |
      UNIQUE (universe_id, as_of_date, entity_type, entity_id)`,
    target_portfolios: `target_id s64! | strategy_id s64! | portfolio_id s64! | as_of_date date! | target_positions j! |
      metadata j | cr || PK (target_id)`,
    book_targets: `target_id s64! | book_id s64! | as_of_date date! | region s32! | entity_type s32! | entity_id s64! |
      target_weight f8! | metadata j | cr || PK (target_id) | UNIQUE (book_id, as_of_date, region, entity_type, entity_id)`,
    portfolio_risk_reports: `report_id s64! | portfolio_id s64! | as_of_date date! | portfolio_value f8! | cash f8! |
      net_exposure f8! | gross_exposure f8! | leverage f8! | risk_metrics j! | scenario_pnl j | exposures_by_sector j |
      exposures_by_factor j | metadata j | cr || PK (report_id)`,
    risk_actions: `action_id s64! | strategy_id s64 | instrument_id s64 | decision_id s64 | action_type s32! | details_json j | cr ||
      PK (action_id)`,
    backtest_runs: `run_id s64! | strategy_id s64! | config_json j! | start_date date! | end_date date! | universe_id s64 |
      metrics_json j | cr || PK (run_id)`,
    backtest_daily_equity: `run_id s64! | date date! | equity_curve_value f8! | drawdown f8 | exposure_metrics_json j ||
      PK (run_id, date) | FK (run_id) REFERENCES backtest_runs(run_id)`,
    backtest_trades: `trade_id bigserial | run_id s64! | trade_date date! | ticker s50! | direction s8! | size f8! | price f8! |
      regime_id s64 | universe_id s64 | profile_version_id bigint | decision_metadata_json j || PK (trade_id) |
      FK (run_id) REFERENCES backtest_runs(run_id) | INDEX (run_id, trade_date)`,
    orders: `order_id s64! | timestamp ts! | instrument_id s64! | side s8! | order_type s16! | quantity f8! | limit_price f8 |
      stop_price f8 | status s32! | mode s16! | portfolio_id s64 | decision_id s64 | metadata j || PK (order_id)`,
    fills: `fill_id s64! | order_id s64! | timestamp ts! | instrument_id s64! | side s8! | quantity f8! | price f8! |
      commission f8 | mode s16! | metadata j || PK (fill_id) |
      FK (order_id) REFERENCES orders(order_id) | INDEX (order_id)`,
    positions_snapshots: `snapshot_id bigserial | portfolio_id s64! | timestamp ts! | as_of_date date! | instrument_id s64! |
      quantity f8! | avg_cost f8! | market_value f8! | unrealized_pnl f8! | mode s16! || PK (snapshot_id)`,
    executed_actions: `action_id s64! | decision_id s64 | run_id s64 | portfolio_id s64 | instrument_id s64 | trade_date date! |
      side s8! | quantity f8! | price f8! | slippage f8 | fees f8 | metadata j | cr || PK (action_id)`,
    engine_decisions: `decision_id s64! | engine_name s64! | run_id s64 | strategy_id s64 | market_id s32 | as_of_date date! |
      config_id s128 | input_refs j | output_refs j | metadata j | cr || PK (decision_id)`,
    decision_outcomes: `outcome_id bigserial | decision_id s64! | horizon_days integer! | realized_return f8 | realized_pnl f8 |
      realized_drawdown f8 | realized_vol f8 | metadata j | cr || PK (outcome_id) |
      FK (decision_id) REFERENCES engine_decisions(decision_id)`,
    regimes: `regime_record_id s64! | as_of_date date! | region s32! | regime_label s32! | regime_embedding bytea |
      embedding_ref s255 | confidence f8! | metadata j | cr || PK (regime_record_id)`,
    regime_transitions: `transition_id s64! | region s32! | from_regime_label s32! | to_regime_label s32! | as_of_date date! |
      metadata j | cr || PK (transition_id)`,
    engine_runs: `run_id s64! | as_of_date date! | region s32! | phase s32! | error j | cr | updated_at ts! | phase_started_at ts |
      phase_completed_at ts || PK (run_id)`,
    job_executions: `execution_id s36! | job_id s255! | job_type s100! | dag_id s100! | market_id s20 | as_of_date date! | status s20! |
      started_at timestamp | completed_at timestamp | attempt_number integer! | error_message text | error_details j |
      created_at timestamp! | updated_at timestamp! || PK (execution_id)`,
    fragility_measures: `fragility_id s64! | entity_type s32! | entity_id s64! | as_of_date date! | fragility_score f8! |
      scenario_losses j | metadata j | cr || PK (fragility_id)`,
    'console.evidence': `evidence_id bigint! | check_id text! | phase text! | state text! | observed j | required j | reason text |
      recorded_at ts! = now() | run_id text | build text | git_sha text || PK (evidence_id) | INDEX (check_id, recorded_at DESC)`,
    'console.opportunity_density': `market_id text! | lookback_days integer! | min_cluster_size integer! | as_of_date date! | sector text! |
      soft_target_class text! | num_instruments integer! | dispersion f8! | avg_vol_window f8! | lambda_value f8! | stab_source text! |
      run_id text! | cr || PK (market_id, lookback_days, min_cluster_size, as_of_date, sector, soft_target_class)`,
    'console.lambda_predictions': `experiment_id text! | as_of_date date! | market_id text! | sector text! | soft_target_class text! |
      lambda_hat f8! | lambda_z f8 | realised f8 | train_end date! | run_id text! | cr ||
      PK (experiment_id, as_of_date, market_id, sector, soft_target_class)`,
    'console.lambda_trials': `trial_id bigint! | trial_key text! | experiment_id text! | program text! | model text! | market_id text |
      horizon_days integer | train_start date | train_end date | test_start date | test_end date | parameters j! | metrics j! |
      data_fingerprint text | run_id text! | build text | git_sha text | recorded_at ts! = now() ||
      PK (trial_id) | INDEX (experiment_id, recorded_at DESC)`,
    'console.decisions': `decision_id bigint! | phase text! | decision text! | runs text[]! | reason text! | override text |
      evidence j! | decided_by text! | decided_at ts! = now() | build text | git_sha text || PK (decision_id) |
      CHECK ((decision = ANY (ARRAY['extend'::text, 'stay'::text])))`,
    'console.notes': `note_id bigint! | phase text! | note text! | noted_by text! | noted_at ts! = now() || PK (note_id)`,
    'console.campaign_runs': `run_id text! | record json! || PK (run_id)`,
    'console.phase_skips': `skip_id bigint! | phase text! | skipped boolean! | reason text! | decided_by text! | decided_at ts! = now() || PK (skip_id)`,
  },
} as const;

/** Both sides in one form: columns in order, then keys and indexes sorted. */
function normalise(text: string): string[] {
  const [columns, keys] = text.replace(/\s+/g, ' ').split(' || ');
  const expanded = columns
    .split(' | ')
    .map((column) => (column.trim() === 'cr' ? 'created_at ts! = now()' : column.trim()));
  return [
    ...expanded,
    ...keys
      .split(' | ')
      .map((key) => key.trim())
      .sort(),
  ];
}

async function catalogue(database: Database): Promise<Record<string, string[]>> {
  return await database.client(async (client) => {
    const columns = await client.query<{ tab: string; name: string; type: string; nn: boolean; def: string | null }>(
      `SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS tab, a.attname AS name,
        format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS nn,
        CASE WHEN a.attidentity = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS def
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind = 'r' AND n.nspname IN ('public', 'console') AND c.relname NOT LIKE 'migrations%' ORDER BY 1, a.attnum`,
    );
    const keys = await client.query<{ tab: string; def: string }>(
      `SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS tab,
        pg_get_constraintdef(k.oid) AS def FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'console') AND k.contype IN ('p', 'u', 'f', 'c', 'x')
        UNION ALL
        SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END,
          CASE WHEN i.indisunique THEN 'UNIQUE INDEX ' ELSE 'INDEX ' END || substring(pg_get_indexdef(i.indexrelid) from '\\(.*')
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'console') AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)`,
    );
    const tables: Record<string, string[]> = {};
    for (const { tab, name, type, nn, def } of columns.rows) {
      const short = type
        .replace(/^character varying\((\d+)\)$/, 's$1')
        .replace('double precision', 'f8')
        .replace('jsonb', 'j')
        .replace('timestamp with time zone', 'ts')
        .replace('timestamp without time zone', 'timestamp');
      const serial = short === 'bigint' && nn && def?.startsWith('nextval(');
      const column = serial ? `${name} bigserial` : `${name} ${short}${nn ? '!' : ''}${def ? ` = ${def}` : ''}`;
      (tables[tab] ??= []).push(column);
    }
    const shortKeys = keys.rows
      .filter(({ tab }) => tab in tables)
      .map(({ tab, def }) => ({ tab, def: def.replace('PRIMARY KEY', 'PK').replace('FOREIGN KEY', 'FK') }));
    for (const { tab, def } of shortKeys.toSorted((a, b) => (a.def < b.def ? -1 : 1))) tables[tab].push(def);
    return tables;
  });
}

let pair: TestDatabases;
afterEach(() => pair?.drop());

describe('a new pair of databases', () => {
  test.each(DATABASE_NAMES)('%s has every table of the contract and nothing else', async (name) => {
    pair = await createTestDatabases();
    const expected = Object.fromEntries(
      Object.entries(CONTRACT[name]).map(([table, text]) => [table, normalise(text)]),
    );
    expect(await catalogue(pair.databases[name])).toEqual(expected);
  });

  test('each step names exactly the tables it makes', async () => {
    pair = await createTestDatabases();
    for (const name of DATABASE_NAMES) {
      const named = Object.values(MIGRATIONS[name]).flatMap((migration) => migration.tables);
      expect(named.toSorted()).toEqual(Object.keys(CONTRACT[name]).toSorted());
    }
  });

  test('a second run changes nothing', async () => {
    pair = await createEmptyDatabases();
    for (const name of DATABASE_NAMES) {
      const database = pair.databases[name];
      const steps = Object.keys(MIGRATIONS[name]);
      expect(await pendingMigrations(database, MIGRATIONS[name])).toEqual(steps);
      expect(await migrate(database, MIGRATIONS[name])).toEqual({ applied: steps, adopted: false, missing: [] });
      const before = await catalogue(database);
      const stamp = () =>
        database.client((client) => client.query('SELECT *, xmin::text FROM console.migrations ORDER BY name'));
      const { rows } = await stamp();
      expect(await migrate(database, MIGRATIONS[name])).toEqual({ applied: [], adopted: false, missing: [] });
      expect(await catalogue(database)).toEqual(before);
      expect((await stamp()).rows).toEqual(rows);
      expect(await migrationState(database, MIGRATIONS[name])).toEqual({
        applied: steps,
        pending: [],
        adopted: false,
        missing: [],
      });
    }
  });

  test('several migrators at once: each step runs once', async () => {
    pair = await createEmptyDatabases();
    const others = Array.from({ length: 4 }, () => openDatabases(pair.targets, { application: 'migrator' }));
    const outcomes = await Promise.all(others.map((other) => migrate(other.runtime, runtime)));
    const ran = outcomes.flatMap((outcome) => outcome.applied);
    expect(ran).toEqual(Object.keys(runtime));
    await Promise.all(others.map((other) => other.close()));
  });

  test('a step that fails leaves none of the steps behind, and can be run again', async () => {
    pair = await createEmptyDatabases();
    const failing = {
      ...historical,
      '0009_broken': {
        tables: ['broken'],
        up: () => {
          throw new Error('broken on purpose');
        },
      },
    };
    await expect(migrate(pair.databases.historical, failing)).rejects.toThrow('broken on purpose');
    expect(await catalogue(pair.databases.historical)).toEqual({});
    expect((await migrate(pair.databases.historical, historical)).applied).toEqual(Object.keys(historical));
  });

  test('later steps run on top of earlier ones', async () => {
    pair = await createEmptyDatabases();
    const [first] = Object.keys(historical);
    await migrate(pair.databases.historical, { [first]: historical[first] });
    expect(await pendingMigrations(pair.databases.historical, historical)).toEqual(Object.keys(historical).slice(1));
    expect((await migrate(pair.databases.historical, historical)).applied).toEqual(Object.keys(historical).slice(1));
  });

  test('what was counted over the file of the numeric table stays counted when files are kept by relation', async () => {
    for (const same of [true, false]) {
      pair = await createEmptyDatabases();
      const { '0011_numeric_files': _files, ...before } = historical;
      await migrate(pair.databases.historical, before);
      const query = (sql: string) => pair.databases.historical.client((client) => client.query(sql));
      await query(`INSERT INTO console.numeric_coverage_state (settled_id, own_rows, own_removed, changed, file, statistics_since, refreshed_at, exact_at)
                   SELECT 0, 0, 0, 0, file, statistics_since, now(), now() FROM console.numeric_coverage_standing()`);
      if (!same) await query('TRUNCATE numeric_window_embeddings');
      await migrate(pair.databases.historical, historical);
      const { rows } = await query('SELECT unknown, uncertain, replaced FROM console.numeric_coverage_standing()');
      expect(rows).toEqual([{ unknown: 0, uncertain: false, replaced: !same }]);
      if (same) await pair.drop();
    }
  });

  test('a database that a newer build has migrated is refused', async () => {
    pair = await createTestDatabases();
    const { '0003_embeddings': _newest, ...older } = historical;
    for (const attempt of [migrate, migrationState, pendingMigrations]) {
      const error = await attempt(pair.databases.historical, older).catch((e) => e);
      expect(error.message).toBe(`${pair.targets.historical.label} is newer than this build: it has 0003_embeddings`);
      expect(error.fix).toContain('Update this installation');
    }
  });

  test('the other one of the two databases is told as such, and left alone', async () => {
    pair = await createTestDatabases();
    const before = await catalogue(pair.databases.runtime);
    for (const attempt of [migrate, migrationState]) {
      const error = await attempt(pair.databases.runtime, historical).catch((e) => e);
      expect(error.message).toMatch(/ is another database than that: its steps are 0001_reference, 0002_states, /);
      expect(error.fix).toContain('swapped');
    }
    expect(await catalogue(pair.databases.runtime)).toEqual(before);
  });

  test('tables of another origin are not touched and named in one line', async () => {
    pair = await createEmptyDatabases();
    const { historical: database } = pair.databases;
    await database.client((client) => client.query('CREATE TABLE news_articles (mine int)'));
    const error = await migrate(database, historical).catch((e) => e);
    expect(error.name).toBe('UserError');
    expect(error.message).toContain('already holds tables of another origin: relation "news_articles" already exists');
    expect(await catalogue(database)).toEqual({ news_articles: ['mine integer'] });
  });

  test('one article an external id; articles without one are free', async () => {
    pair = await createTestDatabases();
    const insert = (metadata: string | null) =>
      pair.databases.historical.client((client) =>
        client.query(
          `INSERT INTO news_articles ("timestamp", source, headline, metadata) VALUES (now(), 's', 'h', $1)`,
          [metadata],
        ),
      );
    for (const metadata of [null, null, '{}', '{}', '{"external_id":"a"}', '{"external_id":"b"}'])
      await insert(metadata);
    await expect(insert('{"external_id":"a","more":1}')).rejects.toThrow('ux_news_articles_external_id');
  });
});

describe('a pair that Alembic made', () => {
  /** As the user's system leaves it: every table in both databases, here a few of them with columns of its own. */
  async function alembicPair(): Promise<TestDatabases> {
    const made = await createEmptyDatabases();
    for (const name of DATABASE_NAMES) {
      await made.databases[name].client(async (client) => {
        await client.query('CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)');
        await client.query("INSERT INTO alembic_version VALUES ('0020')");
        await client.query(
          'CREATE TABLE prices_daily (instrument_id varchar(50), trade_date date, close float8, theirs text)',
        );
        await client.query("INSERT INTO prices_daily VALUES ('A', '2014-01-02', 1.5, 'x')");
        await client.query('CREATE TABLE markets (market_id varchar(50) PRIMARY KEY, theirs text)');
      });
    }
    return made;
  }

  test('only the schema console is made; missing tables are reported, not made', async () => {
    pair = await alembicPair();
    for (const name of DATABASE_NAMES) {
      const database = pair.databases[name];
      const before = await catalogue(database);
      const ours =
        name === 'runtime'
          ? ['0008_evidence', '0009_opportunity_density', '0010_decisions', '0011_phase_skips', '0012_campaign_runs']
          : ['0004_shards', '0008_throttle', '0009_numeric_entities', '0010_model_fits', '0011_numeric_files'];
      const expected = Object.keys(CONTRACT[name]).filter(
        (table) => !table.startsWith('console.') && !(table in before),
      );
      const outcome = await migrate(database, MIGRATIONS[name]);
      expect({ ...outcome, missing: outcome.missing.toSorted() }).toEqual({
        applied: ours,
        adopted: true,
        missing: expected.toSorted(),
      });
      const after = Object.entries(await catalogue(database));
      const isOurs = ([table]: readonly [string, unknown]) => table.startsWith('console.');
      expect(Object.fromEntries(after.filter((one) => !isOurs(one)))).toEqual(before);
      const console = Object.entries(CONTRACT[name])
        .filter(isOurs)
        .map(([table, text]) => [table, normalise(text)]);
      expect(Object.fromEntries(after.filter(isOurs))).toEqual(Object.fromEntries(console));
      const rows = await database.client((client) => client.query('SELECT * FROM prices_daily'));
      expect(rows.rows).toEqual([{ instrument_id: 'A', trade_date: '2014-01-02', close: 1.5, theirs: 'x' }]);
      expect(await pendingMigrations(database, MIGRATIONS[name])).toEqual([]);
      expect((await migrate(database, MIGRATIONS[name])).applied).toEqual([]);
    }
  });
});

describe('a role without rights', () => {
  const connectAs = (target: Target, user: string) =>
    openDatabase({ ...target, config: { ...target.config, user, password: 'weak' } }, { application: 'test' });

  test('is told what it lacks; reading the state needs no right to write', async () => {
    pair = await createEmptyDatabases();
    const role = `weak_${pair.targets.historical.config.database}`;
    const database = pair.databases.historical;
    await database.client((client) => client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'weak'`));
    const weak = connectAs(pair.targets.historical, role);
    try {
      const error = await migrate(weak, historical).catch((e) => e);
      expect(error.name).toBe('UserError');
      expect(error.message).toContain('permission denied for database');
      expect(error.fix).toContain(`GRANT CREATE ON DATABASE ${pair.targets.historical.config.database} TO ${role}`);
      expect(await pendingMigrations(weak, historical)).toEqual(Object.keys(historical));

      await migrate(database, historical);
      await database.client((client) =>
        client.query(`GRANT USAGE ON SCHEMA console TO ${role}; GRANT SELECT ON console.migrations TO ${role}`),
      );
      expect(await migrate(weak, historical)).toEqual({ applied: [], adopted: false, missing: [] });
    } finally {
      await weak.close();
      await database.client((client) => client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
    }
  });
});
