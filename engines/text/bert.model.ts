/**
 * The graph of a BERT encoder, written with a model's own weights: token ids in, the last hidden states out.
 * Source: J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2019; names of tensors and settings as
 * in Hugging Face transformers, `BertModel` and `config.json`.
 */
import { z } from 'zod';
import { issueWords } from '../../src/platform/issue-words.ts';
import { GraphBuilder, type Value } from '../onnx/graph.ts';
import { type ConstantTensor, float32, int64 } from '../onnx/tensor.ts';
import type { Safetensors, Weights } from './safetensors.model.ts';

export const BERT_OUTPUT = 'last_hidden_state';
/** Gelu is a node of its own from here on. */
const OPSET = 20;
/** Added to the score of padding: after the softmax its weight is exactly 0. */
const MASKED = -1e9;

/** The settings of `config.json` that the graph depends on; others than these functions are refused. */
const bertConfig = z.object({
  model_type: z.literal('bert'),
  hidden_act: z.literal('gelu'),
  position_embedding_type: z.literal('absolute').default('absolute'),
  hidden_size: z.number().int().min(1),
  num_attention_heads: z.number().int().min(1),
  num_hidden_layers: z.number().int().min(1),
  intermediate_size: z.number().int().min(1),
  layer_norm_eps: z.number().min(0),
  max_position_embeddings: z.number().int().min(1),
  type_vocab_size: z.number().int().min(1),
  vocab_size: z.number().int().min(1),
});

export type BertConfig = z.infer<typeof bertConfig>;

/** `config.json` as settings. @throws Error that names the first one that cannot be accepted. */
export function parseBertConfig(json: string): BertConfig {
  const result = bertConfig.safeParse(JSON.parse(json), { error: issueWords });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`config.json: ${issue.path.join('.')}: ${issue.message}`);
}

/**
 * The model file. Inputs `input_ids`, `attention_mask`, `token_type_ids`: int64 [N, L]; output float32 [N, L, hidden].
 * @throws Error when the weights lack a tensor or one has another shape.
 */
export function bertGraph(config: BertConfig, weights: Safetensors): Uint8Array {
  return new BertBuilder(config, weights).build();
}

class BertBuilder {
  readonly #graph = new GraphBuilder({ name: 'bert', opset: OPSET });
  readonly #config: BertConfig;
  readonly #weights: Safetensors;
  readonly #prefix: string;

  constructor(config: BertConfig, weights: Safetensors) {
    this.#config = config;
    this.#weights = weights;
    // Models saved with a head carry the encoder's tensors under its name.
    this.#prefix = weights.names.includes('bert.embeddings.word_embeddings.weight') ? 'bert.' : '';
  }

  build(): Uint8Array {
    const { num_hidden_layers: layers, hidden_size: hidden } = this.#config;
    const graph = this.#graph;
    const ids = graph.input('input_ids', 'int64', ['N', 'L']);
    const mask = graph.input('attention_mask', 'int64', ['N', 'L']);
    const types = graph.input('token_type_ids', 'int64', ['N', 'L']);
    const bias = this.#maskBias(mask);
    let states = this.#embeddings(ids, types);
    for (let layer = 0; layer < layers; layer++) states = this.#layer(`encoder.layer.${layer}`, states, bias);
    graph.output(BERT_OUTPUT, states, 'float32', ['N', 'L', hidden]);
    return graph.build();
  }

  #embeddings(ids: Value, types: Value): Value {
    const {
      vocab_size: words,
      max_position_embeddings: positions,
      type_vocab_size: kinds,
      hidden_size: h,
    } = this.#config;
    const graph = this.#graph;
    const table = (name: string, rows: number) => this.#constant(this.#read(`embeddings.${name}.weight`, [rows, h]));
    const length = graph.node('Slice', [graph.node('Shape', [ids]), this.#whole(1), this.#whole(2)]);
    const position = graph.node('Slice', [table('position_embeddings', positions), this.#whole(0), length]);
    const word = graph.node('Gather', [table('word_embeddings', words), ids]);
    const kind = graph.node('Gather', [table('token_type_embeddings', kinds), types]);
    return this.#norm('embeddings.LayerNorm', graph.node('Add', [graph.node('Add', [word, kind]), position]));
  }

  /** [N, 1, 1, L]: 0 for tokens, a very large negative number for padding. */
  #maskBias(mask: Value): Value {
    const graph = this.#graph;
    const float = graph.node('Cast', [mask], { to: { int: 1 } });
    const absent = graph.node('Sub', [this.#number(1), float]);
    return graph.node('Unsqueeze', [graph.node('Mul', [absent, this.#number(MASKED)]), graph.constant(int64(1, 2))]);
  }

  #layer(name: string, input: Value, bias: Value): Value {
    const { hidden_size: h, intermediate_size: wide } = this.#config;
    const graph = this.#graph;
    const attended = this.#linear(`${name}.attention.output.dense`, this.#attention(name, input, bias), h, h);
    const middle = this.#norm(`${name}.attention.output.LayerNorm`, graph.node('Add', [attended, input]));
    const raised = graph.node('Gelu', [this.#linear(`${name}.intermediate.dense`, middle, h, wide)]);
    const lowered = this.#linear(`${name}.output.dense`, raised, wide, h);
    return this.#norm(`${name}.output.LayerNorm`, graph.node('Add', [lowered, middle]));
  }

  #attention(name: string, input: Value, bias: Value): Value {
    const { hidden_size: h, num_attention_heads: heads } = this.#config;
    const graph = this.#graph;
    const size = h / heads;
    const split = graph.constant(int64(0, 0, heads, size));
    // The scale of the scores sits in the weights of the queries.
    const part = (which: string, order: number[], scale = 1) => {
      const linear = this.#linear(`${name}.attention.self.${which}`, input, h, h, scale);
      return graph.node('Transpose', [graph.node('Reshape', [linear, split])], { perm: { ints: order } });
    };
    const query = part('query', [0, 2, 1, 3], 1 / Math.sqrt(size));
    const key = part('key', [0, 2, 3, 1]);
    const value = part('value', [0, 2, 1, 3]);
    const scores = graph.node('Add', [graph.node('MatMul', [query, key]), bias]);
    const shares = graph.node('Softmax', [scores], { axis: { int: -1 } });
    const mixed = graph.node('Transpose', [graph.node('MatMul', [shares, value])], { perm: { ints: [0, 2, 1, 3] } });
    return graph.node('Reshape', [mixed, graph.constant(int64(0, 0, h))]);
  }

  /** x · Wᵀ + b; the file holds W as [out, in]. */
  #linear(name: string, input: Value, inputs: number, outputs: number, scale = 1): Value {
    const weight = this.#read(`${name}.weight`, [outputs, inputs]);
    const bias = this.#read(`${name}.bias`, [outputs]).data.map((b) => b * scale);
    const product = this.#graph.node('MatMul', [input, this.#constant(transposed(weight, scale))]);
    return this.#graph.node('Add', [product, this.#constant(float32([outputs], bias))]);
  }

  #norm(name: string, input: Value): Value {
    const { hidden_size: h, layer_norm_eps: epsilon } = this.#config;
    const [scale, bias] = ['weight', 'bias'].map((part) => this.#constant(this.#read(`${name}.${part}`, [h])));
    return this.#graph.node('LayerNormalization', [input, scale, bias], {
      axis: { int: -1 },
      epsilon: { float: epsilon },
    });
  }

  #read(name: string, dims: readonly number[]): Weights & ConstantTensor {
    const weights = this.#weights.read(`${this.#prefix}${name}`, dims);
    return { ...weights, ...float32(dims, weights.data), data: weights.data };
  }

  readonly #constant = (tensor: ConstantTensor) => this.#graph.constant(tensor);
  readonly #whole = (value: number) => this.#constant(int64(value));
  readonly #number = (value: number) => this.#constant(float32([], [value]));
}

function transposed({ dims: [rows, columns], data }: Weights, scale: number): ConstantTensor {
  const turned = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) turned[c * rows + r] = data[r * columns + c] * scale;
  return float32([columns, rows], turned);
}
