/** Chaos in short: whatever happens, nothing is lost, invented, left over, half-written or doubled. The long form: npm run chaos. */
import { expect, test } from 'vitest';
import { chaos, report } from '../chaos/chaos.ts';

test('a blow of each kind over campaigns, a script, backfills, imports and three consoles', async () => {
  const outcome = await chaos({ blows: 11 }, 1, () => {});
  expect(
    outcome.proofs.flatMap(({ name, wrong }) => wrong.map((one) => `${name}: ${one}`)),
    report(outcome),
  ).toEqual([]);
}, 300_000);
