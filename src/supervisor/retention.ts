/** What is removed and compressed by itself: records and large logs of jobs that ended long ago. */
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Home } from '../platform/home.ts';
import type { Settings } from '../platform/settings.ts';
import { JobFile } from './job-files.ts';
import { hasEnded } from './job-state.ts';
import type { JobView } from './protocol.ts';

const DAY_MS = 86_400_000;
/** Logs are looked at again by people mostly on the day itself. */
const COMPRESS_AFTER_MS = DAY_MS;

/**
 * Ids of the jobs whose records go: ended, not kept, and older than `days` or beyond the newest `count`. A job that a
 * living one waits for, or repeats, stays, and so do its later attempts. Pure; `jobs` newest first.
 * @param waitedFor jobs that living ones were told to wait for.
 */
export function expiredJobs(
  jobs: readonly JobView[],
  { days, count }: Settings['retention'],
  now: number,
  waitedFor: ReadonlySet<string>,
): string[] {
  const needed = new Set([
    ...waitedFor,
    ...jobs.filter((job) => !hasEnded(job.state)).flatMap((job) => job.rerunOf ?? []),
  ]);
  for (const job of jobs.toReversed()) if (job.rerunOf !== null && needed.has(job.rerunOf)) needed.add(job.id);
  const chains = new Set(jobs.filter((job) => !hasEnded(job.state) && job.chain).map((job) => job.chain!.id));
  const mayGo = (job: JobView) =>
    hasEnded(job.state) && !job.kept && !needed.has(job.id) && !(job.chain && chains.has(job.chain.id));
  return jobs
    .filter((job, place) => mayGo(job) && (place >= count || now - (job.endedAt ?? job.createdAt) > days * DAY_MS))
    .map((job) => job.id);
}

/** Compresses the large logs of one ended job; returns the bytes saved. A kill in between leaves the log as it was. */
export async function compressLogs(
  home: Home,
  job: JobView,
  settings: Settings['retention'],
  now: number,
): Promise<number> {
  if (!hasEnded(job.state) || now - (job.endedAt ?? now) < COMPRESS_AFTER_MS) return 0;
  let saved = 0;
  for (const name of [JobFile.stdout, JobFile.stderr]) {
    const file = path.join(home.jobs, job.id, name);
    if (!existsSync(file)) continue;
    const before = statSync(file).size;
    if (before < settings.compressMegabytes * 1024 * 1024) continue;
    const draft = `${file}.gz.draft`;
    await pipeline(createReadStream(file), createGzip(), createWriteStream(draft, { mode: 0o600 }));
    renameSync(draft, `${file}.gz`);
    rmSync(file);
    saved += before - statSync(`${file}.gz`).size;
  }
  return saved;
}
