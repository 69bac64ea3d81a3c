/** Simulates the sleeves of a campaign: in this thread when one is enough, else on worker threads over shared memory. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Features } from './features.ts';
import { type DayListener, type SimulationOptions, type SleeveResult, simulateSleeve } from './simulate.ts';
import type { WorkerReply, WorkerTask } from './worker.ts';

/** Day reports of a sleeve over its whole run. */
const REPORTS = 60;

/**
 * Starts all sleeves; the promise at index k is the result of sleeve k. Results do not depend on the number of workers.
 * Aborting ends the workers and rejects what is not finished.
 */
export function simulateSleeves(
  features: Features,
  sleeves: readonly SimulationOptions[],
  maxWorkers: number,
  signal: AbortSignal,
  onDay: (index: number, ...report: Parameters<DayListener>) => void,
): Promise<SleeveResult>[] {
  const reportEvery = Math.max(1, Math.floor(features.count / REPORTS));
  const workers = Math.min(maxWorkers, sleeves.length, availableParallelism());
  if (workers <= 1) {
    let before: Promise<unknown> = Promise.resolve();
    return sleeves.map((options, index) => {
      const result = before.then(async () => {
        await new Promise<void>((resume) => setImmediate(resume)); // lets Ctrl-C be heard between two sleeves
        signal.throwIfAborted();
        return simulateSleeve(features, options, (day, ...rest) => {
          if ((day + 1) % reportEvery === 0 || day + 1 === features.count) onDay(index, day, ...rest);
        });
      });
      before = result.catch(() => {});
      return result;
    });
  }
  const settle = sleeves.map(() => Promise.withResolvers<SleeveResult>());
  for (const { promise } of settle) promise.catch(() => {}); // each is awaited later, in order
  const queue = sleeves.map((options, index): WorkerTask => ({ index, features, options, reportEvery }));
  for (let k = 0; k < workers; k++) runWorker(queue, settle, signal, onDay);
  return settle.map(({ promise }) => promise);
}

function runWorker(
  queue: WorkerTask[],
  settle: PromiseWithResolvers<SleeveResult>[],
  signal: AbortSignal,
  onDay: (index: number, ...report: Parameters<DayListener>) => void,
): void {
  // Bundled, the worker is a file of its own beside this one; from sources, Node strips the types.
  const bundled = !import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL(bundled ? './backtest-worker.js' : './worker.ts', import.meta.url));
  let current: WorkerTask | undefined;
  const fail = (error: Error) => {
    if (current) settle[current.index].reject(error);
    // Whatever else this worker would have taken is left to the others, or fails with them.
    for (const task of queue.splice(0)) settle[task.index].reject(error);
    void worker.terminate();
  };
  const next = () => {
    current = queue.shift();
    if (current) worker.postMessage(current);
    else void worker.terminate();
  };
  const onAbort = () => fail(new Error('stopped'));
  signal.addEventListener('abort', onAbort, { once: true });
  worker.on('exit', () => signal.removeEventListener('abort', onAbort));
  worker.on('error', fail);
  worker.on('message', (reply: WorkerReply) => {
    if (reply.type === 'day') onDay(reply.index, reply.day, reply.equity, reply.drawdown, reply.positions);
    else if (reply.type === 'failed') fail(new Error(reply.message));
    else {
      settle[reply.index].resolve(reply.result);
      next();
    }
  });
  next();
}
