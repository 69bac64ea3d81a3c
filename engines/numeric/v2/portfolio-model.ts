/** The portfolio model: its fixed schema turned by a fixed orthonormal matrix. A plain function, fitted on nothing. */
import { Random } from '../../../src/platform/random.ts';
import type { NewModel } from '../../models/storage.ts';
import { orthonormalRows } from '../fit/linear.model.ts';
import { DIM, linearGraph } from './graph.ts';
import { V2_RECIPES } from './models.model.ts';
import { portfolioSource } from './portfolio.ts';
import { sizeOf } from './source.model.ts';

export const PORTFOLIO_MODEL = 'num-portfolio-core-v2';
/** Part of the model: another seed would be another vector space. */
const ROTATION_SEED = 20_240_826;

/** The graph: `schema` float32 [N, S] → `vector` float32 [N, 384]; lengths and angles stay as they are. */
function portfolioGraph(): Uint8Array {
  const [input] = portfolioSource.inputs;
  const size = sizeOf(input);
  const random = new Random(ROTATION_SEED);
  const fresh = (row: Float64Array) => {
    for (let k = 0; k < row.length; k++) row[k] = random.normal();
  };
  const rotation = new Float64Array(size * DIM);
  fresh(rotation);
  orthonormalRows(rotation, size, DIM, fresh);
  return linearGraph(PORTFOLIO_MODEL, input, null, {
    weights: Float32Array.from(rotation),
    bias: new Float32Array(DIM),
  });
}

/** The model as it is written into the registry; equal bytes everywhere. */
export function portfolioModel(): NewModel {
  const { source, window } = V2_RECIPES[PORTFOLIO_MODEL];
  return {
    manifest: {
      schema: 1,
      model_id: PORTFOLIO_MODEL,
      kind: 'numeric',
      encoder: source,
      entities: [...portfolioSource.entities],
      window_days: window,
      inputs: portfolioSource.inputs.map(({ name, dims }) => ({ name, type: 'float32', dims: ['N', ...dims] })),
      dim: DIM,
      fit: null,
      file: 'model.onnx',
    },
    files: { 'model.onnx': portfolioGraph() },
  };
}
