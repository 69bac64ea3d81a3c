/** Rows of a backfill that stand already: `--skip-existing`, by which the full horizon is planned, leaves them. */
import type { Database } from '../platform/db/databases.ts';
import type { ModelRows } from './horizon.ts';

/**
 * What is left to write of the rows due. `standing` is a query of `model`, `day` (a date) and `rows`: rows of these models
 * within the days that are planned.
 */
export async function withoutStanding(
  database: Database,
  due: readonly Pick<ModelRows, 'modelId' | 'byYear'>[],
  standing: { readonly text: string; readonly values: readonly unknown[] },
): Promise<ModelRows[]> {
  const { rows } = await database.client((client) =>
    client.query<{ model: string; year: number; rows: number }>(
      `SELECT model, extract(year FROM day)::int AS year, sum(rows)::float8 AS rows FROM (${standing.text}) there GROUP BY 1, 2`,
      [...standing.values],
    ),
  );
  return due.map(({ modelId, byYear }) => {
    let stand = 0;
    const left = [...byYear].map(([year, count]): [number, number] => {
      const there = rows.find((one) => one.model === modelId && one.year === year)?.rows ?? 0;
      // Rows that nothing asks for any more (of a name that is gone) stand there too.
      const kept = Math.min(count, there);
      stand += kept;
      return [year, count - kept];
    });
    return { modelId, byYear: new Map(left.filter(([, count]) => count > 0)), standing: stand };
  });
}
