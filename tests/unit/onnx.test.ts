/** Our ONNX writer against ONNX Runtime: what we write is read, and computes what it says. */
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../engines/onnx/graph.ts';
import { makeTensor, openSession } from '../../engines/onnx/session.ts';
import { constantTensor, float32, float64, int8, int64 } from '../../engines/onnx/tensor.ts';

/** A graph with one output `y`, run on the CPU. */
async function run(
  build: (graph: GraphBuilder) => void,
  feeds: Parameters<Awaited<ReturnType<typeof openSession>>['run']>[0] = {},
  opset?: number,
) {
  const graph = new GraphBuilder({ name: 'test', opset });
  build(graph);
  const session = await openSession(graph.build(), 'cpu');
  try {
    return (await session.run(feeds)).y;
  } finally {
    await session.release();
  }
}

const feed = async (values: number[], dims: number[]) => ({
  x: await makeTensor('float32', Float32Array.from(values), dims),
});

describe('the ONNX writer', () => {
  it('writes nodes, weights, every kind of attribute and free sizes', async () => {
    const y = await run(
      (graph) => {
        const x = graph.input('x', 'float32', ['N', 2]);
        const weights = graph.constant(float32([3, 2], [1, 2, 3, 4, 5, 6]));
        const product = graph.node('Gemm', [x, weights, null], { transB: { int: 1 }, alpha: { float: 0.5 } });
        const [first, rest] = graph.nodes('Split', [product, graph.constant(int64(1, 2))], 2, { axis: { int: 1 } });
        const shifted = graph.node('Add', [
          first,
          graph.node('Constant', [], { value: { tensor: float32([1], [100]) } }),
        ]);
        const turned = graph.node('Transpose', [graph.node('Concat', [rest, shifted], { axis: { int: 1 } })], {
          perm: { ints: [1, 0] },
        });
        graph.output('y', turned, 'float32', [3, 'N']);
      },
      await feed([1, 1, 2, -2], [2, 2]),
    );
    expect(y.dims).toEqual([3, 2]);
    expect([...(y.data as Float32Array)]).toEqual([3.5, -1, 5.5, -1, 101.5, 99]);
  });

  it('writes texts, lists of numbers, and newer operators', async () => {
    const y = await run(
      (graph) => {
        const x = graph.input('x', 'float32', [1, 3]);
        const gelu = graph.node('Gelu', [x], { approximate: 'none' });
        const offsets = graph.node('Constant', [], { value_floats: { floats: [1, 2, 3] } });
        graph.output('y', graph.node('Add', [gelu, offsets]), 'float32', [1, 3]);
      },
      await feed([0, 0, 0], [1, 3]),
      20,
    );
    expect([...(y.data as Float32Array)]).toEqual([1, 2, 3]);
  });

  it('writes constants of every type', async () => {
    const constants = {
      float64: float64([2], [1, 2]),
      int8: int8([2], Int8Array.of(-3, 4)),
      uint8: constantTensor('uint8', [2], Uint8Array.of(250, 1)),
      int32: constantTensor('int32', [2], Int32Array.of(-7, 9)),
      int64: int64(-5, 6),
      bool: constantTensor('bool', [2], Uint8Array.of(1, 0)),
      float16: constantTensor('float16', [2], Uint16Array.of(0x3c00, 0xc000)),
    };
    const read: Record<string, number[]> = {};
    for (const [type, tensor] of Object.entries(constants)) {
      const y = await run((graph) => {
        graph.output('y', graph.node('Cast', [graph.constant(tensor)], { to: { int: 1 } }), 'float32', [2]);
      });
      read[type] = [...(y.data as Float32Array)];
    }
    expect(read).toEqual({
      float64: [1, 2],
      int8: [-3, 4],
      uint8: [250, 1],
      int32: [-7, 9],
      int64: [-5, 6],
      bool: [1, 0],
      float16: [1, -2],
    });
  });

  it('gives equal bytes for equal graphs, and refuses what cannot be right', () => {
    const build = () => {
      const graph = new GraphBuilder({ name: 'same', metadata: { b: '2', a: '1' } });
      graph.output('y', graph.node('Neg', [graph.input('x', 'float32', ['N'])]), 'float32', ['N']);
      return graph.build();
    };
    expect(Buffer.compare(build(), build())).toBe(0);
    expect(() => float32([2, 2], [1, 2, 3])).toThrow(/do not fill float32 \[2, 2\]/);
    expect(() => new GraphBuilder({ name: 'x', opset: 7 })).toThrow(/opset 7/);
    expect(() => new GraphBuilder({ name: 'empty' }).build()).toThrow(/no output/);
    const graph = new GraphBuilder({ name: 'twice' });
    graph.input('x', 'float32', ['N']);
    expect(() => graph.input('x', 'float32', ['N'])).toThrow(/two values named x/);
  });
});

describe('sessions', () => {
  it('say which provider runs, and why CUDA does not', async () => {
    const graph = new GraphBuilder({ name: 'test' });
    graph.output('y', graph.node('Neg', [graph.input('x', 'float32', ['N'])]), 'float32', ['N']);
    const session = await openSession(graph.build());
    expect(['cpu', 'cuda']).toContain(session.provider);
    expect(session.fallback === '').toBe(session.provider === 'cuda');
    expect([session.inputNames, session.outputNames]).toEqual([['x'], ['y']]);
    await session.release();
  });
});
