/** Numeric vectors due over many years, for the planner of the full horizon. */
import { civilFromDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import type { HorizonRequest, KindRows, ModelRows } from '../../src/queue/horizon.ts';
import { priceRange } from '../market/storage.ts';
import { type Prepared, prepare } from './prepare.ts';
import { standingCells } from './standing.storage.ts';

/** What is left to write: due, and no vector there. One that is not due stands in for no other. */
async function rowsLeft({ panel, days, models }: Prepared, historical: Database): Promise<ModelRows[]> {
  const T = panel.calendar.days.length;
  const years = Int32Array.from(panel.calendar.days, (day) => civilFromDay(day).year);
  const there = await standingCells(historical, { panel, models });
  return models.map(({ model, due, owned }, m) => {
    const byYear = new Map<number, number>();
    let standing = 0;
    for (const e of owned) {
      for (const t of days) {
        if (!due.due[e * T + t]) continue;
        if (there[m][e * T + t]) standing++;
        else byYear.set(years[t], (byYear.get(years[t]) ?? 0) + 1);
      }
    }
    return { modelId: model.manifest.model_id, byYear, standing };
  });
}

/** @throws UserError as `prepare` does. */
export async function numericHorizon(
  { market, start, end, models }: HorizonRequest,
  context: Pick<ProgramContext, 'home' | 'databases' | 'signal'>,
): Promise<KindRows> {
  const rest = { window: null, limit: null, snapshots: false, skipExisting: false, shardCells: 8192 };
  const prepared = await prepare({ market, start, end, models, ...rest }, context);
  const ids = prepared.panel.instruments.map(({ id }) => id);
  const { first, last } = await priceRange(context.databases.historical, ids);
  const short = first === null || last === null || first > start || last < end;
  return {
    kind: 'numeric',
    table: 'numeric_window_embeddings',
    models: await rowsLeft(prepared, context.databases.historical),
    lacks: short
      ? [`prices cover ${first === null ? 'nothing' : `${first} … ${last}`}: rows of the other days are not counted`]
      : [],
    commands: (span) => {
      const range = ['--start-date', span.start, '--end-date', span.end, '--market', market];
      return [['backfill', 'numeric-embeddings', ...range, '--models', ...models, '--skip-existing']];
    },
  };
}
