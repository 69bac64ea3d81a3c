/** Text vectors due over many years, for the planner of the full horizon. */
import { dayOfInstant, formatDay } from '../../../src/platform/dates.ts';
import type { ProgramContext } from '../../../src/platform/program.ts';
import type { HorizonRequest, KindRows } from '../../../src/queue/horizon.ts';
import { withoutStanding } from '../../../src/queue/standing.ts';
import { loadTextModel, type TextModel } from '../models.storage.ts';
import { newsExtent } from './news.storage.ts';
import { textsByYear } from './prepare.ts';
import { doubtfulIssuerDays } from './vectors.storage.ts';

/** Vectors of articles by the article's UTC day, and of issuer days, whose id ends with the day, but those that are made anew ($4). */
const STANDING = `SELECT model, day, count(*) AS rows FROM (
    SELECT e.model_id AS model, (n."timestamp" AT TIME ZONE 'UTC')::date AS day
      FROM text_embeddings e JOIN news_articles n ON e.source_id = n.article_id::text
     WHERE e.source_type = 'NEWS' AND e.model_id = ANY ($1)
    UNION ALL
    SELECT model_id, CASE WHEN source_id ~ '[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN right(source_id, 10)::date END
      FROM text_embeddings WHERE source_type = 'NEWS_ISSUER_DAY' AND model_id = ANY ($1)
       AND NOT EXISTS (SELECT 1 FROM unnest($4::text[]) anew(key) WHERE anew.key = model_id || ' ' || source_id)) t
  WHERE day BETWEEN $2 AND $3 GROUP BY 1, 2`;

/** @throws UserError for a model that is not whole, a market that is not there, a calendar without holidays. */
export async function textHorizon(
  { market, start, end, models }: HorizonRequest,
  { home, databases, signal }: Pick<ProgramContext, 'home' | 'databases' | 'signal'>,
): Promise<KindRows> {
  const loaded: TextModel[] = [];
  for (const id of models) loaded.push(await loadTextModel(home.models, id));
  const { byYear, issuerDays } = await textsByYear({ market, start, end }, databases, signal);
  const anew: string[] = [];
  for (const { manifest } of loaded) {
    const { model_id, dim } = manifest;
    const doubts = await databases.historical.client((client) => doubtfulIssuerDays(client, model_id, dim, issuerDays));
    anew.push(...doubts.filter(({ doubt }) => doubt !== 'unseen').map(({ id }) => `${model_id} ${id}`));
  }
  const due = models.map((modelId) => ({ modelId, byYear }));
  const extent = await newsExtent(databases.historical);
  const covered = extent && [extent.first, extent.last].map((at) => formatDay(dayOfInstant(at)));
  const short = covered === null || covered[0] > start || covered[1] < end;
  return {
    kind: 'text',
    table: 'text_embeddings',
    models: await withoutStanding(databases.historical, due, { text: STANDING, values: [models, start, end, anew] }),
    lacks: short
      ? [`news covers ${covered ? covered.join(' … ') : 'nothing'}: texts of the other days are not counted`]
      : [],
    commands: (span) => {
      const range = ['--start', span.start, '--end', span.end, '--market', market];
      return [['backfill', 'text-embeddings', ...range, '--model-id', ...models, '--skip-existing']];
    },
  };
}
