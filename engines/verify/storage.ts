/** Evidence rows of the runtime database: what a computing check has seen, for the phase board to read. */
import type { Database } from '../../src/platform/db/databases.ts';
import type { Phase } from '../../src/platform/program.ts';
import type { Provenance } from '../../src/platform/provenance.ts';

export interface Evidence {
  readonly checkId: string;
  readonly phase: Phase;
  readonly state: 'OK' | 'PART' | 'FAIL';
  readonly observed: Record<string, unknown>;
  readonly required: Record<string, unknown>;
  /** Why it is not OK; empty when it is. */
  readonly reason: string;
  readonly provenance: Provenance;
}

/** Appends one evidence row; the newest row of a check is the one that counts. */
export async function writeEvidence(runtime: Database, evidence: Evidence): Promise<void> {
  const { checkId, phase, state, observed, required, reason, provenance } = evidence;
  await runtime.client((client) =>
    client.query(
      `INSERT INTO console.evidence (check_id, phase, state, observed, required, reason, build, git_sha)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [checkId, phase, state, observed, required, reason, provenance.build, provenance.gitSha],
    ),
  );
}
