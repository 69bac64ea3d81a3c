/** The worker threads of a numeric backfill. */
import { hostname } from 'node:os';
import type { Target } from '../../src/platform/db/targets.ts';
import { type OnOpened, plainTarget, startThreads, type Threads } from '../../src/queue/threads.ts';
import type { Device } from '../onnx/session.ts';
import type { Shard } from './plan.model.ts';
import type { Prepared } from './prepare.ts';
import type { ThreadSetup } from './worker.ts';

interface ThreadOptions {
  readonly backfillId: string;
  readonly prepared: Prepared;
  readonly bits: readonly Int32Array[];
  readonly target: Target;
  readonly count: number;
  readonly device: Device;
}

export async function startNumericThreads(options: ThreadOptions, onOpened: OnOpened): Promise<Threads<Shard>> {
  const { backfillId, prepared, bits, device } = options;
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
      bits,
      worker: `${hostname()}/${process.pid}`,
    },
  };
  // Bundled, the worker is a file of its own beside this one; from sources, Node strips the types.
  const bundled = !import.meta.url.endsWith('.ts');
  const worker = new URL(bundled ? './numeric-worker.js' : './worker.ts', import.meta.url);
  return startThreads(worker, setup, options.count, onOpened);
}
