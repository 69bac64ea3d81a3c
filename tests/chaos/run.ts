/** `npm run chaos -- [--kills N] [--seed S]`: the long form; prints its report, and ends with 1 when a proof fails. */
import { parseArgs } from 'node:util';
import { chaos, report } from './chaos.ts';

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const kills = Number(values.kills ?? 200);
const seed = Number(values.seed ?? 1);
if (!Number.isInteger(kills) || !Number.isInteger(seed) || kills < 1) {
  process.stderr.write('chaos: --kills N and --seed S are whole numbers\n');
  process.exit(2);
}
const outcome = await chaos(kills, seed, (text) => process.stderr.write(`chaos: ${text}\n`));
process.stdout.write(`seed ${seed}\n${report(outcome)}`);
process.exitCode = outcome.proofs.every(({ wrong }) => wrong.length === 0) ? 0 : 1;
