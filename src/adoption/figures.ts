/** Counts in the rows of a database: duplicates, orphans, rows per model, holidays. Reads only. */
import pg from 'pg';
import type { DatabaseName } from '../platform/db/targets.ts';
import { type Catalogue, isUnique } from './catalogue.ts';
import { EXPECTED, KEYS, type WantedKey } from './expected.ts';
import type { Duplicates, HolidayCover, ModelRows, Orphans, Twin } from './types.ts';

/** Ids shown of what was found. */
const EXAMPLES = 5;

export const quote = pg.escapeIdentifier;

/** Whether every column of a key is there and may be read. */
const canCount = ({ tables }: Catalogue, { table, keys }: WantedKey): boolean => {
  const found = tables.get(table);
  return Boolean(
    found?.readable && keys.every((key) => key.startsWith('(') || found.columns.some((one) => one.name === key)),
  );
};

/** The columns that say what a row says, as a list of SQL expressions that can be compared. */
export function contentOf({ tables }: Catalogue, { table, surrogate }: WantedKey): string {
  return tables
    .get(table)!
    .columns.filter(({ name }) => !surrogate.includes(name))
    .map(({ name, type }) => (type === 'json' ? `${quote(name)}::text` : quote(name)))
    .join(', ');
}

/** Rows that share a natural key; a unique index that is there answers without a scan. */
export async function countDuplicates(
  client: pg.ClientBase,
  name: DatabaseName,
  catalogue: Catalogue,
): Promise<Duplicates[]> {
  const all: Duplicates[] = [];
  for (const wanted of KEYS[name]) {
    const { table, keys } = wanted;
    if (!catalogue.tables.has(table)) continue;
    if (isUnique(catalogue, wanted)) {
      all.push({ table, key: keys, keys: 0, rows: 0, conflicting: 0 });
    } else if (!canCount(catalogue, wanted)) {
      all.push({ table, key: keys, keys: null, rows: null, conflicting: null });
    } else {
      const list = keys.join(', ');
      const { rows } = await client.query<{ keys: number; rows: number; conflicting: number }>(
        `WITH twice AS (SELECT ${named(keys)} FROM ${table} WHERE ${present(keys)} GROUP BY ${list} HAVING count(*) > 1),
              kinds AS (SELECT ${named(keys)}, ${contentOf(catalogue, wanted)}, count(*) AS n FROM ${table}
                         WHERE (${list}) IN (SELECT * FROM twice) GROUP BY ${list}, ${contentOf(catalogue, wanted)}),
              by_key AS (SELECT sum(n) AS n, count(*) AS kinds FROM kinds GROUP BY ${keys
                .map((_, i) => i + 1)
                .map((i) => `k${i}`)
                .join(', ')})
         SELECT count(*) AS keys, coalesce(sum(n - 1), 0) AS rows, count(*) FILTER (WHERE kinds > 1) AS conflicting FROM by_key`,
      );
      all.push({ table, key: keys, ...rows[0] });
    }
  }
  return all;
}

const named = (keys: readonly string[]) => keys.map((key, i) => `${key} AS k${i + 1}`).join(', ');
/** A null is no key: unique indexes let it stand any number of times. */
export const present = (keys: readonly string[]) => keys.map((key) => `${key} IS NOT NULL`).join(' AND ');

interface OrphanLook {
  readonly what: string;
  readonly tables: readonly string[];
  /** Ids of the rows. */
  readonly sql: string;
}

const without = (child: string, key: string, parent: string): OrphanLook => ({
  what: `${child} without its row in ${parent}`,
  tables: [child, parent],
  sql: `SELECT c.${key}::text AS id FROM ${child} c WHERE c.${key} IS NOT NULL
          AND NOT EXISTS (SELECT FROM ${parent} p WHERE p.${key} = c.${key})`,
});

const ORPHANS: Readonly<Record<DatabaseName, readonly OrphanLook[]>> = {
  historical: [without('news_links', 'article_id', 'news_articles')],
  runtime: [
    {
      what: 'backtest_runs without metrics',
      tables: ['backtest_runs'],
      sql: `SELECT run_id::text AS id FROM backtest_runs
             WHERE coalesce(jsonb_typeof(metrics_json->'cumulative_return') = 'number', false) IS FALSE`,
    },
    {
      what: 'backtest_runs without equity',
      tables: ['backtest_runs', 'backtest_daily_equity'],
      sql: `SELECT run_id::text AS id FROM backtest_runs r
             WHERE NOT EXISTS (SELECT FROM backtest_daily_equity e WHERE e.run_id = r.run_id)`,
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
export async function countOrphans(
  client: pg.ClientBase,
  name: DatabaseName,
  { tables }: Catalogue,
): Promise<Orphans[]> {
  const all: Orphans[] = [];
  for (const { what, tables: needed, sql } of ORPHANS[name]) {
    if (!needed.every((table) => tables.has(table))) continue;
    if (!needed.every((table) => tables.get(table)!.readable)) {
      all.push({ what, rows: null, examples: [] });
      continue;
    }
    const { rows } = await client.query<{ rows: number; examples: string[] | null }>(
      `SELECT count(*) AS rows, (array_agg(DISTINCT id COLLATE "C"))[1:${EXAMPLES}] AS examples FROM (${sql}) found`,
    );
    all.push({ what, rows: rows[0].rows, examples: rows[0].examples ?? [] });
  }
  return all;
}

/** Vectors by model. */
export async function countModels(client: pg.ClientBase, { tables }: Catalogue): Promise<ModelRows[]> {
  const all: ModelRows[] = [];
  for (const [table, day] of [
    ['numeric_window_embeddings', 'as_of_date'],
    ['text_embeddings', null],
    ['joint_embeddings', 'as_of_date'],
  ] as const) {
    if (!tables.get(table)?.readable) continue;
    const span = day ? `min(${day})::text AS first, max(${day})::text AS last` : 'NULL AS first, NULL AS last';
    const { rows } = await client.query<ModelRows>(
      `SELECT $1::text AS table, model_id AS model, count(*) AS rows, ${span} FROM ${table} GROUP BY model_id ORDER BY model_id COLLATE "C"`,
      [table],
    );
    all.push(...rows);
  }
  return all;
}

/** Holidays by market against the years that have prices. */
export async function readHolidays(client: pg.ClientBase, { tables }: Catalogue): Promise<HolidayCover[]> {
  if (!tables.get('market_holidays')?.readable || !tables.get('prices_daily')?.readable) return [];
  const { rows } = await client.query<HolidayCover>(
    `WITH span AS (SELECT extract(year FROM min(trade_date))::int AS first, extract(year FROM max(trade_date))::int AS last FROM prices_daily),
          years AS (SELECT market_id, extract(year FROM holiday_date)::int AS year FROM market_holidays GROUP BY 1, 2)
     SELECT market_id AS market, count(*) AS rows, min(holiday_date)::text AS first, max(holiday_date)::text AS last,
            ARRAY(SELECT y FROM span, generate_series(span.first, span.last) y
                   WHERE NOT EXISTS (SELECT FROM years WHERE years.market_id = h.market_id AND years.year = y) ORDER BY y) AS "yearsWithout"
       FROM market_holidays h GROUP BY market_id ORDER BY market_id COLLATE "C"`,
  );
  return rows;
}

/** Tables that belong to the other database: Alembic made every table in both. */
export async function readTwins(client: pg.ClientBase, name: DatabaseName, { tables }: Catalogue): Promise<Twin[]> {
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
