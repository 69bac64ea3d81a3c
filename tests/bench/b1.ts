/** B1: the reference workload, engine only and as a whole process. */
import { randomWalk, runWorkload } from './b1-engine.ts';
import { type Bar, measure, runChild } from './harness.ts';

export async function run(): Promise<Bar[]> {
  const close = randomWalk(1);
  const times: number[] = [];
  for (let k = 0; k < 7; k++) times.push((await measure(() => runWorkload(close))).cpu);
  const warm = Math.min(...times.slice(2));
  const child = await runChild([new URL('./b1-process.ts', import.meta.url).pathname]);
  return [
    {
      name: 'B1',
      what: 'reference workload, engine, warm',
      figure: warm,
      bar: 0.1,
      unit: 'CPU-s',
      higherIsBetter: false,
    },
    {
      name: 'B1',
      what: 'reference workload, whole process',
      figure: child.cpu,
      bar: 0.5,
      unit: 'CPU-s',
      higherIsBetter: false,
    },
    {
      name: 'B1',
      what: 'reference workload, peak memory',
      figure: child.peakMiB,
      bar: 150,
      unit: 'MiB',
      higherIsBetter: false,
    },
  ];
}
