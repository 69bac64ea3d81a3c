/** What the board counts as due, missing and surplus, against `verify numeric-embeddings`, which counts cell by cell. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { refreshCoverage } from '../../engines/numeric/coverage.storage.ts';
import { backfillNumeric } from '../../engines/numeric/program.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { verifyNumeric } from '../../engines/verify/numeric.ts';
import { numericEmbeddingsSpec } from '../../engines/verify/spec.ts';
import { probeGaps, probeHolidays, probeNumericBits, probePrices } from '../../src/phases/historical-evidence.ts';
import { type ProbeOptions, withProber } from '../../src/phases/probes.ts';
import { probeInstruments } from '../../src/phases/runtime-evidence.ts';
import { dueDays, vectorsAgainst } from '../../src/phases/vector-days.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { createTestDatabases } from '../helpers/databases.ts';
import { valueIn } from '../helpers/phase-evidence.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const MODEL = 'num-stab-core-v1';
const options: ProbeOptions = { now: Date.now, signal: new AbortController().signal, timeoutMs: 10_000 };

it('the same as the proof, for any prices with gaps, rows that went and rows that nobody asked for', async () => {
  const scenario = fc.record({
    seed: fc.nat(1000),
    gaps: fc.constantFrom(0, 0.01, 0.15),
    holes: fc.array(fc.record({ name: fc.nat(7), t: fc.integer({ min: 60, max: 219 }) }), { maxLength: 5 }),
    surplus: fc.array(fc.record({ name: fc.nat(7), t: fc.integer({ min: 10, max: 50 }) }), { maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, fc.boolean(), async ({ seed, gaps, holes, surplus }, refreshed) => {
      const panel = smallMarket({ seed, instruments: 8, days: 220, gaps });
      const date = (t: number) => formatDay(panel.calendar.days[t]);
      const db = await createTestDatabases();
      try {
        const { historical, runtime } = db.databases;
        const query = (sql: string, values: unknown[] = []) => historical.client((client) => client.query(sql, values));
        await storePanel(db.databases, panel);
        const range = { market: 'TEST', startDate: date(0), endDate: date(219), models: [MODEL] };
        await runProgram(numericBackfillSpec, backfillNumeric, { ...range, workers: 1, device: 'cpu' }, db.databases);
        for (const { name, t } of holes) {
          await query('DELETE FROM numeric_window_embeddings WHERE entity_id = $1 AND as_of_date = $2', [
            panel.instruments[name].id,
            date(t),
          ]);
        }
        for (const { name, t } of surplus) {
          await query(
            `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
             VALUES ('INSTRUMENT', $1, '{}', $2, $3) ON CONFLICT DO NOTHING`,
            [panel.instruments[name].id, date(t), MODEL],
          );
        }
        // Of another market, with the same model.
        await query(
          `INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id)
           SELECT 'INSTRUMENT', 'ELSEWHERE', '{}', as_of_date, $1 FROM numeric_window_embeddings GROUP BY 4`,
          [MODEL],
        );
        if (refreshed) await refreshCoverage(historical, { exact: true });
        const instruments = valueIn(await withProber(runtime, options, (prober) => probeInstruments(prober, 'TEST')));
        const [first, last] = [panel.calendar.days[0], panel.calendar.days[219]];
        const found = await withProber(historical, options, async (prober) => {
          const prices = valueIn(await probePrices(prober));
          const holidays = valueIn(await probeHolidays(prober, 'TEST'));
          const gaps = valueIn(await probeGaps(prober, holidays, prices, { first, last }));
          const { bits, models } = valueIn(await probeNumericBits(prober, [MODEL]));
          return vectorsAgainst(dueDays(prices, gaps, instruments, bits, 63), models.get(MODEL));
        });
        const { data } = (await runProgram(numericEmbeddingsSpec, verifyNumeric, range, db.databases)).result;
        const [proven] = (data as { models: { expected: number; present: number; surplus: number }[] }).models;
        const sum = (figures: readonly number[]) => figures.reduce((a, b) => a + b, 0);
        const present = sum(found.present);
        expect({ expected: present + sum(found.missing), present, surplus: sum(found.surplus) }).toEqual({
          ...{ expected: proven.expected, present: proven.present, surplus: proven.surplus },
        });
      } finally {
        await db.drop();
      }
    }),
    { numRuns: 4 },
  );
});
