/** Which fit of a model made the vectors that stand under its id, as far as backfills are on record. */
import { formatDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { UserError } from '../../src/platform/errors.ts';
import type { Manifest } from './manifest.model.ts';
import { readManifest, type VerifiedModel } from './storage.ts';

/** Backfills whose vectors a model's folder makes. */
type MadeKind = 'numeric' | 'text';

/** Day numbers, both included. */
interface DayRange {
  readonly start: number;
  readonly end: number;
}

/** A later backfill that replaced all rows of the backfill `b`, beside market and days. */
const WHOLE: Readonly<Record<MadeKind, string>> = {
  numeric: `n.spec @> '{"skipExisting": false, "snapshots": false, "limit": null}'`,
  text: `n.spec @> '{"skipExisting": false, "limit": null}' AND n.spec->'sources' @> (b.spec->'sources')`,
};

/** Whether rows of the days of the mark `d` stand. A text shard's first article may come days before its first trading day. */
const STANDING: Readonly<Record<MadeKind, string>> = {
  numeric: `EXISTS (SELECT 1 FROM numeric_window_embeddings v
                     WHERE v.model_id = $1
                       AND v.as_of_date::date BETWEEN greatest(d.first_date, $3::date) AND least(d.last_date, $4::date))`,
  text: `(EXISTS (SELECT 1 FROM text_embeddings v WHERE v.model_id = $1 AND v.source_type = 'NEWS_ISSUER_DAY'
                    AND right(v.source_id, 10) BETWEEN greatest(d.first_date, $3::date)::text
                                                   AND least(d.last_date, $4::date)::text)
       OR EXISTS (SELECT 1 FROM news_articles a JOIN text_embeddings v
                     ON v.source_type = 'NEWS' AND v.source_id = a.article_id::text AND v.model_id = $1
                   WHERE a."timestamp" >= greatest(d.first_date, $3::date) - 4
                     AND a."timestamp" < least(d.last_date, $4::date) + 1))`,
};

/**
 * Fits whose marks lie on days that still have rows and that no later whole backfill has replaced, the newest first. `$1` model,
 * `$2` a fingerprint that is left out or null, `$3` and `$4` first and last day or null: of a mark that reaches beyond them only
 * what lies between counts. A text shard's last day may lie after its backfill's: news of the evening.
 */
const makersQuery = (kind: MadeKind) => `
  SELECT m.*, f.fingerprint IS NOT NULL AS told, f.fit_end::text AS "fitEnd" FROM (
    SELECT b.models->>$1 AS fingerprint, greatest(min(d.first_date), $3::date)::text AS first,
           least(max(d.last_date), $4::date)::text AS last, max(d.done_at) AS at
      FROM console.backfills b JOIN console.shard_done d ON d.backfill_id = b.backfill_id
     WHERE b.kind = '${kind}' AND d.model_id = $1 AND d.rows > 0 AND b.models->>$1 IS DISTINCT FROM $2
       AND ($3::date IS NULL OR d.last_date >= $3::date) AND ($4::date IS NULL OR d.first_date <= $4::date)
       AND ${STANDING[kind]}
       AND NOT EXISTS (
         SELECT 1 FROM console.backfills n
          WHERE n.kind = '${kind}' AND n.state = 'done' AND n.created_at > b.created_at AND n.models ? $1
            AND n.spec->>'market' = b.spec->>'market'
            AND n.spec->>'start' <= greatest(d.first_date::text, b.spec->>'start', $3::date::text)
            AND n.spec->>'end' >= least(d.last_date::text, b.spec->>'end', $4::date::text)
            AND ${WHOLE[kind]})
     GROUP BY 1) m
    LEFT JOIN console.model_fits f ON f.model_id = $1 AND f.fingerprint = m.fingerprint
   ORDER BY m.at DESC`;

interface Maker {
  readonly fingerprint: string;
  /** `YYYY-MM-DD` */
  readonly first: string;
  readonly last: string;
  /** Whether it is on record what it had learnt from; of older backfills it is not. */
  readonly told: boolean;
  /** Last day that it had learnt from; null for a plain function. */
  readonly fitEnd: string | null;
}

async function makersOf(
  historical: Database,
  kind: MadeKind,
  id: string,
  range: DayRange | null,
  except: string | null,
): Promise<Maker[]> {
  const days = range ? [formatDay(range.start), formatDay(range.end)] : [null, null];
  return historical.client(
    async (client) => (await client.query<Maker>(makersQuery(kind), [id, except, ...days])).rows,
  );
}

/** A model as far as its folder says which one it is. */
type Known = Pick<VerifiedModel, 'manifest' | 'fingerprint'>;

/** Last day that a fitted model has learnt from (`YYYY-MM-DD`); null for a plain function. */
const fitEndOf = (manifest: Manifest): string | null => ('fit' in manifest ? (manifest.fit?.fit_end ?? null) : null);

/** Keeps what models have learnt from, for days on which their folders are gone or others. */
export async function recordFits(historical: Database, models: readonly Known[]): Promise<void> {
  await historical.client(async (client) => {
    for (const { manifest, fingerprint } of models) {
      await client.query('INSERT INTO console.model_fits VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
        manifest.model_id,
        fingerprint,
        fitEndOf(manifest),
      ]);
    }
  });
}

/** Where vectors, the record of backfills and models are. */
export interface Places {
  readonly historical: Database;
  /** The model registry. */
  readonly folder: string;
}

/**
 * That the vectors of a model were made by the fit that is installed here. A model that needs no fit is the same function
 * everywhere; rows that no backfill on record wrote (an adopted table) are nobody's.
 * @param range day numbers; null: all days.
 * @throws UserError naming both fits when others made some of them.
 */
export async function requireMadeBy(
  historical: Database,
  kind: MadeKind,
  model: Known,
  range: DayRange | null,
  fix: string,
): Promise<void> {
  const { model_id: id } = model.manifest;
  const others = await makersOf(historical, kind, id, range, model.fingerprint);
  const other = others.find(({ fitEnd }) => fitEnd !== null || fitEndOf(model.manifest) !== null);
  if (other) throw madeByOther(`vectors of ${id} from ${other.first} to ${other.last}`, other.fingerprint, model, fix);
}

/** The same over all days, for a backfill that is to leave the vectors that stand. */
export async function requireOwnVectors(historical: Database, kind: MadeKind, models: readonly Known[]): Promise<void> {
  const fix =
    'Make them anew: the same command over their days without --skip-existing, or give this fit an id of its own: prometheus models fit … --as ID';
  for (const model of models) await requireMadeBy(historical, kind, model, null, fix);
}

function madeByOther(what: string, other: string, { manifest, fingerprint }: Known, fix: string): UserError {
  const end = fitEndOf(manifest);
  const here = `${short(fingerprint)}, ${end === null ? 'not fitted' : `fitted up to ${end}`}`;
  return new UserError(`${what} were made by another fit (${short(other)}) than the one installed here (${here})`, fix);
}

/** In place of a day, where nobody can say what vectors have learnt from: it comes after every day. */
export const FIT_END_UNKNOWN = 'unknown';

/**
 * The last day (`YYYY-MM-DD`) that whatever made the vectors of a model in a range has learnt from: of the model that is
 * installed, else of those on record. Null when they have learnt from nothing, `FIT_END_UNKNOWN` when nobody knows.
 * @throws UserError with `fix` when another fit made some of them than the one that is installed.
 */
export async function learntFrom(
  { historical, folder }: Places,
  kind: MadeKind,
  id: string,
  range: DayRange,
  fix: string,
): Promise<string | null> {
  const installed = await installedModel(folder, id);
  if (installed) {
    await requireMadeBy(historical, kind, installed, range, fix);
    return fitEndOf(installed.manifest);
  }
  const makers = await makersOf(historical, kind, id, range, null);
  if (makers.length === 0 || makers.some(({ told }) => !told)) return FIT_END_UNKNOWN;
  return latest(makers.map(({ fitEnd }) => fitEnd));
}

/**
 * What one fit of a model has learnt from: of the model that is installed, else on record; undefined when nobody knows.
 * @throws UserError about `what` with `fix` when another fit is installed.
 */
export async function learntFromFit(
  { historical, folder }: Places,
  { id, fingerprint }: { readonly id: string; readonly fingerprint: string },
  what: string,
  fix: string,
): Promise<string | null | undefined> {
  const installed = await installedModel(folder, id);
  if (installed?.fingerprint === fingerprint) return fitEndOf(installed.manifest);
  if (installed) throw madeByOther(what, fingerprint, installed, fix);
  return historical.client(async (client) => {
    const { rows } = await client.query<{ end: string | null }>(
      'SELECT fit_end::text AS "end" FROM console.model_fits WHERE model_id = $1 AND fingerprint = $2',
      [id, fingerprint],
    );
    return rows[0]?.end;
  });
}

/** A folder that is not there or cannot be read says nothing; the record of backfills does. */
const installedModel = (folder: string, id: string): Promise<Known | null> =>
  readManifest(folder, id).catch(() => null);

/** The latest of some days; null is none. */
export const latest = (days: readonly (string | null)[]): string | null =>
  days.reduce((last, day) => (last === null || (day !== null && day > last) ? day : last), null);

const short = (fingerprint: string): string => fingerprint.slice(0, 12);
