/** Counts in the rows of a database: duplicates, orphans, rows per model. Reads only. */
import pg from 'pg';
import type { DatabaseName } from '../platform/db/targets.ts';
import { type Catalogue, columnsOf, isUnique } from './catalogue.ts';
import { EXPECTED, KEYS, type WantedKey } from './expected.ts';
import { type Looker, look } from './look.ts';
import type { Duplicates, ModelRows, Orphans, Twin } from './types.ts';

/** Ids shown of what was found. */
const EXAMPLES = 5;

export const quote = pg.escapeIdentifier;

/** Types that can be compared; json, points and whatever else they may have is compared as text. */
const COMPARABLE =
  /^(character varying|text|double precision|real|numeric|smallint|integer|bigint|boolean|bytea|date|timestamp|uuid|jsonb)\b[^[]*$/;

/** The columns that say what a row says, as a list of SQL expressions that can be compared. */
export function contentOf({ tables }: Catalogue, { table, surrogate }: WantedKey): string {
  return tables
    .get(table)!
    .columns.filter(({ name }) => !surrogate.includes(name))
    .map(({ name, type }) => (COMPARABLE.test(type) ? quote(name) : `${quote(name)}::text`))
    .join(', ');
}

/** Rows that share a natural key; a unique index that is there answers without a scan. */
export async function countDuplicates(looker: Looker): Promise<Duplicates[]> {
  const { client, catalogue, name } = looker;
  const all: Duplicates[] = [];
  for (const wanted of KEYS[name]) {
    const { table, keys } = wanted;
    if (!catalogue.tables.has(table)) continue;
    if (isUnique(catalogue, wanted)) {
      all.push({ table, key: keys, keys: 0, rows: 0, conflicting: 0 });
      continue;
    }
    const found = await look(
      looker,
      `rows of ${table} that are there twice`,
      { [table]: columnsOf(wanted) },
      async () => {
        const list = keys.join(', ');
        const content = contentOf(catalogue, wanted);
        const { rows } = await client.query<{ keys: number; rows: number; conflicting: number }>(
          `WITH twice AS (SELECT ${named(keys)} FROM ${table} WHERE ${present(keys)} GROUP BY ${list} HAVING count(*) > 1),
              kinds AS (SELECT ${named(keys)}, ${content}, count(*) AS n FROM ${table}
                         WHERE (${list}) IN (SELECT * FROM twice) GROUP BY ${list}, ${content}),
              by_key AS (SELECT sum(n) AS n, count(*) AS kinds FROM kinds GROUP BY ${keys.map((_, i) => `k${i + 1}`).join(', ')})
         SELECT count(*) AS keys, coalesce(sum(n - 1), 0) AS rows, count(*) FILTER (WHERE kinds > 1) AS conflicting FROM by_key`,
        );
        return rows[0];
      },
    );
    all.push({ table, key: keys, ...(found ?? { keys: null, rows: null, conflicting: null }) });
  }
  return all;
}

const named = (keys: readonly string[]) => keys.map((key, i) => `${key} AS k${i + 1}`).join(', ');
/** A null is no key: unique indexes let it stand any number of times. */
export const present = (keys: readonly string[]) => keys.map((key) => `${key} IS NOT NULL`).join(' AND ');

interface OrphanLook {
  readonly what: string;
  readonly needs: Readonly<Record<string, readonly string[]>>;
  /** Ids of the rows. */
  readonly sql: string;
}

// As text: of two tables that their owner changed one by one, one may hold uuids.
const without = (child: string, key: string, parent: string): OrphanLook => ({
  what: `${child} without its row in ${parent}`,
  needs: { [child]: [key], [parent]: [key] },
  sql: `SELECT c.${key}::text AS id FROM ${child} c WHERE c.${key} IS NOT NULL
          AND NOT EXISTS (SELECT FROM ${parent} p WHERE p.${key}::text = c.${key}::text)`,
});

const ORPHANS: Readonly<Record<DatabaseName, readonly OrphanLook[]>> = {
  historical: [without('news_links', 'article_id', 'news_articles')],
  runtime: [
    {
      what: 'backtest_runs without metrics',
      needs: { backtest_runs: ['run_id', 'metrics_json'] },
      sql: `SELECT run_id::text AS id FROM backtest_runs
             WHERE coalesce(jsonb_typeof(metrics_json::jsonb->'cumulative_return') = 'number', false) IS FALSE`,
    },
    {
      what: 'backtest_runs without equity',
      needs: { backtest_runs: ['run_id'], backtest_daily_equity: ['run_id'] },
      sql: `SELECT run_id::text AS id FROM backtest_runs r
             WHERE NOT EXISTS (SELECT FROM backtest_daily_equity e WHERE e.run_id::text = r.run_id::text)`,
    },
    without('backtest_daily_equity', 'run_id', 'backtest_runs'),
    without('backtest_trades', 'run_id', 'backtest_runs'),
    without('fills', 'order_id', 'orders'),
    without('decision_outcomes', 'decision_id', 'engine_decisions'),
    without('instruments', 'issuer_id', 'issuers'),
    without('instruments', 'market_id', 'markets'),
  ],
};

/** Rows that point at nothing, and runs that never ended. */
export async function countOrphans(looker: Looker): Promise<Orphans[]> {
  const all: Orphans[] = [];
  for (const { what, needs, sql } of ORPHANS[looker.name]) {
    if (!Object.keys(needs).every((table) => looker.catalogue.tables.has(table))) continue;
    const found = await look(looker, what, needs, async () => {
      const { rows } = await looker.client.query<{ rows: number; examples: string[] | null }>(
        `SELECT count(*) AS rows, (array_agg(DISTINCT id COLLATE "C"))[1:${EXAMPLES}] AS examples FROM (${sql}) found`,
      );
      return rows[0];
    });
    all.push({ what, rows: found?.rows ?? null, examples: found?.examples ?? [] });
  }
  return all;
}

/** Vectors by model. */
export async function countModels(looker: Looker): Promise<ModelRows[]> {
  const all: ModelRows[] = [];
  for (const [table, day] of [
    ['numeric_window_embeddings', 'as_of_date'],
    ['text_embeddings', null],
    ['joint_embeddings', 'as_of_date'],
  ] as const) {
    if (!looker.catalogue.tables.has(table)) continue;
    const span = day
      ? `min(${day})::date::text AS first, max(${day})::date::text AS last`
      : 'NULL AS first, NULL AS last';
    const needs = { [table]: ['model_id', ...(day ? [day] : [])] };
    const found = await look(looker, `rows of ${table} by model`, needs, async () => {
      const { rows } = await looker.client.query<ModelRows>(
        `SELECT $1::text AS table, model_id::text AS model, count(*) AS rows, ${span} FROM ${table}
          GROUP BY model_id ORDER BY model_id::text COLLATE "C"`,
        [table],
      );
      return rows;
    });
    all.push(...(found ?? []));
  }
  return all;
}

/** Tables that belong to the other database: Alembic made every table in both. */
export async function readTwins({ client, name, catalogue: { tables } }: Looker): Promise<Twin[]> {
  const other = name === 'historical' ? 'runtime' : 'historical';
  const twins: Twin[] = [];
  for (const table of Object.keys(EXPECTED[other])) {
    const found = tables.get(table);
    if (!found) continue;
    if (!found.readable) {
      twins.push({ table, empty: null });
      continue;
    }
    const { rows } = await client.query<{ empty: boolean }>(`SELECT NOT EXISTS (SELECT FROM ${table}) AS empty`);
    twins.push({ table, empty: rows[0].empty });
  }
  return twins;
}
