/** What people say about phases, as rows of the runtime database: only ever added. */
import type { Database } from '../platform/db/databases.ts';
import { UserError } from '../platform/errors.ts';
import type { NoteRequest, SkipRequest } from '../supervisor/protocol.ts';

type By<Request> = Request & { readonly who: string };

/** Keeps a note on a phase. */
export const addNote = (runtime: Database, { phase, note, who }: By<NoteRequest>): Promise<void> =>
  insertRecord(runtime, 'console.notes', { phase, note, noted_by: who });

/** Keeps that a phase is left out from now on, or no longer. */
export const addSkip = (runtime: Database, { phase, skipped, reason, who }: By<SkipRequest>): Promise<void> =>
  insertRecord(runtime, 'console.phase_skips', { phase, skipped, reason, decided_by: who });

/** Adds a row; tables of the schema console are missing in an adopted database that was not migrated. */
export async function insertRecord(
  runtime: Database,
  table: string,
  row: Readonly<Record<string, unknown>>,
): Promise<void> {
  await runtime.client(async (client) => {
    const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [table]);
    if (!rows[0].there) throw new UserError(`the runtime database has no table ${table}`, 'Run: prometheus db migrate');
    const names = Object.keys(row);
    await client.query(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
      Object.values(row),
    );
  });
}
