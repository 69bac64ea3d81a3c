/**
 * Builds an ONNX model: nodes, constants, inputs and outputs, written in the format of onnx.proto3 (github.com/onnx/onnx,
 * field numbers from there). Equal calls give equal bytes, so a model can be known by its hash.
 */
import { Message } from './protobuf.ts';
import { type ConstantTensor, type Dim, type ElementType, tensorProto, typeCode } from './tensor.ts';

const IR_VERSION = 8;
const DEFAULT_OPSET = 17;

/** A tensor inside a graph, known by its name. */
export interface Value {
  readonly name: string;
}

/**
 * A node's attribute: a string or a tensor as they are; numbers by kind, since ONNX tells `1` from `1.0`.
 */
type Attribute =
  | string
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly tensor: ConstantTensor };

export type Attributes = Readonly<Record<string, Attribute>>;

export interface GraphOptions {
  /** Shown by viewers. */
  readonly name: string;
  /** 17 … 20; Gelu needs 20. */
  readonly opset?: number;
  /** Facts kept in the file, in the order of their keys. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Adds nodes in the order in which they run. Names are made from the kind of node and a count. */
export class GraphBuilder {
  readonly #options: GraphOptions;
  readonly #nodes: Message[] = [];
  readonly #constants: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];
  readonly #names = new Set<string>();
  #count = 0;

  constructor(options: GraphOptions) {
    const opset = options.opset ?? DEFAULT_OPSET;
    if (opset < 17 || opset > 20) throw new RangeError(`opset ${opset} is not one of 17 … 20`);
    this.#options = options;
  }

  /** What a caller feeds. */
  input(name: string, type: ElementType, dims: readonly Dim[]): Value {
    this.#take(name);
    this.#inputs.push(valueInfo(name, type, dims));
    return { name };
  }

  /** A weight or any other fixed tensor. */
  constant(tensor: ConstantTensor, name = this.#fresh('constant')): Value {
    this.#take(name);
    this.#constants.push(tensorProto(tensor, name));
    return { name };
  }

  /** A node with one result. An absent optional input is null. */
  node(operator: string, inputs: readonly (Value | null)[], attributes: Attributes = {}): Value {
    return this.nodes(operator, inputs, 1, attributes)[0];
  }

  /** A node with `count` results. */
  nodes(operator: string, inputs: readonly (Value | null)[], count: number, attributes: Attributes = {}): Value[] {
    const outputs = Array.from({ length: count }, () => ({ name: this.#fresh(operator) }));
    for (const { name } of outputs) this.#take(name);
    this.#append(operator, inputs, outputs, attributes);
    return outputs;
  }

  /** What a caller reads: `value` under a name of its own. */
  output(name: string, value: Value, type: ElementType, dims: readonly Dim[]): void {
    this.#take(name);
    this.#append('Identity', [value], [{ name }], {});
    this.#outputs.push(valueInfo(name, type, dims));
  }

  /** The model file. */
  build(): Uint8Array {
    if (!this.#outputs.length) throw new Error(`graph ${this.#options.name} has no output`);
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, this.#options.name);
    for (const constant of this.#constants) graph.message(5, constant);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    const model = new Message().int(1, IR_VERSION).text(2, 'prometheus').message(7, graph);
    model.message(8, new Message().text(1, '').int(2, this.#options.opset ?? DEFAULT_OPSET));
    for (const [key, value] of Object.entries(this.#options.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
      model.message(14, new Message().text(1, key).text(2, value));
    }
    return model.encode();
  }

  #append(
    operator: string,
    inputs: readonly (Value | null)[],
    outputs: readonly Value[],
    attributes: Attributes,
  ): void {
    const node = new Message();
    for (const input of inputs) node.text(1, input?.name ?? '');
    for (const output of outputs) node.text(2, output.name);
    node.text(3, outputs[0].name).text(4, operator);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attributeProto(name, value));
    this.#nodes.push(node);
  }

  #fresh(kind: string): string {
    return `${kind.toLowerCase()}_${++this.#count}`;
  }

  #take(name: string): void {
    if (this.#names.has(name)) throw new Error(`graph ${this.#options.name} has two values named ${name}`);
    this.#names.add(name);
  }
}

/** Codes of `AttributeProto.AttributeType`. */
const FLOAT = 1;
const INT = 2;
const STRING = 3;
const TENSOR = 4;
const FLOATS = 6;
const INTS = 7;

function attributeProto(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'string') return message.text(4, value).int(20, STRING);
  if ('int' in value) return message.int(3, value.int).int(20, INT);
  if ('float' in value) return message.float(2, value.float).int(20, FLOAT);
  if ('tensor' in value) return message.message(5, tensorProto(value.tensor)).int(20, TENSOR);
  if ('ints' in value) {
    for (const one of value.ints) message.int(8, one);
    return message.int(20, INTS);
  }
  for (const one of value.floats) message.float(7, one);
  return message.int(20, FLOATS);
}

/** `ValueInfoProto`: name, element type and shape; a named size is free. */
function valueInfo(name: string, type: ElementType, dims: readonly Dim[]): Message {
  const shape = new Message();
  for (const dim of dims)
    shape.message(1, typeof dim === 'string' ? new Message().text(2, dim) : new Message().int(1, dim));
  const tensor = new Message().int(1, typeCode(type)).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}
