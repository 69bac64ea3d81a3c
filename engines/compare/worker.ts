/** The worker thread of one comparison: reads over a connection of its own, computes, answers, ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../../src/platform/db/databases.ts';
import { Exit, errorMessage, UserError } from '../../src/platform/errors.ts';
import { compareRuns } from './program.ts';
import type { ThreadAnswer, ThreadTask } from './thread.ts';

const { target, runs, options } = workerData as ThreadTask;
const answer = (message: ThreadAnswer) => parentPort!.postMessage(message);
const runtime = openDatabase(target, { application: 'compare', readOnly: true, maxConnections: 1 });
try {
  answer({ comparison: await compareRuns(runtime, { run: runs, basic: [], context: [] }, options) });
} catch (error) {
  const { fix = null, exitCode = Exit.failed } = error instanceof UserError ? error : {};
  answer({ message: errorMessage(error), fix, exitCode });
} finally {
  await runtime.close();
}
