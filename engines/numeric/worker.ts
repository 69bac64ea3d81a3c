/** A worker thread of a backfill: encodes shards over the shared panel and writes them on a connection of its own. */
import { parentPort } from 'node:worker_threads';
import { type Database, openDatabase } from '../../src/platform/db/databases.ts';
import type { Target } from '../../src/platform/db/targets.ts';
import { errorMessage, UserError } from '../../src/platform/errors.ts';
import { listen, type ThreadReply } from '../../src/queue/threads.ts';
import type { Device } from '../onnx/session.ts';
import type { Encoder } from './encoder.model.ts';
import { encoderOf } from './encoders.ts';
import type { Shard } from './plan.model.ts';
import type { PreparedModel } from './prepare.ts';
import { runShard, type ShardContext } from './shard.ts';

/** Sent once, first. */
export interface ThreadSetup {
  readonly target: Target;
  readonly application: string;
  readonly device: Device;
  readonly context: Omit<ShardContext, 'models'> & { readonly models: readonly PreparedModel[] };
}

let setup: ThreadSetup | null = null;
let database: Database | null = null;
const encoders = new Map<number, Encoder>();
const reply = (message: ThreadReply) => parentPort!.postMessage(message);

/** The encoder of a model, opened when its first shard comes. */
async function encoderFor(index: number): Promise<Encoder> {
  const open = encoders.get(index);
  if (open) return open;
  const { context, device } = setup!;
  const { model, window, inputs } = context.models[index];
  const encoder = await encoderOf(model).open({ panel: context.panel, model, window }, inputs, device);
  encoders.set(index, encoder);
  reply({
    type: 'opened',
    model: model.manifest.model_id,
    provider: encoder.provider,
    fallback: encoder.fallback,
  });
  return encoder;
}

listen<ThreadSetup | Shard>(async (message) => {
  try {
    if ('target' in message) {
      setup = message;
      database = openDatabase(message.target, { application: message.application, maxConnections: 1 });
      return;
    }
    const encoder = await encoderFor(message.model);
    reply({ type: 'done', outcome: await runShard(database!, setup!.context, message, encoder) });
  } catch (error) {
    reply({ type: 'failed', message: errorMessage(error), fix: error instanceof UserError ? error.fix : null });
  }
});
