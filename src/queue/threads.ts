/** The worker threads of a process: each takes one shard at a time. */
import { Worker } from 'node:worker_threads';
import type { Target } from '../platform/db/targets.ts';
import { UserError } from '../platform/errors.ts';
import type { ShardOutcome } from './shard-marks.ts';

/** Told when a thread begins with a model: what runs it, and why CUDA does not. */
export type OnOpened = (model: string, provider: string, fallback: string) => void;

/** What a thread answers. */
export type ThreadReply =
  /** What runs the models, when the first shard of each is at work. */
  | { readonly type: 'opened'; readonly model: string; readonly provider: string; readonly fallback: string }
  | { readonly type: 'done'; readonly outcome: ShardOutcome }
  | { readonly type: 'failed'; readonly message: string; readonly fix: string | null };

export interface Thread<Shard> {
  run(shard: Shard): Promise<ShardOutcome>;
}

export interface Threads<Shard> {
  readonly list: readonly Thread<Shard>[];
  /** Ends them at once; open transactions roll back on the server. */
  stop(): Promise<void>;
}

/** Starts `count` threads over the file `worker`; each is sent `setup` (plain data) first, then shards. */
export function startThreads<Shard>(worker: URL, setup: object, count: number, onOpened: OnOpened): Threads<Shard> {
  const workers = Array.from({ length: count }, () => startThread<Shard>(worker, setup, onOpened));
  return {
    list: workers,
    stop: async () => {
      await Promise.all(workers.map((one) => one.worker.terminate()));
    },
  };
}

function startThread<Shard>(file: URL, setup: object, onOpened: OnOpened): Thread<Shard> & { worker: Worker } {
  const worker = new Worker(file);
  let current: PromiseWithResolvers<ShardOutcome> | null = null;
  let broken: Error | null = null;
  const fail = (error: Error) => {
    current?.reject(error);
  };
  const end = (error: Error) => {
    broken ??= error;
    fail(broken);
  };
  worker.on('error', end);
  worker.on('exit', () => end(new Error('the worker thread ended')));
  worker.on('message', (reply: ThreadReply) => {
    if (reply.type === 'opened') onOpened(reply.model, reply.provider, reply.fallback);
    else if (reply.type === 'done') current?.resolve(reply.outcome);
    else fail(reply.fix === null ? new Error(reply.message) : new UserError(reply.message, reply.fix));
  });
  worker.postMessage(setup);
  return {
    worker,
    run: (shard) => {
      current = Promise.withResolvers();
      if (broken) current.reject(broken);
      else worker.postMessage(shard);
      return current.promise;
    },
  };
}

/** A target that can be sent to a thread: its password is a text by then. */
export async function plainTarget(target: Target): Promise<Target> {
  const { password } = target.config;
  const text = typeof password === 'function' ? await (password as () => string | Promise<string>)() : password;
  return { ...target, config: { ...target.config, password: text } };
}
