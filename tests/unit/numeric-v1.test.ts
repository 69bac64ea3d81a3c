/** The v1 vectors: bit-equal to the original's, to a plain implementation of the contract, in any batch, and blind to the future. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { columnOf, makeColumn, type Panel } from '../../engines/market/panel.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { openV1, plainVector, vectorBytes } from '../helpers/numeric.ts';
import { haveShared, SHARED, SKIP_REASON, sharedCsv, sharedPanel } from '../helpers/shared-data.ts';
import { smallMarket } from '../helpers/small-market.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-models-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!haveShared)(`the original's vectors of 2014 (${haveShared ? 'full' : SKIP_REASON})`, () => {
  it('are met to the last bit', async () => {
    const expected = sharedCsv('reference/numeric/embeddings_2014_checksums.csv');
    const panel = sharedPanel('2014-01-01', '2014-12-31', 140, 10);
    const encoder = await openV1(folder, panel, 63);
    const { cells, of } = cellsOf(panel);
    const { vectors, problems } = await encoder.encode(
      cells(expected.map((row) => [row.entity_id, row.as_of_date] as const)),
    );
    expect(problems.size).toBe(0);
    expected.forEach((row, k) => {
      const bytes = vectorBytes(vectors, k);
      const name = `${row.entity_id} ${row.as_of_date}`;
      expect([name, createHash('sha256').update(bytes).digest('hex')]).toEqual([name, row.sha256_float32_le]);
      const values = [...new Float32Array(bytes.buffer, bytes.byteOffset, 384)];
      expect(values.filter((value) => value !== 0)).toHaveLength(Number(row.nonzero));
      expect(Math.hypot(...values)).toBeCloseTo(Number(row.l2_norm_f64), 3);
    });
    const samples = readFileSync(path.join(SHARED, 'reference/numeric/embeddings_2014_samples.jsonl'), 'utf8');
    for (const line of samples.trim().split('\n')) {
      const sample = JSON.parse(line) as Record<'entity_id' | 'as_of_date', string> & {
        first9: number[];
        idx186_192: number[];
        full_sum_f64: number;
      };
      const k = expected.findIndex((row) => row.entity_id === sample.entity_id && row.as_of_date === sample.as_of_date);
      const values = [...vectors.slice(k * 384, (k + 1) * 384)];
      expect(values.slice(0, 9)).toEqual(sample.first9);
      expect(values.slice(186, 192)).toEqual(sample.idx186_192);
      expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(sample.full_sum_f64, 3);
    }
    // Every one of them was due, and of the whole year nothing else of these names.
    expect(expected.every((row) => encoder.due.due[of(row.entity_id, row.as_of_date)] === 1)).toBe(true);
    await encoder.close();
  });
});

/** Cells of a panel by instrument id and date. */
function cellsOf(panel: Panel) {
  const T = panel.calendar.days.length;
  const at = new Map([...panel.calendar.days].map((day, t) => [formatDay(day), t]));
  const index = new Map(panel.instruments.map(({ id }, i) => [id, i]));
  const of = (id: string, date: string) => index.get(id)! * T + at.get(date)!;
  return { of, cells: (keys: (readonly [string, string])[]) => Int32Array.from(keys, ([id, date]) => of(id, date)) };
}

/** Markets with holes of all sizes, so that windows are short, stale and broken off. */
const markets = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  gaps: fc.constantFrom(0, 0.05, 0.4),
  window: fc.integer({ min: 2, max: 150 }),
});

describe('any names, windows and days', () => {
  it('give the vectors of the contract, and are due exactly when it says so', async () => {
    await fc.assert(
      fc.asyncProperty(markets, async ({ seed, gaps, window }) => {
        const panel = smallMarket({ seed, instruments: 6, days: 260, gaps });
        const encoder = await openV1(folder, panel, window);
        const T = panel.calendar.days.length;
        const due: number[] = [];
        for (let cell = 0; cell < 6 * T; cell++) {
          const plain = plainVector(panel, Math.floor(cell / T), cell % T, window);
          expect([cell, encoder.due.due[cell]]).toEqual([cell, plain ? 1 : 0]);
          if (plain) due.push(cell);
        }
        const { vectors, problems } = await encoder.encode(Int32Array.from(due));
        expect(problems.size).toBe(0);
        due.forEach((cell, k) => {
          const plain = plainVector(panel, Math.floor(cell / T), cell % T, window)!;
          expect(Buffer.compare(vectorBytes(vectors, k), plain)).toBe(0);
        });
        await encoder.close();
      }),
      { numRuns: 12 },
    );
  });

  it('give the same bytes in every batch and every session', async () => {
    const panel = smallMarket({ seed: 5, instruments: 5, days: 200, gaps: 0.05 });
    const encoder = await openV1(folder, panel, 63);
    const cells = Int32Array.from(encoder.due.due, (due, cell) => (due ? cell : -1)).filter((cell) => cell >= 0);
    const whole = (await encoder.encode(cells)).vectors;
    for (const size of [1, 7, 64]) {
      const other = await openV1(folder, panel, 63);
      for (let at = 0; at < cells.length; at += size) {
        const { vectors } = await other.encode(cells.subarray(at, at + size));
        expect(
          Buffer.compare(Buffer.from(vectors.buffer), Buffer.from(whole.slice(at * 384, (at + size) * 384).buffer)),
        ).toBe(0);
      }
      await other.close();
    }
    await encoder.close();
  });

  it('do not change when everything after the day does', async () => {
    const panel = smallMarket({ seed: 8, instruments: 4, days: 220, gaps: 0.02 });
    const T = panel.calendar.days.length;
    const day = 150;
    const changed = (name: 'close' | 'volume') => {
      const column = makeColumn(4 * T);
      columnOf(panel, name).forEach((value, at) => {
        column[at] = at % T > day ? value * 17 + 3 : value;
      });
      return column;
    };
    const other: Panel = { ...panel, columns: { close: changed('close'), volume: changed('volume') } };
    const cells = Int32Array.from([0, 1, 2, 3], (i) => i * T + day);
    const encoders = [await openV1(folder, panel, 63), await openV1(folder, other, 63)];
    const [before, after] = await Promise.all(encoders.map(async (one) => (await one.encode(cells)).vectors));
    expect(Buffer.compare(Buffer.from(before.buffer), Buffer.from(after.buffer))).toBe(0);
    // The test would see a change: a day later the vectors differ.
    const next = cells.map((cell) => cell + 1);
    const [later, otherLater] = await Promise.all(encoders.map(async (one) => (await one.encode(next)).vectors));
    expect(Buffer.compare(Buffer.from(later.buffer), Buffer.from(otherLater.buffer))).not.toBe(0);
    for (const one of encoders) await one.close();
  });
});

describe('windows that cannot be used', () => {
  it('are named with the value that is amiss; their neighbours are not touched', async () => {
    const panel = smallMarket({ seed: 3, instruments: 2, days: 120, gaps: 0 });
    const T = panel.calendar.days.length;
    columnOf(panel, 'close')[80] = 0;
    columnOf(panel, 'volume')[T + 90] = Number.NaN;
    const encoder = await openV1(folder, panel, 63);
    const { vectors, problems } = await encoder.encode(Int32Array.of(79, 80, T + 89, T + 90, 119));
    const date = (t: number) => formatDay(panel.calendar.days[t]);
    expect([...problems]).toEqual([
      [1, `the log return of ${date(80)} is no finite number`],
      [3, `the volume of ${date(90)} is no finite number`],
      [4, `the log return of ${date(80)} is no finite number`],
    ]);
    expect(Buffer.compare(vectorBytes(vectors, 0), plainVector(panel, 0, 79, 63)!)).toBe(0);
    expect(Buffer.compare(vectorBytes(vectors, 2), plainVector(panel, 1, 89, 63)!)).toBe(0);
    await encoder.close();
  });
});
