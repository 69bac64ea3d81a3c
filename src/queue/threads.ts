/** The worker threads of a process: each takes one shard at a time. */
import { parentPort, Worker } from 'node:worker_threads';
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

/** What a thread is sent when it is to end. */
const STOP = 'stop';

export interface Thread<Shard> {
  run(shard: Shard): Promise<ShardOutcome>;
}

export interface Threads<Shard> {
  readonly list: readonly Thread<Shard>[];
  /** Ends them as soon as each listens, which it does between two batches; open transactions roll back on the server. */
  stop(): Promise<void>;
}

/** Starts `count` threads over the file `worker`; each is sent `setup` (plain data) first, then shards. */
export function startThreads<Shard>(worker: URL, setup: object, count: number, onOpened: OnOpened): Threads<Shard> {
  const workers = Array.from({ length: count }, () => startThread<Shard>(worker, setup, onOpened));
  return {
    list: workers,
    stop: async () => {
      await Promise.all(workers.map((one) => one.stop()));
    },
  };
}

/**
 * In a thread: hands each message to `take`. A thread ends itself when it is asked to: ended from outside in the middle of
 * native code (ONNX Runtime), it would take the whole process down.
 */
export function listen<Message>(take: (message: Message) => Promise<void>): void {
  parentPort?.on('message', (message: Message | typeof STOP) => {
    if (message === STOP) process.exit();
    void take(message);
  });
}

function startThread<Shard>(
  file: URL,
  setup: object,
  onOpened: OnOpened,
): Thread<Shard> & { readonly stop: () => Promise<void> } {
  const worker = new Worker(file);
  const gone = Promise.withResolvers<void>();
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
  worker.on('exit', () => {
    end(new Error('the worker thread ended'));
    gone.resolve();
  });
  worker.on('message', (reply: ThreadReply) => {
    if (reply.type === 'opened') onOpened(reply.model, reply.provider, reply.fallback);
    else if (reply.type === 'done') current?.resolve(reply.outcome);
    else fail(reply.fix === null ? new Error(reply.message) : new UserError(reply.message, reply.fix));
  });
  worker.postMessage(setup);
  return {
    stop: () => {
      worker.postMessage(STOP);
      return gone.promise;
    },
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
