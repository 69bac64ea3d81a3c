/**
 * `npm run bench [NAME…]`: prints each bar of the performance notes with the measured figure and their ratio. CPU-seconds
 * are user + system of our processes, the server's beside them; wall times are for people. Exit code 1 when a bar is missed.
 */
import { type Bar, barLine } from './harness.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<{ run(): Promise<Bar[]> }>>> = {
  b1: () => import('./b1.ts'),
  b2: () => import('./b2.ts'),
  b3: () => import('./b3.ts'),
  b4: () => import('./b4.ts'),
  b7: () => import('./b7.ts'),
  b5: () => import('./b5.ts'),
  b6: () => import('./b6.ts'),
  b8: () => import('./b8.ts'),
  b9: () => import('./b9.ts'),
  b10: () => import('./b10.ts'),
  horizon: () => import('./horizon.ts'),
  scale: () => import('./scale.ts'),
  storage: () => import('./storage.ts'),
  telemetry: () => import('./telemetry.ts'),
  flood: () => import('./flood.ts'),
};

const wanted = process.argv.slice(2).map((name) => name.toLowerCase());
const unknown = wanted.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  process.stderr.write(`bench: there is no ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}\n`);
  process.exit(2);
}
let missed = 0;
for (const [name, load] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const bar of await (await load()).run()) {
    process.stdout.write(`${barLine(bar)}\n`);
    if (bar.higherIsBetter ? bar.figure < bar.bar : bar.figure > bar.bar) missed++;
  }
}
process.stdout.write(missed === 0 ? 'every bar is met\n' : `${missed} bars are missed\n`);
process.exitCode = missed === 0 ? 0 : 1;
