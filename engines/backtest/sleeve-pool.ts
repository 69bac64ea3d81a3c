/** Simulates the sleeves of a campaign: in this thread when one is enough, else on worker threads over shared memory. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Features } from './features.ts';
import { type DayListener, type SimulationOptions, type SleeveResult, simulateSleeve } from './simulate.ts';
import type { WorkerReply, WorkerTask } from './worker.ts';

/** Day reports of a sleeve. */
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
  const every = reportEvery(features);
  const workers = Math.min(maxWorkers, sleeves.length, availableParallelism());
  if (workers <= 1) {
    let before: Promise<unknown> = Promise.resolve();
    return sleeves.map((options, index) => {
      const result = before.then(async () => {
        await new Promise<void>((resume) => setImmediate(resume)); // lets Ctrl-C be heard between two sleeves
        signal.throwIfAborted();
        return simulateSleeve(features, options, (day, ...rest) => {
          if ((day + 1) % every === 0 || day + 1 === features.count) onDay(index, day, ...rest);
        });
      });
      before = result.catch(() => {});
      return result;
    });
  }
  const settle = sleeves.map(() => Promise.withResolvers<SleeveResult>());
  for (const { promise } of settle) promise.catch(() => {}); // each is awaited later, in order
  const queue = sleeves.map((options, index): WorkerTask => ({ index, features, options, reportEvery: every }));
  for (let k = 0; k < workers; k++) void workOff(queue, settle, signal, onDay);
  return settle.map(({ promise }) => promise);
}

/** One thread: task after task, until none is left. */
async function workOff(
  queue: WorkerTask[],
  settle: PromiseWithResolvers<SleeveResult>[],
  signal: AbortSignal,
  onDay: (index: number, ...report: Parameters<DayListener>) => void,
): Promise<void> {
  const thread = startSleeveThread();
  const onAbort = () => thread.stop();
  signal.addEventListener('abort', onAbort, { once: true });
  for (let task = queue.shift(); task; task = queue.shift()) {
    const { index } = task;
    try {
      settle[index].resolve(await thread.simulate(task, (...report) => onDay(index, ...report)));
    } catch (error) {
      // Whatever else this worker would have taken is left to the others, or fails with them.
      for (const one of [task, ...queue.splice(0)]) settle[one.index].reject(error);
    }
  }
  signal.removeEventListener('abort', onAbort);
  thread.stop();
}

/** Days from one report of a sleeve to the next. */
export const reportEvery = ({ count }: Pick<Features, 'count'>): number => Math.max(1, Math.floor(count / REPORTS));

export interface SleeveThread {
  /** One task at a time. @throws Error when the simulation fails or the thread is stopped. */
  simulate(task: WorkerTask, onDay: DayListener): Promise<SleeveResult>;
  stop(): void;
}

/** Starts a worker thread. */
export function startSleeveThread(): SleeveThread {
  // Bundled, the worker is a file of its own beside this one; from sources, Node strips the types.
  const bundled = !import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL(bundled ? './backtest-worker.js' : './worker.ts', import.meta.url));
  let current: (PromiseWithResolvers<SleeveResult> & { readonly onDay: DayListener }) | null = null;
  let broken: Error | null = null;
  const end = (error: Error) => {
    broken ??= error;
    current?.reject(broken);
  };
  worker.on('error', end);
  worker.on('message', (reply: WorkerReply) => {
    if (reply.type === 'day') current?.onDay(reply.day, reply.equity, reply.drawdown, reply.positions);
    else if (reply.type === 'failed') current?.reject(new Error(reply.message));
    else current?.resolve(reply.result);
  });
  return {
    simulate: (task, onDay) => {
      current = { ...Promise.withResolvers<SleeveResult>(), onDay };
      if (broken) current.reject(broken);
      else worker.postMessage(task);
      return current.promise;
    },
    stop: () => {
      end(new Error('stopped'));
      void worker.terminate();
    },
  };
}
