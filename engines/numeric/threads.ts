/** The worker threads of a process: each takes one shard at a time. */
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Target } from '../../src/platform/db/targets.ts';
import { UserError } from '../../src/platform/errors.ts';
import type { Device } from '../onnx/session.ts';
import type { Shard } from './plan.model.ts';
import type { Prepared } from './prepare.ts';
import type { ShardOutcome } from './shard.ts';
import type { ThreadReply, ThreadSetup } from './worker.ts';

export interface Thread {
  run(shard: Shard): Promise<ShardOutcome>;
}

export interface Threads {
  readonly list: readonly Thread[];
  /** Ends them at once; open transactions roll back on the server. */
  stop(): Promise<void>;
}

export interface ThreadOptions {
  readonly backfillId: string;
  readonly prepared: Prepared;
  readonly target: Target;
  readonly count: number;
  readonly device: Device;
  /** Called when a thread begins with a model: what runs it, and why CUDA does not. */
  readonly onOpened: (model: string, provider: string, fallback: string) => void;
}

export async function startThreads(options: ThreadOptions): Promise<Threads> {
  const { backfillId, prepared, device } = options;
  const setup: ThreadSetup = {
    target: await plainTarget(options.target),
    application: 'numeric shard',
    device,
    context: {
      backfillId,
      skipExisting: prepared.spec.skipExisting,
      panel: prepared.panel,
      days: prepared.days,
      models: prepared.models,
      worker: `${hostname()}/${process.pid}`,
    },
  };
  const workers = Array.from({ length: options.count }, () => startThread(setup, options.onOpened));
  return {
    list: workers,
    stop: async () => {
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
    },
  };
}

function startThread(setup: ThreadSetup, onOpened: ThreadOptions['onOpened']): Thread & { worker: Worker } {
  // Bundled, the worker is a file of its own beside this one; from sources, Node strips the types.
  const bundled = !import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL(bundled ? './numeric-worker.js' : './worker.ts', import.meta.url));
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
async function plainTarget(target: Target): Promise<Target> {
  const { password } = target.config;
  const text = typeof password === 'function' ? await (password as () => string | Promise<string>)() : password;
  return { ...target, config: { ...target.config, password: text } };
}
