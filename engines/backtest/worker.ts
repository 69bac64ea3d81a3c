/** A worker thread: simulates sleeves one after another over the shared features. */
import { parentPort } from 'node:worker_threads';
import type { Features } from './features.ts';
import { type SimulationOptions, type SleeveResult, simulateSleeve } from './simulate.ts';

export interface WorkerTask {
  readonly index: number;
  readonly features: Features;
  readonly options: SimulationOptions;
  /** A day report is sent every so many days. */
  readonly reportEvery: number;
}

export type WorkerReply =
  | {
      readonly type: 'day';
      readonly index: number;
      readonly day: number;
      readonly equity: number;
      readonly drawdown: number;
      readonly positions: number;
    }
  | { readonly type: 'done'; readonly index: number; readonly result: SleeveResult }
  | { readonly type: 'failed'; readonly index: number; readonly message: string };

parentPort?.on('message', (task: WorkerTask) => {
  const { index, features, options, reportEvery } = task;
  const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => parentPort!.postMessage(message, transfer);
  try {
    const result = simulateSleeve(features, options, (day, equity, drawdown, positions) => {
      if ((day + 1) % reportEvery === 0 || day + 1 === features.count)
        reply({ type: 'day', index, day, equity, drawdown, positions });
    });
    reply({ type: 'done', index, result }, buffersOf(result));
  } catch (error) {
    reply({ type: 'failed', index, message: error instanceof Error ? error.message : String(error) });
  }
});

/** Result columns move to the main thread without a copy. */
function buffersOf(value: object): ArrayBuffer[] {
  return Object.values(value).flatMap((part) =>
    ArrayBuffer.isView(part) ? [part.buffer as ArrayBuffer] : part && typeof part === 'object' ? buffersOf(part) : [],
  );
}
