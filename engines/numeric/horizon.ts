/** Numeric vectors due over many years, for the planner of the full horizon. */
import type { ProgramContext } from '../../src/platform/program.ts';
import type { HorizonRequest, KindRows } from '../../src/queue/horizon.ts';
import { withoutStanding } from '../../src/queue/standing.ts';
import { priceRange } from '../market/storage.ts';
import { cellsByYear, prepare } from './prepare.ts';

/** @throws UserError as `prepare` does. */
export async function numericHorizon(
  { market, start, end, models }: HorizonRequest,
  context: Pick<ProgramContext, 'home' | 'databases' | 'signal'>,
): Promise<KindRows> {
  const rest = { window: null, limit: null, snapshots: false, skipExisting: false, shardCells: 8192 };
  const prepared = await prepare({ market, start, end, models, ...rest }, context);
  const ids = prepared.panel.instruments.map(({ id }) => id);
  const { first, last } = await priceRange(context.databases.historical, ids);
  const due = prepared.models.map((one) => ({
    modelId: one.model.manifest.model_id,
    byYear: cellsByYear(one, prepared),
  }));
  const entities = [...new Set(prepared.models.flatMap((one) => one.due.entities.map(({ id }) => id)))];
  const short = first === null || last === null || first > start || last < end;
  return {
    kind: 'numeric',
    table: 'numeric_window_embeddings',
    models: await withoutStanding(context.databases.historical, due, {
      text: `SELECT model_id AS model, as_of_date::date AS day, count(*) AS rows FROM numeric_window_embeddings
              WHERE model_id = ANY ($1) AND as_of_date::date BETWEEN $2 AND $3 AND entity_id = ANY ($4) GROUP BY 1, 2`,
      values: [models, start, end, entities],
    }),
    lacks: short
      ? [`prices cover ${first === null ? 'nothing' : `${first} … ${last}`}: rows of the other days are not counted`]
      : [],
    commands: (span) => {
      const range = ['--start-date', span.start, '--end-date', span.end, '--market', market];
      return [['backfill', 'numeric-embeddings', ...range, '--models', ...models, '--skip-existing']];
    },
  };
}
