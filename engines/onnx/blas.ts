/** Products of matrices by ONNX Runtime: one small graph an operation, row-major data in and out. */
import { GraphBuilder } from './graph.ts';
import { makeTensor, type OnnxSession, openSession } from './session.ts';

export interface Blas {
  /** A·B for float64 A [m, k] and B [k, n]. */
  product(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Promise<Float64Array>;
  /** XᵀX for float32 X [n, p]: float64 [p, p], added up in float32 within blocks of rows. */
  gram(x: Float32Array, n: number, p: number): Promise<Float64Array>;
  /** AᵀB for float32 A [n, p] and B [n, q], as `gram`. */
  cross(a: Float32Array, b: Float32Array, n: number, p: number, q: number): Promise<Float64Array>;
  /** A·Bᵀ for float32 A [m, k] and B [n, k]. */
  productTransposed(a: Float32Array, b: Float32Array, m: number, k: number, n: number): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Rows of a float32 sum: short enough to keep its error near that of one product. */
const BLOCK = 2048;

export async function openBlas(): Promise<Blas> {
  const double = await operation('MatMul', 'float64');
  const turnedLeft = await operation('Gemm', 'float32', { transA: { int: 1 } });
  const turnedRight = await operation('Gemm', 'float32', { transB: { int: 1 } });
  const cross = async (a: Float32Array, b: Float32Array, n: number, p: number, q: number) => {
    const sum = new Float64Array(p * q);
    for (let at = 0; at < n; at += BLOCK) {
      const rows = Math.min(BLOCK, n - at);
      const { y } = await turnedLeft.run({
        a: await makeTensor('float32', a.subarray(at * p, (at + rows) * p), [rows, p]),
        b: await makeTensor('float32', b.subarray(at * q, (at + rows) * q), [rows, q]),
      });
      const part = y.data as Float32Array;
      for (let k = 0; k < sum.length; k++) sum[k] += part[k];
    }
    return sum;
  };
  return {
    product: async (a, b, m, k, n) => {
      const { y } = await double.run({
        a: await makeTensor('float64', a, [m, k]),
        b: await makeTensor('float64', b, [k, n]),
      });
      return y.data as Float64Array;
    },
    gram: (x, n, p) => cross(x, x, n, p, p),
    cross,
    productTransposed: async (a, b, m, k, n) => {
      const { y } = await turnedRight.run({
        a: await makeTensor('float32', a, [m, k]),
        b: await makeTensor('float32', b, [n, k]),
      });
      return y.data as Float32Array;
    },
    release: async () => {
      for (const session of [double, turnedLeft, turnedRight]) await session.release();
    },
  };
}

/** A graph of one node that multiplies `a` and `b`. */
function operation(
  name: 'MatMul' | 'Gemm',
  type: 'float32' | 'float64',
  attributes: Record<string, { int: number }> = {},
): Promise<OnnxSession> {
  const graph = new GraphBuilder({ name: 'blas' });
  const a = graph.input('a', type, ['A', 'B']);
  const b = graph.input('b', type, ['C', 'D']);
  graph.output('y', graph.node(name, [a, b], attributes), type, ['E', 'F']);
  return openSession(graph.build(), 'cpu');
}
