/** The v2 encoders: blind to the future, to splits and to the unit of prices; the same bytes in any batch, thread and panel. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { symmetricEigen } from '../../engines/linear/symmetric.model.ts';
import { columnOf, makeColumn, type PriceColumn } from '../../engines/market/panel.ts';
import type { LoadedPanel } from '../../engines/market/storage.ts';
import { requireOutOfSample } from '../../engines/models/guard.model.ts';
import { loadNumericModel } from '../../engines/numeric/models.storage.ts';
import { CHANNELS, instrumentSource, STATISTICS, STEPS } from '../../engines/numeric/v2/instrument.model.ts';
import { kernelWeights } from '../../engines/numeric/v2/kernels.model.ts';
import { recipeOf, V2_MODELS, V2_RECIPES } from '../../engines/numeric/v2/models.model.ts';
import { instrumentRows } from '../../engines/numeric/v2/rows.model.ts';
import { V2_SOURCES } from '../../engines/numeric/v2/sources.ts';
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import { Random } from '../../src/platform/random.ts';
import { fitInto, fitOn, fullMarket, openOn, vectorsOf, withColumns, withoutDays } from '../helpers/numeric-v2.ts';

/** Every v2 model that is fitted: a new one is held to the same. */
const FITTED = V2_MODELS.filter((id) => V2_RECIPES[id].fit !== 'schema');
const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-models-'));
const DAYS = 900;
let panel: LoadedPanel;
const graphs = new Map<string, Uint8Array>();
const probes = new Map<string, Readonly<Record<string, number>>>();

beforeAll(async () => {
  panel = fullMarket({ seed: 21, instruments: 12, days: DAYS, gaps: 0.01 });
  for (const id of FITTED) {
    const fitted = await fitInto(folder, panel, id);
    graphs.set(id, fitted.graph.bytes);
    probes.set(id, fitted.probes);
  }
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Cells that are due on day `t`. */
async function dueOn(id: string, t: number, on = panel): Promise<number[]> {
  const encoder = await openOn(folder, on, id);
  await encoder.close();
  const T = on.calendar.days.length;
  return encoder.due.entities.map((_, e) => e * T + t).filter((cell) => encoder.due.due[cell]);
}

const bytes = (vectors: Float32Array) => Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength);
const changed = (of: (value: number, t: number, i: number, name: PriceColumn) => number): LoadedPanel =>
  withColumns(
    panel,
    Object.fromEntries(
      (Object.keys(panel.columns) as PriceColumn[]).map((name) => {
        const column = columnOf(panel, name);
        const result = makeColumn(column.length);
        for (let at = 0; at < column.length; at++) {
          result[at] = of(column[at], at % DAYS, Math.floor(at / DAYS), name);
        }
        return [name, result];
      }),
    ),
  );

describe.each(FITTED)('%s', (id) => {
  it('has vectors of a mean square length of 1 about a mean of 0', () => {
    expect(probes.get(id)!.mean_square_length).toBeCloseTo(1, 1);
    expect(probes.get(id)!.mean_length).toBeLessThan(0.1);
  });

  it('does not change when everything after the day does', async () => {
    const day = 700;
    const other = changed((value, t) => (t > day ? value * 17 + 3 : value));
    const cells = await dueOn(id, day);
    expect(cells.length).toBeGreaterThan(0);
    const before = await vectorsOf(folder, panel, id, cells);
    expect(Buffer.compare(bytes(before), bytes(await vectorsOf(folder, other, id, cells)))).toBe(0);
    // The test would see a change: a day later the vectors differ.
    const next = await dueOn(id, day + 1);
    const [later, otherLater] = [panel, other].map((one) => vectorsOf(folder, one, id, next));
    expect(Buffer.compare(bytes(await later), bytes(await otherLater))).not.toBe(0);
  });

  it('knows no unit of prices and no split', async () => {
    const cells = [650, 700, 899].flatMap((t) => [dueOn(id, t)]);
    const due = (await Promise.all(cells)).flat();
    const before = await vectorsOf(folder, panel, id, due);
    const isPrice = (name: PriceColumn) => name !== 'volume';
    const tenfold = changed((value, _t, i, name) => (isPrice(name) && i % 2 === 0 ? value * 10 : value));
    // A split of four for one on day 680: what was quoted before is four times as much, a quarter of the shares traded.
    const split = changed((value, t, _i, name) => {
      if (t >= 680 || name === 'adjusted_close') return value;
      return name === 'volume' ? value / 4 : value * 4;
    });
    expect(largestDifference(before, await vectorsOf(folder, tenfold, id, due))).toBeLessThan(1e-6);
    expect(largestDifference(before, await vectorsOf(folder, split, id, due))).toBeLessThan(1e-6);
  });

  it('gives the same bytes in every batch, and with one thread or two', async () => {
    const cells = (await Promise.all([600, 650, 700, 750, 800, 850, 899].map((t) => dueOn(id, t)))).flat();
    const encoder = await openOn(folder, panel, id);
    const whole = (await encoder.encode(Int32Array.from(cells))).vectors;
    for (const size of [1, 5, 33]) {
      for (let at = 0; at < cells.length; at += size) {
        const { vectors } = await encoder.encode(Int32Array.from(cells.slice(at, at + size)));
        expect(Buffer.compare(bytes(vectors), bytes(whole.slice(at * 384, (at + size) * 384)))).toBe(0);
      }
    }
    await encoder.close();
    const inputs = V2_SOURCES[recipeOf(id)!.source].inputs;
    const random = new Random(4);
    const feeds = Object.fromEntries(
      inputs.map(({ name, dims }) => {
        const size = dims.reduce((product, dim) => product * dim, 64);
        return [
          name,
          new Tensor(
            'float32',
            Float32Array.from({ length: size }, () => random.normal()),
            [64, ...dims],
          ),
        ];
      }),
    );
    const [one, two] = await Promise.all(
      [1, 2].map(async (threads) => {
        const session = await InferenceSession.create(graphs.get(id)!, { intraOpNumThreads: threads });
        return (await session.run(feeds)).vector.data as Float32Array;
      }),
    );
    expect(Buffer.compare(bytes(one), bytes(two))).toBe(0);
  });

  it('gives the same bytes however much was loaded before the days it looks back on', async () => {
    const { source, window } = recipeOf(id)!;
    const lookback = V2_SOURCES[source].lookback(window);
    const shorter = withoutDays(panel, DAYS - 1 - lookback);
    const T = shorter.calendar.days.length;
    const cells = await dueOn(id, T - 1, shorter);
    expect(cells.length).toBe((await dueOn(id, DAYS - 1)).length);
    const there = await vectorsOf(folder, shorter, id, cells);
    const all = await vectorsOf(
      folder,
      panel,
      id,
      cells.map((cell) => Math.floor(cell / T) * DAYS + DAYS - 1),
    );
    expect(Buffer.compare(bytes(there), bytes(all))).toBe(0);
  });

  it('may not be used on days that it was fitted on', async () => {
    const { manifest } = await loadNumericModel(folder, id);
    const end = parseDay(manifest.fit!.fit_end);
    expect(() => requireOutOfSample(manifest, end, false)).toThrow(/seen their own future/);
    expect(() => requireOutOfSample(manifest, end, true)).not.toThrow();
    expect(() => requireOutOfSample(manifest, end + 1, false)).not.toThrow();
  });
});

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k])), 0);

describe('the fit', () => {
  it('gives equal bytes from equal prices and seed', async () => {
    const id = 'num-stab-core-v2';
    expect(Buffer.compare((await fitOn(panel, id)).graph.bytes, graphs.get(id)!)).toBe(0);
    expect(Buffer.compare((await fitOn(panel, id, 2)).graph.bytes, graphs.get(id)!)).not.toBe(0);
  }, 60_000);

  it('refuses a span with too few windows', async () => {
    const short = fullMarket({ seed: 3, instruments: 2, days: 150 });
    await expect(fitOn(short, 'num-stab-core-v2')).rejects.toThrow(/fewer than 400/);
  });

  it('finds the eigenvectors of a matrix', () => {
    const random = new Random(9);
    const n = 20;
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.normal();
    const { values, vectors } = symmetricEigen(a, n);
    for (let k = 0; k < n; k++) {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += a[i * n + j] * vectors[k * n + j];
        expect(sum).toBeCloseTo(values[k] * vectors[k * n + i], 9);
      }
    }
    expect([...values]).toEqual([...values].sort((x, y) => y - x));
  });

  it('uses kernels of −1 and 2 that sum to 0 on one to three channels', () => {
    const weights = kernelWeights(6, 1, 2);
    for (let k = 0; k < 84; k++) {
      const channels = Array.from({ length: 6 }, (_, c) => [...weights.subarray((k * 6 + c) * 9, (k * 6 + c + 1) * 9)]);
      const used = channels.filter((one) => one.some((weight) => weight !== 0));
      expect(used.length).toBeGreaterThan(0);
      expect(used.length).toBeLessThan(4);
      for (const one of used) expect([...one].sort((x, y) => x - y)).toEqual([-1, -1, -1, -1, -1, -1, 2, 2, 2]);
    }
  });
});

describe('a window of an instrument', () => {
  const inputsOf = (on: LoadedPanel, cell: number) => {
    const window = new Float32Array(CHANNELS * STEPS);
    const stats = new Float32Array(STATISTICS.length);
    const problem = instrumentSource.writer({ panel: on, window: 63 }, instrumentRows(on))(cell, [window, stats], 0);
    return { window, stats, problem };
  };

  it('holds the channels of the contract', () => {
    const on = fullMarket({ seed: 6, instruments: 3, days: 300, gaps: 0 });
    const T = 300;
    const t = 250;
    const { window } = inputsOf(on, T + t);
    const [adjusted, high, low, close, volume] = (['adjusted_close', 'high', 'low', 'close', 'volume'] as const).map(
      (name) => columnOf(on, name).subarray(T, 2 * T),
    );
    const last = STEPS - 1;
    const ret = Math.log(adjusted[t] / adjusted[t - 1]);
    const simple = [0, 1, 2].flatMap((i) => {
      const all = columnOf(on, 'adjusted_close');
      const value = all[i * T + t] / all[i * T + t - 1] - 1;
      return Number.isNaN(value) ? [] : [value];
    });
    const market = Math.log1p(simple.reduce((sum, value) => sum + value, 0) / simple.length);
    const dollars = Array.from({ length: 63 }, (_, k) => close[t - k] * volume[t - k]).sort((a, b) => a - b);
    const peak = Math.max(...adjusted.subarray(t - 63, t + 1));
    const expected = [
      ret / 0.02,
      (ret - market) / 0.02,
      Math.log(high[t] / low[t]) / 0.02 - 1,
      Math.log((close[t] * volume[t]) / dollars[31]),
      (adjusted[t] / peak - 1) / 0.1,
      market / 0.01,
    ];
    expected.forEach((value, c) => {
      expect(window[c * STEPS + last]).toBeCloseTo(Math.max(-8, Math.min(8, value)), 4);
    });
  });

  it('that is short is padded with zeros on its left, and never repeats its last row', () => {
    const on = fullMarket({ seed: 6, instruments: 3, days: 300, gaps: 0 });
    for (const column of Object.values(on.columns)) column.fill(Number.NaN, 300, 300 + 190);
    const t = 190 + 55;
    const { window, problem } = inputsOf(on, 300 + t);
    expect(problem).toBeNull();
    // 56 prices are 55 returns.
    for (let c = 0; c < CHANNELS; c++) {
      expect([...window.subarray(c * STEPS, c * STEPS + 8)]).toEqual(new Array(8).fill(0));
    }
    expect(window[8]).not.toBe(0);
    expect(window[STEPS - 1]).not.toBe(window[STEPS - 2]);
  });

  it('with a price that is none is named', () => {
    const on = fullMarket({ seed: 6, instruments: 3, days: 300, gaps: 0 });
    columnOf(on, 'adjusted_close')[200] = 0;
    expect(inputsOf(on, 199).problem).toBeNull();
    expect(inputsOf(on, 230).problem).toBe(
      `the adjusted close of ${formatDay(on.calendar.days[200])} or the row before is no price`,
    );
    expect(inputsOf(on, 290).problem).toBeNull();
  });

  it('with a value that no day can have is named, and no other one is touched', () => {
    const whole = fullMarket({ seed: 6, instruments: 3, days: 300, gaps: 0 });
    const high = columnOf(whole, 'high').slice();
    high[200] = Number.POSITIVE_INFINITY;
    const on = {
      ...withColumns(whole, { high: Float64Array.from(high) }),
      unusable: { high: new Map([[200, 'high is -1']]) },
    };
    expect(inputsOf(on, 199)).toMatchObject({ problem: null });
    for (const t of [200, 262]) {
      expect(inputsOf(on, t).problem).toBe(`prices of ${formatDay(on.calendar.days[200])}: high is -1`);
    }
    expect(inputsOf(on, 263)).toEqual({ ...inputsOf(whole, 263), problem: null });
  });

  it('without volume on a day leaves that day out', () => {
    const on = fullMarket({ seed: 6, instruments: 3, days: 300, gaps: 0 });
    columnOf(on, 'volume')[240] = 0;
    const { window, stats, problem } = inputsOf(on, 250);
    expect(problem).toBeNull();
    expect(window[3 * STEPS + STEPS - 11]).toBe(0);
    expect([...window, ...stats].every(Number.isFinite)).toBe(true);
  });
});
