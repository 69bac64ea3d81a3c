/** Text vectors due over many years, for the planner of the full horizon. */
import { dayOfInstant, formatDay } from '../../../src/platform/dates.ts';
import type { ProgramContext } from '../../../src/platform/program.ts';
import type { HorizonRequest, KindRows } from '../../../src/queue/horizon.ts';
import { loadTextModel } from '../models.storage.ts';
import { newsExtent } from './news.storage.ts';
import { textsByYear } from './prepare.ts';

/** @throws UserError for a model that is not whole, a market that is not there, a calendar without holidays. */
export async function textHorizon(
  { market, start, end, models }: HorizonRequest,
  { home, databases, signal }: Pick<ProgramContext, 'home' | 'databases' | 'signal'>,
): Promise<KindRows> {
  for (const id of models) await loadTextModel(home.models, id);
  const byYear = await textsByYear({ market, start, end }, databases, signal);
  const extent = await newsExtent(databases.historical);
  const covered = extent && [extent.first, extent.last].map((at) => formatDay(dayOfInstant(at)));
  const short = covered === null || covered[0] > start || covered[1] < end;
  return {
    kind: 'text',
    table: 'text_embeddings',
    models: models.map((modelId) => ({ modelId, byYear })),
    lacks: short
      ? [`news covers ${covered ? covered.join(' … ') : 'nothing'}: texts of the other days are not counted`]
      : [],
    commands: (span) => {
      const range = ['--start', span.start, '--end', span.end, '--market', market];
      return [['backfill', 'text-embeddings', ...range, '--model-id', ...models, '--skip-existing']];
    },
  };
}
