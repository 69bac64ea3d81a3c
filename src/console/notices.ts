/** Word to the operator's terminal of jobs that ended while the console looked on: a notification (OSC 9) and a bell. */
import { JOB_SIGNS } from '../format/states.ts';
import { cleanText, cutToWidth } from '../format/width.ts';
import type { JobView } from '../supervisor/protocol.ts';
import { throughMultiplexer } from './clipboard.ts';
import { isRunning } from './lists.ts';
import type { ConsoleStore } from './store.ts';

const BELL = '\x07';
const MAX_TEXT = 200;
/** Named one by one up to here. */
const MAX_NAMED = 3;

export interface NoticeOptions {
  /** Whether the operator wants to hear of the end of this job. */
  readonly isWorthTelling: (job: JobView) => boolean;
  /** A bell beside the notification. */
  readonly bell: boolean;
}

/** Sends a word of every job that ends from now on; returns the function that ends it. */
export function startNotices(store: ConsoleStore, options: NoticeOptions, send: (text: string) => void): () => void {
  // What has ended before is told by the hand-over.
  let alive = living(store.getState().snapshot.jobs);
  let before = store.getState().snapshot.jobs;
  return store.subscribe(({ snapshot: { jobs } }) => {
    if (jobs === before) return;
    const known = new Set(before.map(({ id }) => id));
    // One that began and ended between two looks is news too.
    const ended = jobs.filter((job) => !isRunning(job) && (alive.has(job.id) || !known.has(job.id)));
    [before, alive] = [jobs, living(jobs)];
    const worth = ended.filter(options.isWorthTelling);
    if (worth.length > 0) send(noticeText(worth));
  });
}

/** What a terminal takes for a notification, wrapped so that it passes through tmux and screen. */
export function noticeSequence(
  text: string,
  { bell }: Pick<NoticeOptions, 'bell'>,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return `${throughMultiplexer(`\x1b]9;${text}\x07`, env)}${bell ? BELL : ''}`;
}

function noticeText(jobs: readonly JobView[]): string {
  const named = jobs.slice(0, MAX_NAMED).map((job) => {
    const words = job.reason || job.summary || '';
    return `${job.id} ${JOB_SIGNS[job.state].word}${words ? ` (${words})` : ''}`;
  });
  const more = jobs.length > named.length ? ` and ${jobs.length - named.length} more` : '';
  return cutToWidth(cleanText(`Prometheus: ${named.join(', ')}${more}`), MAX_TEXT);
}

const living = (jobs: readonly JobView[]): ReadonlySet<string> => new Set(jobs.filter(isRunning).map(({ id }) => id));
