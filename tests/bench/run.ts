/**
 * `npm run bench [NAME…]`: prints each bar of the performance notes with the measured figure, their ratio, and what was
 * recorded last. CPU-seconds are user + system of our processes, the server's beside them; wall times are for people. With
 * `--record` the figures are added to `docs/bench-history.tsv`. Exit code 1 when a bar is missed.
 */
import { type Bar, barLine } from './harness.ts';
import { currentCommit, lastOf, ratioOf, readHistory, record } from './history.ts';

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

const recording = process.argv.includes('--record');
const wanted = process.argv
  .slice(2)
  .filter((name) => name !== '--record')
  .map((name) => name.toLowerCase());
const unknown = wanted.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  process.stderr.write(`bench: there is no ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}\n`);
  process.exit(2);
}
const history = readHistory();
// Before anything is measured: what is measured is what is checked out now.
const commit = recording ? currentCommit() : null;
let missed = 0;
for (const [name, load] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const bar of await (await load()).run()) {
    process.stdout.write(`${barLine(bar, lastOf(history, bar))}\n`);
    if (ratioOf(bar) < 1) missed++;
    if (commit !== null) record(bar, commit);
  }
}
process.stdout.write(missed === 0 ? 'every bar is met\n' : `${missed} bars are missed\n`);
process.exitCode = missed === 0 ? 0 : 1;
