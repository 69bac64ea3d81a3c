/** The v1 models in one process, and what the contract says that they give. */
import { columnOf, type Panel } from '../../engines/market/panel.ts';
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

/** The contract (`contracts.md` §5), word by word, over the rows of one instrument. Null: not eligible. */
export function plainVector(panel: Panel, i: number, t: number, window: number): Buffer | null {
  const T = panel.calendar.days.length;
  const [close, volume] = [columnOf(panel, 'close'), columnOf(panel, 'volume')];
  const asOf = panel.calendar.days[t];
  const rows: [number, number][] = [];
  for (let s = 0; s <= t; s++) {
    if (panel.calendar.days[s] < asOf - 3 * window || Number.isNaN(close[i * T + s])) continue;
    rows.push([close[i * T + s], volume[i * T + s]]);
  }
  const last = rows.slice(-window);
  if (last.length < Math.floor(0.87 * window)) return null;
  while (last.length < window) last.push(last[last.length - 1]);
  const values = last.flatMap(([c, v], k) => [c, v, k === 0 ? 0 : Math.log(c / last[k - 1][0])]);
  const bytes = Buffer.alloc(384 * 4);
  values.slice(0, 384).forEach((value, k) => {
    bytes.writeFloatLE(Math.fround(value), k * 4);
  });
  return bytes;
}
