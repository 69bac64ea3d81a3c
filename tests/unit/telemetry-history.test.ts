import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downSample, FACTOR, SLOTS, TelemetryHistory } from '../../src/telemetry/history.ts';
import { historyFile, loadHistory, saveHistory } from '../../src/telemetry/history-file.ts';

/** A time at which a coarse slot begins. */
const START = 1_700_000_010_000 - (1_700_000_010_000 % 30_000);
const at = (second: number) => START + second * 1000 + 400;

describe('downSample', () => {
  it('means what is known', () => {
    expect(downSample([1, 3, null, 5, null, null, 8], 2)).toEqual([2, 5, null, 8]);
    expect(downSample([], 3)).toEqual([]);
  });

  it('never leaves the bounds of its points, and knows nothing where they know nothing', () => {
    const points = fc.array(fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true })), { maxLength: 300 });
    fc.assert(
      fc.property(points, fc.integer({ min: 1, max: 40 }), (list, factor) => {
        const means = downSample(list, factor);
        expect(means).toHaveLength(Math.ceil(list.length / factor));
        means.forEach((mean, i) => {
          const known = list.slice(i * factor, (i + 1) * factor).filter((point) => point !== null);
          if (known.length === 0) expect(mean).toBeNull();
          else {
            expect(mean).toBeGreaterThanOrEqual(Math.min(...known) - 1e-6);
            expect(mean).toBeLessThanOrEqual(Math.max(...known) + 1e-6);
          }
        });
      }),
    );
  });
});

describe('TelemetryHistory', () => {
  it('keeps a point a second and leaves gaps where nothing was known', () => {
    const history = new TelemetryHistory();
    history.record(at(0), { cpu: 0.1, gpu: null });
    history.record(at(1), { cpu: 0.2, gpu: 0.9 });
    history.record(at(2), { cpu: null, gpu: 0.8 });
    history.record(at(3), { cpu: 0.4 });
    // One second late: the sample stands for both. Four seconds late: three are a gap.
    history.record(at(5), { cpu: 0.6, gpu: 0.5 });
    history.record(at(9), { cpu: 0.7 });
    expect(history.series()).toEqual({
      cpu: { fine: [0.1, 0.2, null, 0.4, 0.6, 0.6, null, null, null, 0.7], coarse: [] },
      gpu: { fine: [0.9, 0.8, null, 0.5, 0.5, null, null, null, null], coarse: [] },
    });
  });

  it('means 30 seconds once they are over', () => {
    const history = new TelemetryHistory();
    for (let second = 0; second < 65; second++) history.record(at(second), { x: second < 30 ? 1 : second % 2 });
    expect(history.series().x.coarse).toEqual([1, 0.5]);
    history.record(at(155), { x: 7 });
    expect(history.series().x.coarse).toEqual([1, 0.5, 0.4, null, null]);
  });

  it('forgets what is older than its slots, and then the name too', () => {
    const history = new TelemetryHistory();
    history.record(at(0), { old: 1 });
    for (let second = 1; second <= FACTOR * (SLOTS + 2); second += 2) history.record(at(second), { x: 1 });
    const { x, old } = history.series();
    expect([x.fine.length, x.coarse.length, old]).toEqual([SLOTS, SLOTS, undefined]);
  });

  it('begins anew after a clock was set back', () => {
    const history = new TelemetryHistory();
    history.record(at(100), { x: 1 });
    history.record(at(99), { x: 2 });
    expect(history.series().x.fine).toEqual([2]);
    history.record(at(50), { x: 3 });
    history.record(at(51), { x: 4 });
    expect(history.series().x.fine).toEqual([3, 4]);
  });

  it('agrees with a plain list of seconds, whatever the pauses, and across a restart', () => {
    const steps = fc.array(
      fc.record({ wait: fc.integer({ min: 1, max: 400 }), value: fc.option(fc.integer({ min: 0, max: 999 })) }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.nat(60), (list, restartAt) => {
        let history = new TelemetryHistory();
        const seconds: (number | null)[] = [];
        list.forEach(({ wait, value }, i) => {
          const first = seconds.length === 0;
          for (let k = first ? wait : 1; k < wait; k++) seconds.push(wait === 2 ? value : null);
          seconds.push(value);
          history.record(at(seconds.length - 1), { x: value });
          if (i === restartAt) history = TelemetryHistory.restore(JSON.parse(JSON.stringify(history.save())));
        });
        const { fine, coarse } = history.series().x ?? { fine: [], coarse: [] };
        const trim = (points: (number | null)[]) => {
          const from = points.findIndex((point) => point !== null);
          return from < 0 ? [] : points.slice(from);
        };
        expect(fine).toEqual(trim(seconds.slice(-SLOTS)));
        const done = seconds.slice(0, Math.floor((seconds.length - 1) / FACTOR) * FACTOR);
        expect(coarse.length).toBeLessThanOrEqual(SLOTS);
        // A late sample may fill a second of a stretch that was over already: compared where none did.
        if (list.every(({ wait }) => wait !== 2)) expect(coarse).toEqual(trim(downSample(done, FACTOR).slice(-SLOTS)));
      }),
    );
  });
});

describe('the history file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'history-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const recorded = () => {
    const history = new TelemetryHistory();
    for (let second = 0; second < 100; second++) history.record(at(second), { cpu: second / 100 });
    return history;
  };

  it('brings a history back, with a gap for the time between', () => {
    const file = historyFile(folder);
    saveHistory(file, recorded());
    expect(readdirSync(folder)).toEqual(['telemetry.json']);
    const history = loadHistory(file, at(110));
    expect(history.series()).toEqual(recorded().series());
    history.record(at(110), { cpu: 0.5 });
    expect(history.series().cpu.fine.slice(-12)).toEqual([0.99, ...Array(10).fill(null), 0.5]);
  });

  it.each([
    ['nothing', null],
    ['no JSON', '{"version":1,'],
    ['another version', '{"version":2,"slot":1700000000,"series":{}}'],
    ['another shape', '{"version":1,"slot":1700000000,"series":{"cpu":{"fine":["x"],"coarse":[]}}}'],
    [
      'too many points',
      JSON.stringify({ version: 1, slot: 1.7e9, series: { x: { fine: Array(241).fill(1), coarse: [] } } }),
    ],
    ['bytes', '\u0000\u0001\ufffd'],
  ])('takes %s for no history', (_, text) => {
    if (text !== null) writeFileSync(historyFile(folder), text);
    expect(loadHistory(historyFile(folder), at(0)).series()).toEqual({});
  });

  it.each([
    ['older than all its slots', 7300, 0],
    ['from the future', -60, 0],
    ['of today', 7000, 1],
  ])('checks the age: %s', (_, later, names) => {
    saveHistory(historyFile(folder), recorded());
    expect(Object.keys(loadHistory(historyFile(folder), at(99 + later)).series())).toHaveLength(names);
  });

  it('keeps the old file when the disk refuses', () => {
    const file = path.join(folder, 'missing', 'telemetry.json');
    expect(() => saveHistory(file, recorded())).toThrow(/ENOENT/);
    saveHistory(historyFile(folder), recorded());
    const before = readFileSync(historyFile(folder), 'utf8');
    saveHistory(historyFile(folder), new TelemetryHistory());
    expect(readFileSync(historyFile(folder), 'utf8')).toBe(before);
  });
});
