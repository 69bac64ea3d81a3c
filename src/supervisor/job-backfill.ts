/** Which backfill a job began: its events say so before the first shard. */
import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../platform/errors.ts';
import { parseEvent } from './job-events.ts';
import { JobFile } from './job-files.ts';
import type { JobRecord } from './job-store.ts';

/** The name stands in front of all figures; no job says more before its first shard. */
const HEAD_BYTES = 256 * 1024;

/** Id of the backfill that a running job works on. @throws UserError when it has none, or does not run. */
export function backfillOfJob({ id, folder, state, spec }: JobRecord): string {
  if (state !== 'RUN')
    throw new UserError(`job ${id} does not run (${state})`, 'Only what runs can be paused or go on.');
  for (const line of headOf(path.join(folder, JobFile.events)).split('\n')) {
    const event = parseEvent(line);
    if (event?.type === 'artifact' && event.kind === 'backfill') return event.id;
  }
  throw new UserError(
    `job ${id} (${spec?.program ?? '?'}) has begun no backfill of shards`,
    `Only backfills of embeddings, and campaigns with --distributed, pause: between two shards. To end it: prometheus job stop ${id}`,
  );
}

function headOf(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(descriptor);
  }
}
