/** Word of jobs that failed, or that took long, to an address of the operator's own. */
import { errorMessage } from '../platform/errors.ts';
import type { Settings } from '../platform/settings.ts';
import type { JobView } from './protocol.ts';

const PATIENCE_MS = 5000;

/** Whether an operator wants to hear that this job has ended: it failed, or it took long. What was stopped by hand is known. */
export function isWorthTelling(job: JobView, { failures, longJobsMinutes }: Settings['notify']): boolean {
  if (job.state === 'STOP') return false;
  if (failures && (job.state === 'FAIL' || job.state === 'LOST' || job.state === 'PART')) return true;
  return job.startedAt !== null && job.endedAt !== null && job.endedAt - job.startedAt > longJobsMinutes * 60_000;
}

/** Posts one JSON object a job to `notify.webhook`. An address that does not take it is named on stderr, and not asked again for it. */
export async function postToWebhook(job: JobView, { webhook }: Settings['notify'], home: string): Promise<void> {
  if (webhook === null) return;
  const { id, program, state, reason, summary, startedAt, endedAt, exitCode, requestedBy } = job;
  try {
    const answer = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ home, id, program, state, reason, summary, startedAt, endedAt, exitCode, requestedBy }),
      signal: AbortSignal.timeout(PATIENCE_MS),
      redirect: 'error',
    });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  } catch (error) {
    process.stderr.write(`the webhook did not take the end of ${id}: ${errorMessage(error)}\n`);
  }
}
