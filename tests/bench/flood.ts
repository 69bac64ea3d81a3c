/** 50 MB/s of log from one job that a client watches, beside jobs of another client. The bars are the supervisor's. */
import { flood } from '../helpers/flood.ts';
import type { Bar } from './harness.ts';

const RATE = 50;
const OTHERS = 20;

export async function run(): Promise<Bar[]> {
  const { printed, kept, waits, memory } = await flood(RATE, OTHERS);
  if (kept.bytes !== printed.bytes || kept.hash !== printed.hash) throw new Error('the log is not what was printed');
  const grown = (Math.max(...memory.during) - memory.before) / 1e6;
  const median = waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)] / 1000;
  const rate = printed.bytes / 1e6 / printed.seconds;
  process.stderr.write(
    `bench: ${(printed.bytes / 1e6).toFixed(0)} MB in ${printed.seconds.toFixed(1)} s, all of it kept; `,
  );
  process.stderr.write(`another job from request to end: median ${median.toFixed(2)} s\n`);
  return [
    {
      name: 'LOG',
      what: 'log of one job, kept whole',
      figure: rate,
      bar: RATE * 0.95,
      unit: 'MB/s',
      higherIsBetter: true,
    },
    {
      name: 'LOG',
      what: 'memory that it costs the supervisor',
      figure: grown,
      bar: 64,
      unit: 'MB',
      higherIsBetter: false,
    },
  ];
}
