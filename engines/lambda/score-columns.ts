/** Which columns of predictions a campaign may take for λ̂. */
import { UserError } from '../../src/platform/errors.ts';
import { ADDED_COLUMNS } from './experiment/table.ts';
import { forecastColumns } from './forecast/predictions.ts';

const HAT = 'lambda_hat';
const Z = 'lambda_z';
/** Columns that hold what came after the day. */
const OUTCOMES: readonly string[] = ['realised', 'lambda_next'];
/** Columns that describe a row or the day itself, in files of this product and of the original. */
const DESCRIPTIONS: ReadonlySet<string> = new Set([
  ...[...forecastColumns, ...ADDED_COLUMNS].filter((name) => name !== HAT && name !== Z),
  ...['lookback_days', 'min_cluster_size', 'stab_source', 'run_id', 'created_at'],
  ...['regime_risk_score', 'stab_risk_score', 'stab_p_worsen_any'],
]);

/** The forecasts among the columns of a source that this product writes; null for any other source. */
function ownForecasts(source: string, names: readonly string[]): readonly string[] | null {
  if (source === 'console.lambda_predictions' || names.join() === forecastColumns.join()) return [HAT, Z];
  return names.slice(-ADDED_COLUMNS.length).join() === ADDED_COLUMNS.join() ? [HAT] : null;
}

/** Before anything is read. @throws UserError for a column of outcomes: no source can make it a forecast. */
export function refuseOutcome(column: string): void {
  if (!OUTCOMES.includes(column)) return;
  throw new UserError(
    `'${column}' holds what came after the day: it is no λ̂`,
    `Choose a forecast: --lambda-score-column ${HAT} or ${Z}`,
  );
}

/**
 * @param source file or table. @param names its columns.
 * @throws UserError when `column` is no forecast: of sources that this product writes only forecasts are taken, of others no
 * column that is known to be none.
 */
export function requireForecast(source: string, names: readonly string[], column: string): void {
  const own = ownForecasts(source, names);
  if (own ? own.includes(column) : !DESCRIPTIONS.has(column)) return;
  const choices = own ?? [HAT];
  throw new UserError(
    `'${column}' of ${source} is no forecast`,
    `Choose a forecast: --lambda-score-column ${choices.join(' or ')}`,
  );
}
