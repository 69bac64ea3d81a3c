/**
 * A comparison beside the event loop: its intervals are drawn for seconds, and whoever asks (the supervisor) has others to
 * answer meanwhile.
 */
import { Worker } from 'node:worker_threads';
import type { Target } from '../../src/platform/db/targets.ts';
import { type ExitCode, UserError } from '../../src/platform/errors.ts';
import { plainTarget } from '../../src/queue/threads.ts';
import type { Comparison } from '../../src/report/types.ts';

/** What the thread is begun with. */
export interface ThreadTask {
  readonly target: Target;
  readonly runs: readonly string[];
  readonly options: { readonly draws: number; readonly seed: number };
}

export type ThreadAnswer =
  | { readonly comparison: Comparison }
  | { readonly message: string; readonly fix: string | null; readonly exitCode: ExitCode };

/** Compares two runs in a thread of its own. @throws UserError as `compareRuns` does. */
export async function compareInThread(
  runtime: Target,
  runs: readonly [string, string],
  options: ThreadTask['options'],
): Promise<Comparison> {
  const task: ThreadTask = { target: await plainTarget(runtime), runs, options };
  // Bundled, the worker is a file of its own beside this one; from sources, Node strips the types.
  const bundled = !import.meta.url.endsWith('.ts');
  const file = new URL(bundled ? './compare-worker.js' : './worker.ts', import.meta.url);
  const worker = new Worker(file, { workerData: task });
  const answered = Promise.withResolvers<ThreadAnswer>();
  worker.once('message', answered.resolve);
  worker.once('error', answered.reject);
  worker.once('exit', () => answered.reject(new Error('the thread of the comparison ended')));
  const answer = await answered.promise;
  if ('comparison' in answer) return answer.comparison;
  throw answer.fix === null ? new Error(answer.message) : new UserError(answer.message, answer.fix, answer);
}
