/** The v1 models in one process: encoder and cells over a panel. */
import type { Panel } from '../../engines/market/panel.ts';
import { writeModel } from '../../engines/models/storage.ts';
import type { Due, Encoder } from '../../engines/numeric/encoder.model.ts';
import { encoderOf } from '../../engines/numeric/encoders.ts';
import { loadNumericModel } from '../../engines/numeric/models.storage.ts';
import { v1Model } from '../../engines/numeric/v1.model.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { makeTarget } from '../../src/platform/db/targets.ts';

const ID = 'num-stab-core-v1';

/** Opens the encoder of one v1 model over a panel; the registry lies in `folder`. */
export async function openV1(folder: string, panel: Panel, window: number): Promise<Encoder & { readonly due: Due }> {
  await writeModel(folder, v1Model(ID));
  const request = { panel, window, model: await loadNumericModel(folder, ID) };
  // Never connected: v1 reads nothing beside the panel.
  const target = (name: 'historical' | 'runtime') => makeTarget(name, { host: '/nowhere' }, 'nobody');
  const databases = openDatabases(
    { historical: target('historical'), runtime: target('runtime') },
    { application: 'test' },
  );
  const kind = encoderOf(request.model);
  const inputs = await kind.prepare(request, databases);
  const encoder = await kind.open(request, inputs, 'cpu');
  return { ...encoder, due: kind.due(request, inputs) };
}

/** The bytes of vector `k`. */
export const vectorBytes = (vectors: Float32Array, k: number, dim = 384): Buffer =>
  Buffer.from(vectors.slice(k * dim, (k + 1) * dim).buffer);
