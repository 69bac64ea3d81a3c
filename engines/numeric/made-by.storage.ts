/** Which fit of a model made the vectors that stand under its id, as far as backfills are on record. */
import { formatDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { UserError } from '../../src/platform/errors.ts';
import type { NumericModel } from './models.storage.ts';

/**
 * Marks of other fits on days that still have rows and that no later whole backfill has replaced. `$1` model, `$2` its
 * fingerprint here, `$3` and `$4` first and last day or null.
 */
const MADE_BY_OTHERS = `
  SELECT b.models->>$1 AS fingerprint, min(d.first_date)::text AS first, max(d.last_date)::text AS last
    FROM console.backfills b JOIN console.shard_done d ON d.backfill_id = b.backfill_id
   WHERE b.kind = 'numeric' AND d.model_id = $1 AND d.rows > 0 AND b.models->>$1 <> $2
     AND ($3::date IS NULL OR d.last_date >= $3::date) AND ($4::date IS NULL OR d.first_date <= $4::date)
     AND EXISTS (SELECT 1 FROM numeric_window_embeddings v
                  WHERE v.model_id = $1 AND v.as_of_date::date BETWEEN d.first_date AND d.last_date)
     AND NOT EXISTS (
       SELECT 1 FROM console.backfills n
        WHERE n.kind = 'numeric' AND n.state = 'done' AND n.created_at > b.created_at AND n.models ? $1
          AND n.spec->>'market' = b.spec->>'market'
          AND n.spec->>'start' <= d.first_date::text AND n.spec->>'end' >= d.last_date::text
          AND n.spec @> '{"skipExisting": false, "snapshots": false, "limit": null}')
   GROUP BY 1 ORDER BY max(d.done_at) DESC LIMIT 1`;

/**
 * That the vectors of a fitted model were made by the fit that is installed here. A model that needs no fit is the same
 * function everywhere; rows that no backfill on record wrote (an adopted table) are nobody's.
 * @param range day numbers; null: all days.
 * @throws UserError naming both fits when others made some of them.
 */
export async function requireMadeBy(
  historical: Database,
  { manifest, fingerprint }: NumericModel,
  range: { readonly start: number; readonly end: number } | null,
  fix: string,
): Promise<void> {
  if (!manifest.fit) return;
  const { model_id: id } = manifest;
  const [other] = await historical.client(async (client) => {
    const days = range ? [formatDay(range.start), formatDay(range.end)] : [null, null];
    return (
      await client.query<{ fingerprint: string; first: string; last: string }>(MADE_BY_OTHERS, [
        id,
        fingerprint,
        ...days,
      ])
    ).rows;
  });
  if (!other) return;
  throw new UserError(
    `vectors of ${id} from ${other.first} to ${other.last} were made by another fit (${short(other.fingerprint)}) than the one installed here (${short(fingerprint)}, fitted up to ${manifest.fit.fit_end})`,
    fix,
  );
}

const short = (fingerprint: string): string => fingerprint.slice(0, 12);
