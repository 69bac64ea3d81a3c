/** Whether a database's server runs on this machine, and where it keeps its data. */
import { readFileSync } from 'node:fs';
import type { Database } from './databases.ts';

/**
 * The server's data folder, told by the server; null with the reason where it is another machine's (or another container's)
 * or the role may not know it. That it is ours is seen by our own session's process, which stands in `/proc`: an address does
 * not tell, for a tunnel ends on localhost too.
 */
export async function localDataFolder(
  database: Database,
): Promise<{ readonly folder: string | null; readonly problem: string | null }> {
  return database.client(async (client) => {
    const { rows } = await client.query<{ pid: number; folder: string | null }>(
      `SELECT pg_backend_pid() AS pid, (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS folder`,
    );
    const { pid, folder } = rows[0];
    if (!isPostgres(pid)) return { folder: null, problem: "the databases' disk is not this machine's to measure" };
    const hidden = 'the server does not tell this role its folder (GRANT pg_read_all_settings)';
    return { folder, problem: folder === null ? hidden : null };
  });
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres');
  } catch {
    return false;
  }
}
