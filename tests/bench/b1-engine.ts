/**
 * B1: the reference workload of the performance notes: 500 instruments × 2,520 days, daily top 50 by 63-day momentum in
 * equal weights, whole shares, 5 bp slippage, 1 bp commission, on the product's own book.
 */
import { Book } from '../../engines/execution/model.ts';
import { Random } from '../../src/platform/random.ts';

export const WORKLOAD = { instruments: 500, days: 2520, top: 50, window: 63 };

/** Random-walk closes, day-major. */
export function randomWalk(seed: number): Float64Array {
  const { instruments, days } = WORKLOAD;
  const generator = new Random(seed);
  const random = () => generator.uniform();
  const close = new Float64Array(instruments * days);
  for (let i = 0; i < instruments; i++) close[i] = 20 + 180 * random();
  for (let d = 1; d < days; d++) {
    for (let i = 0; i < instruments; i++) {
      const shock = random() + random() + random() - 1.5;
      close[d * instruments + i] = close[(d - 1) * instruments + i] * (1 + 0.0003 + 0.02 * shock);
    }
  }
  return close;
}

/** Runs the workload; returns the number of fills and the final equity. */
export function runWorkload(close: Float64Array): { fills: number; equity: number } {
  const { instruments: n, days, top, window } = WORKLOAD;
  const book = new Book(n, 1_000_000, {
    fill: 'close',
    slippageBps: 5,
    commissionBps: 1,
    wholeShares: true,
    maxParticipation: Number.POSITIVE_INFINITY,
  });
  const noDelisting = new Float64Array(n).fill(Number.NaN);
  const weights = new Float64Array(n);
  const heap = new Int32Array(top);
  const momentum = new Float64Array(n);
  for (let d = window; d < days; d++) {
    const today = close.subarray(d * n, (d + 1) * n);
    const past = close.subarray((d - window) * n, (d - window + 1) * n);
    book.open(d, { close: today }, noDelisting);
    for (let i = 0; i < n; i++) momentum[i] = today[i] / past[i];
    const count = largest(momentum, heap);
    weights.fill(0);
    for (let k = 0; k < count; k++) weights[heap[k]] = 1 / top;
    book.rebalance(d, weights, { close: today }, book.equity());
  }
  return { fills: book.fills.length, equity: book.equity() };
}

/** Indices of the largest values by a bounded min-heap of the size of `heap`. */
function largest(values: Float64Array, heap: Int32Array): number {
  let size = 0;
  for (let i = 0; i < values.length; i++) {
    if (size < heap.length) {
      let at = size++;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (values[heap[parent]] <= values[i]) break;
        heap[at] = heap[parent];
        at = parent;
      }
      heap[at] = i;
    } else if (values[i] > values[heap[0]]) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= size) break;
        if (child + 1 < size && values[heap[child + 1]] < values[heap[child]]) child++;
        if (values[heap[child]] >= values[i]) break;
        heap[at] = heap[child];
        at = child;
      }
      heap[at] = i;
    }
  }
  return size;
}
