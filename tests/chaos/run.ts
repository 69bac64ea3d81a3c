/**
 * `npm run chaos -- [--minutes M | --blows N] [--seed S]`: prints its report, and ends with 1 when a proof fails. An hour
 * when nothing is said.
 */
import { parseArgs } from 'node:util';
import { chaos, report } from './chaos.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, blows: { type: 'string' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? 1);
const minutes = Number(values.minutes ?? 60);
const blows = Number(values.blows ?? 1);
if (!Number.isInteger(seed) || !Number.isInteger(blows) || !(minutes > 0) || blows < 1) {
  process.stderr.write('chaos: --minutes M is a number above 0, --blows N and --seed S are whole numbers\n');
  process.exit(2);
}
if (values.minutes !== undefined && values.blows !== undefined) {
  process.stderr.write('chaos: give --minutes or --blows, not both\n');
  process.exit(2);
}
const outcome = await chaos(values.blows === undefined ? { minutes } : { blows }, seed, (text) =>
  process.stderr.write(`chaos: ${text}\n`),
);
process.stdout.write(`seed ${seed}\n${report(outcome)}`);
process.exitCode = outcome.proofs.every(({ wrong }) => wrong.length === 0) ? 0 : 1;
