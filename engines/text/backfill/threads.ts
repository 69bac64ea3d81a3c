/** The worker threads of a text backfill. */
import { hostname } from 'node:os';
import type { Target } from '../../../src/platform/db/targets.ts';
import { type OnOpened, plainTarget, startThreads, type Threads } from '../../../src/queue/threads.ts';
import type { Device } from '../../onnx/session.ts';
import type { TextShard } from './plan.model.ts';
import type { PreparedText } from './prepare.ts';
import type { TextThreadSetup } from './worker.ts';

interface TextThreadOptions {
  readonly backfillId: string;
  readonly prepared: PreparedText;
  readonly target: Target;
  /** The registry's folder. */
  readonly folder: string;
  readonly count: number;
  readonly device: Device;
}

export async function startTextThreads(options: TextThreadOptions, onOpened: OnOpened): Promise<Threads<TextShard>> {
  const { prepared, backfillId, device, folder } = options;
  const setup: TextThreadSetup = {
    target: await plainTarget(options.target),
    application: 'text shard',
    device,
    folder,
    // Weights are read by each thread: sending them would copy them.
    models: prepared.models.map(({ manifest, fingerprint }) => ({ id: manifest.model_id, fingerprint })),
    context: { ...prepared.context, backfillId, worker: `${hostname()}/${process.pid}` },
  };
  // Bundled, the worker is a file of its own beside this one; from sources, Node strips the types.
  const bundled = !import.meta.url.endsWith('.ts');
  const worker = new URL(bundled ? './text-worker.js' : './worker.ts', import.meta.url);
  return startThreads(worker, setup, options.count, onOpened);
}
