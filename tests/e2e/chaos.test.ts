/** Chaos in short: whoever is killed, nothing is lost, invented, left over or doubled. The long form: npm run chaos. */
import { expect, test } from 'vitest';
import { chaos, report } from '../chaos/chaos.ts';

test('eight random kills over campaigns, a script and a backfill', async () => {
  const outcome = await chaos(8, 1, () => {});
  expect(
    outcome.proofs.flatMap(({ name, wrong }) => wrong.map((one) => `${name}: ${one}`)),
    report(outcome),
  ).toEqual([]);
}, 300_000);
