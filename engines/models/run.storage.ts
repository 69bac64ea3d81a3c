/** Whether a model's graph does what its manifest says. */
import { errorMessage, UserError } from '../../src/platform/errors.ts';
import { makeTensor, openSession } from '../onnx/session.ts';
import type { VerifiedModel } from './storage.ts';

/**
 * Runs one window of zeros through a model's graph: a graph that is whole may still be none, or another one than its manifest
 * says. @throws UserError that names the model when it does not run or does not give one vector of its length.
 */
export async function requireRuns({ manifest, graph }: VerifiedModel): Promise<void> {
  if (manifest.kind === 'text') return;
  const refuse = (what: string) =>
    new UserError(`model ${manifest.model_id} is not used: ${what}`, 'Remove its folder and make it anew.');
  // Free sizes: the batch, and the rows of a window.
  const window = manifest.kind === 'numeric' ? manifest.window_days : 1;
  let given: string;
  try {
    const session = await openSession(graph, 'cpu');
    try {
      const feeds = manifest.inputs.map(async ({ name, dims }) => {
        const sizes = dims.map((size) => (typeof size === 'number' ? size : size === 'N' ? 1 : window));
        const zeros = new Float32Array(sizes.reduce((product, size) => product * size, 1));
        return [name, await makeTensor('float32', zeros, sizes)] as const;
      });
      const [output] = Object.values(await session.run(Object.fromEntries(await Promise.all(feeds))));
      given = `${output.type} [${output.dims.join(', ')}]`;
    } finally {
      await session.release();
    }
  } catch (error) {
    throw refuse(`its graph does not run (${errorMessage(error)})`);
  }
  const due = `float32 [1, ${manifest.dim}]`;
  if (given !== due) throw refuse(`its graph gave ${given}, not ${due}`);
}
