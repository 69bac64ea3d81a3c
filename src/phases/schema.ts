/** The migration steps that this build relies on, with the tables of each; a test holds it equal to `migrations/`. */
import { EXPECTED } from '../adoption/expected.ts';
import type { SchemaState } from './evidence.ts';
import type { Probe, Prober } from './probes.ts';

type Steps = Readonly<Record<string, readonly string[]>>;

export const SCHEMA_STEPS: Readonly<Record<'historical' | 'runtime', Steps>> = {
  historical: {
    '0001_prices': [
      'prices_daily',
      'returns_daily',
      'volatility_daily',
      'factors_daily',
      'instrument_factors_daily',
      'correlation_panels',
      'market_holidays',
    ],
    '0002_news': ['news_articles', 'news_links'],
    '0003_embeddings': ['text_embeddings', 'numeric_window_embeddings', 'joint_embeddings'],
    '0004_shards': [
      'console.backfills',
      'console.shard_done',
      'console.numeric_coverage',
      'console.numeric_coverage_state',
    ],
    '0005_numeric_key': [],
    '0006_issuer_days': [],
    '0007_news_by_time': [],
    '0008_throttle': ['console.throttles'],
    '0009_numeric_entities': ['console.numeric_entities'],
    '0010_model_fits': ['console.model_fits'],
    '0011_numeric_files': ['console.numeric_files'],
  },
  runtime: {
    '0001_reference': ['markets', 'issuers', 'instruments', 'portfolios', 'strategies'],
    '0002_states': ['stability_vectors', 'soft_target_classes', 'fragility_measures', 'regimes', 'regime_transitions'],
    '0003_portfolios': [
      'instrument_scores',
      'universe_members',
      'target_portfolios',
      'book_targets',
      'portfolio_risk_reports',
    ],
    '0004_backtests': ['backtest_runs', 'backtest_daily_equity', 'backtest_trades'],
    '0005_execution': ['orders', 'fills', 'positions_snapshots', 'executed_actions', 'risk_actions'],
    '0006_decisions': ['engine_decisions', 'decision_outcomes'],
    '0007_operations': ['engine_runs', 'job_executions'],
    '0008_evidence': ['console.evidence'],
    '0009_opportunity_density': ['console.opportunity_density', 'console.lambda_predictions', 'console.lambda_trials'],
    '0010_decisions': ['console.decisions', 'console.notes'],
    '0011_phase_skips': ['console.phase_skips'],
    '0012_campaign_runs': ['console.campaign_runs'],
  },
};

const other = (database: 'historical' | 'runtime') => (database === 'historical' ? 'runtime' : 'historical');

/** Whether the database answers, which tables it lacks and which steps have not run. Reads the catalogue only. */
export function probeSchema(prober: Prober, database: 'historical' | 'runtime'): Promise<Probe<SchemaState>> {
  const steps = SCHEMA_STEPS[database];
  return prober.probe('tables and migrations', async (query) => {
    const [{ ours, alembic }] = await query<{ ours: boolean; alembic: boolean }>(
      `SELECT to_regclass('console.migrations') IS NOT NULL AS ours, to_regclass('alembic_version') IS NOT NULL AS alembic`,
    );
    // Tables that nothing of ours reads are made by our migrations, and not asked of another system's.
    const relied = Object.values(steps)
      .flat()
      .filter((table) => !alembic || table.startsWith('console.') || table in EXPECTED[database]);
    const missing = await query<{ name: string }>(
      `SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS t (name, n) WHERE to_regclass(name) IS NULL ORDER BY n`,
      [relied],
    );
    const applied = ours ? await query<{ name: string }>('SELECT name FROM console.migrations') : [];
    const names = new Set(applied.map((row) => row.name));
    // In a database that Alembic made, only the steps of our own schema are due.
    const inConsole = (step: string) =>
      steps[step].length > 0 && steps[step].every((table) => table.startsWith('console.'));
    const due = Object.keys(steps).filter((step) => !alembic || inConsole(step));
    return {
      missingTables: missing.map((row) => row.name),
      pending: due.filter((step) => !names.has(step)),
      applied: names.size,
      adopted: alembic,
      swapped: names.size > 0 && [...names].every((name) => name in SCHEMA_STEPS[other(database)] && !(name in steps)),
    };
  });
}
