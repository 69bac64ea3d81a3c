/** Text vectors due over many years, for the planner of the full horizon. */
import { dayOfInstant, formatDay } from '../../../src/platform/dates.ts';
import type { ProgramContext } from '../../../src/platform/program.ts';
import type { HorizonRequest, KindRows } from '../../../src/queue/horizon.ts';
import { withoutStanding } from '../../../src/queue/standing.ts';
import { loadTextModel } from '../models.storage.ts';
import { newsExtent } from './news.storage.ts';
import { textsByYear } from './prepare.ts';

/** Vectors of articles by the article's UTC day, and of issuer days, whose id ends with the day. */
const STANDING = `SELECT model, day, count(*) AS rows FROM (
    SELECT e.model_id AS model, (n."timestamp" AT TIME ZONE 'UTC')::date AS day
      FROM text_embeddings e JOIN news_articles n ON e.source_id = n.article_id::text
     WHERE e.source_type = 'NEWS' AND e.model_id = ANY ($1)
    UNION ALL
    SELECT model_id, CASE WHEN source_id ~ '[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN right(source_id, 10)::date END
      FROM text_embeddings WHERE source_type = 'NEWS_ISSUER_DAY' AND model_id = ANY ($1)) t
  WHERE day BETWEEN $2 AND $3 GROUP BY 1, 2`;

/** @throws UserError for a model that is not whole, a market that is not there, a calendar without holidays. */
export async function textHorizon(
  { market, start, end, models }: HorizonRequest,
  { home, databases, signal }: Pick<ProgramContext, 'home' | 'databases' | 'signal'>,
): Promise<KindRows> {
  for (const id of models) await loadTextModel(home.models, id);
  const byYear = await textsByYear({ market, start, end }, databases, signal);
  const due = models.map((modelId) => ({ modelId, byYear }));
  const extent = await newsExtent(databases.historical);
  const covered = extent && [extent.first, extent.last].map((at) => formatDay(dayOfInstant(at)));
  const short = covered === null || covered[0] > start || covered[1] < end;
  return {
    kind: 'text',
    table: 'text_embeddings',
    models: await withoutStanding(databases.historical, due, { text: STANDING, values: [models, start, end] }),
    lacks: short
      ? [`news covers ${covered ? covered.join(' … ') : 'nothing'}: texts of the other days are not counted`]
      : [],
    commands: (span) => {
      const range = ['--start', span.start, '--end', span.end, '--market', market];
      return [['backfill', 'text-embeddings', ...range, '--model-id', ...models, '--skip-existing']];
    },
  };
}
