/** A worker thread of a text backfill: encodes shards and writes them on a connection of its own. */
import { parentPort } from 'node:worker_threads';
import { type Database, openDatabase } from '../../../src/platform/db/databases.ts';
import type { Target } from '../../../src/platform/db/targets.ts';
import { errorMessage, UserError } from '../../../src/platform/errors.ts';
import { listen, type ThreadReply } from '../../../src/queue/threads.ts';
import type { Device } from '../../onnx/session.ts';
import { openTextEncoder, type TextEncoder } from '../encoder.ts';
import { loadTextModel } from '../models.storage.ts';
import type { TextShard } from './plan.model.ts';
import { runTextShard, type TextShardContext } from './shard.ts';

/** Sent once, first. */
export interface TextThreadSetup {
  readonly target: Target;
  readonly application: string;
  readonly device: Device;
  readonly folder: string;
  readonly models: readonly { readonly id: string; readonly fingerprint: string }[];
  readonly context: TextShardContext;
}

let setup: TextThreadSetup | null = null;
let database: Database | null = null;
const encoders = new Map<number, TextEncoder>();
const reply = (message: ThreadReply) => parentPort!.postMessage(message);

/** The encoder of a model, opened when its first shard comes. */
async function encoderFor(index: number): Promise<TextEncoder> {
  const open = encoders.get(index);
  if (open) return open;
  const { folder, device, models } = setup!;
  const model = await loadTextModel(folder, models[index].id);
  if (model.fingerprint !== models[index].fingerprint) {
    throw new UserError(
      `model ${models[index].id} was replaced while the backfill ran`,
      'Begin anew, without --resume.',
    );
  }
  const encoder = await openTextEncoder(model, device);
  encoders.set(index, encoder);
  reply({ type: 'opened', model: models[index].id, provider: encoder.provider, fallback: encoder.fallback });
  return encoder;
}

listen<TextThreadSetup | TextShard>(async (message) => {
  try {
    if ('target' in message) {
      setup = message;
      database = openDatabase(message.target, { application: message.application, maxConnections: 1 });
      return;
    }
    const encoder = await encoderFor(message.model);
    const modelId = setup!.models[message.model].id;
    reply({ type: 'done', outcome: await runTextShard(database!, setup!.context, message, modelId, encoder) });
  } catch (error) {
    reply({ type: 'failed', message: errorMessage(error), fix: error instanceof UserError ? error.fix : null });
  }
});
