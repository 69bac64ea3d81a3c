/** What a joint backfill is made from: how many vectors there are, and a figure that changes when some come or go. */
import { MS_PER_DAY, parseDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { type Branch, type JointKind, type JointSpace, jointSpace, numericModels } from './ids.model.ts';

export interface InputState {
  readonly rows: number;
  readonly state: string;
}

/** Stored vectors of one kind. */
export interface Input {
  /** Whose work they are. */
  readonly kind: 'numeric' | 'text' | 'joint';
  readonly modelId: string;
  /** What stands after FROM, and the values of its parameters. */
  readonly from: string;
  readonly values: readonly unknown[];
  /** Expression over them that changes when one comes or goes. */
  readonly state: string;
}

/** The same where each vector has a day. */
interface DatedInput extends Input {
  readonly day: string;
}

/** `YYYY-MM-DD`, both days included. */
interface Span {
  readonly start: string;
  readonly end: string;
}

const numericInput = (modelId: string, entityType: string, { start, end }: Span): DatedInput => ({
  kind: 'numeric',
  modelId,
  from: `numeric_window_embeddings
      WHERE model_id = $1 AND as_of_date::date BETWEEN $2 AND $3 AND entity_type = $4`,
  values: [modelId, start, end, entityType],
  state: 'coalesce(sum(embedding_id), 0)::text',
  day: 'as_of_date::date',
});

const jointInput = ({ jointType, modelId }: JointSpace, { start, end }: Span): DatedInput => ({
  kind: 'joint',
  modelId,
  from: 'joint_embeddings WHERE joint_type = $1 AND model_id = $2 AND as_of_date::date BETWEEN $3 AND $4',
  values: [jointType, modelId, start, end],
  state: 'coalesce(sum(joint_id), 0)::text',
  day: 'as_of_date::date',
});

/** NEWS vectors of articles stamped in `[from, to)` (milliseconds since 1970), and their stamps. */
const newsInput = (modelId: string, from: number, to: number): Input => ({
  kind: 'text',
  modelId,
  from: `news_articles a JOIN text_embeddings t
         ON t.source_type = 'NEWS' AND t.source_id = a.article_id::text AND t.model_id = $1
      WHERE a."timestamp" >= to_timestamp($2::float8 / 1000) AND a."timestamp" < to_timestamp($3::float8 / 1000)`,
  values: [modelId, from, to],
  state: `coalesce(sum(t.embedding_id), 0)::text || '/' ||
            coalesce(sum(extract(epoch FROM a."timestamp")), 0)::text`,
});

/** Texts of issuers by trading day. */
const issuerDayInput = (modelId: string, { start, end }: Span): Input => ({
  kind: 'text',
  modelId,
  from: `text_embeddings WHERE source_type = 'NEWS_ISSUER_DAY' AND model_id = $1 AND right(source_id, 10) BETWEEN $2 AND $3`,
  values: [modelId, start, end],
  state: 'coalesce(sum(embedding_id), 0)::text',
});

/** Inputs by a name of their own, and what they are called. */
export const INPUT_WORDS = {
  profile: 'numeric profile',
  stab: 'numeric stability',
  profiles: 'joint profile',
  regimes: 'regime',
  news: 'news',
  texts: 'issuer day',
} as const;
export type InputName = keyof typeof INPUT_WORDS;

/** Which branch each input goes into. */
export const INPUT_BRANCHES: Readonly<Record<InputName, Branch>> = {
  profile: 'numeric',
  stab: 'stab',
  profiles: 'profile',
  regimes: 'regime',
  news: 'text',
  texts: 'text',
};
type Inputs = Readonly<
  Partial<Record<'news' | 'texts', Input> & Record<Exclude<InputName, 'news' | 'texts'>, DatedInput>>
>;

/** What a space is joined of over a span, beside profile texts and the regimes of the runtime database. */
export function inputsOf(
  { kind, version }: JointSpace,
  {
    start,
    end,
    textModel,
    textWindowDays,
  }: Span & { readonly textModel: string | null; readonly textWindowDays: number },
): Inputs {
  const span = { start, end };
  const models = numericModels(version);
  const joint = (of: JointKind) => jointInput(jointSpace(of, version), span);
  const news = () =>
    newsInput(textModel!, (parseDay(start) - textWindowDays) * MS_PER_DAY, (parseDay(end) + 1) * MS_PER_DAY);
  switch (kind) {
    case 'profile':
      return {
        profile: numericInput(models.profile, 'INSTRUMENT', span),
        regimes: numericInput(models.regime, version === 'v2' ? 'SECTOR' : 'INSTRUMENT', span),
      };
    case 'regime':
      return { news: news() };
    case 'stab':
      return { stab: numericInput(models.stab, 'INSTRUMENT', span), profiles: joint('profile') };
    case 'assessment':
      return {
        profiles: joint('profile'),
        stab: joint('stab'),
        regimes: joint('regime'),
        news: news(),
        texts: issuerDayInput(textModel!, span),
      };
  }
}

/** Texts that profiles are joined with. */
export const profileTextInput = (modelId: string): Input => ({
  kind: 'text',
  modelId,
  from: `text_embeddings WHERE source_type = 'PROFILE' AND model_id = $1`,
  values: [modelId],
  state: 'coalesce(sum(embedding_id), 0)::text',
});

/** Whether there is an article of these days (UTC). */
export async function hasNews(historical: Database, start: string, end: string): Promise<boolean> {
  return historical.client(async (client) => {
    const { rows } = await client.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM news_articles
                       WHERE "timestamp" >= to_timestamp($1::float8 / 1000) AND "timestamp" < to_timestamp($2::float8 / 1000)) AS found`,
      [parseDay(start) * MS_PER_DAY, (parseDay(end) + 1) * MS_PER_DAY],
    );
    return rows[0].found;
  });
}

export async function stateOf(database: Database, { from, values, state }: Input): Promise<InputState> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ rows: number; ids: string }>(
      `SELECT count(*) AS rows, ${state} AS ids FROM ${from}`,
      [...values],
    );
    return { rows: rows[0].rows, state: `${rows[0].rows}/${rows[0].ids}` };
  });
}

/** A calendar year of an input. */
export interface InputYear {
  readonly year: number;
  readonly rows: number;
  /** Days that have a vector. */
  readonly days: number;
}

/** How many vectors there are, by year; a year without has no entry. */
export async function yearsOf(database: Database, { from, values, day }: DatedInput): Promise<InputYear[]> {
  return database.client(async (client) => {
    const { rows } = await client.query<InputYear>(
      `SELECT extract(year FROM day)::int AS year, sum(rows)::float8 AS rows, count(*)::int AS days
         FROM (SELECT ${day} AS day, count(*) AS rows FROM ${from} GROUP BY 1) by_day GROUP BY 1 ORDER BY 1`,
      [...values],
    );
    return rows;
  });
}

/** Trading days on which a region has a regime vector. */
export async function regimeDays(runtime: Database, region: string, { start, end }: Span): Promise<number> {
  return runtime.client(async (client) => {
    const { rows } = await client.query<{ days: number }>(
      `SELECT count(DISTINCT as_of_date::date)::int AS days FROM regimes
        WHERE region = $1 AND as_of_date::date BETWEEN $2 AND $3 AND regime_embedding IS NOT NULL`,
      [region, start, end],
    );
    return rows[0].days;
  });
}
