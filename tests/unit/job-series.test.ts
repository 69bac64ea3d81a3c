/** The figures of a job over its life: bounded, true to what came, and whole whoever kept them. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { FolderSeries, readJobSeries, SERIES_POINTS, SeriesBook } from '../../src/supervisor/job-series.ts';

const metric = (value: number, t = value, more: object = {}) =>
  `${JSON.stringify({ t, type: 'metric', name: 'equity', value, unit: 'USD', ...more })}\n`;

describe('a book of series', () => {
  it('keeps lowest, highest, last and mean of any stream, in bounded room', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 3000 }),
        fc.integer({ min: 1, max: 500 }),
        (values, points) => {
          const book = new SeriesBook();
          for (const [t, value] of values.entries())
            book.push(t, { source: 'program', name: 'x', unit: 'u', value, at: String(t) });
          const [one] = book.series(points);
          expect(one.t.length).toBeLessThanOrEqual(Math.min(points, SERIES_POINTS));
          expect([Math.min(...one.low), Math.max(...one.high)]).toEqual([Math.min(...values), Math.max(...values)]);
          expect([one.last, one.t.at(-1), one.at?.at(-1)]).toEqual([
            values.at(-1),
            values.length - 1,
            String(values.length - 1),
          ]);
          expect(one.t).toEqual(one.t.toSorted((a, b) => a - b));
          for (const [i, mean] of one.mean.entries()) {
            const from = (one.t[i - 1] ?? -1) + 1;
            const part = values.slice(from, one.t[i] + 1);
            expect(mean).toBeCloseTo(part.reduce((a, b) => a + b) / part.length, 4);
          }
        },
      ),
    );
  });

  it('keeps a figure that never moves exactly as it is, however often points are joined', () => {
    for (const value of [1, 0.1, 1e308]) {
      const book = new SeriesBook();
      for (let t = 0; t < 5 * SERIES_POINTS; t++) book.push(t, { source: 'program', name: 'x', unit: 'u', value });
      for (const points of [7, 60, SERIES_POINTS])
        expect(new Set(book.series(points)[0].mean)).toEqual(new Set([value]));
    }
  });

  it('tells parallel series and sources apart, and counts what it does not keep', () => {
    const book = new SeriesBook();
    book.push(1, { source: 'program', name: 'cpu', unit: 'cores', value: 1 });
    book.push(1, { source: 'process', name: 'cpu', unit: 'cores', value: 2 });
    book.push(1, { source: 'program', name: 'cpu', series: 'a', unit: 'cores', value: Number.NaN });
    expect(book.series().map(({ source, last }) => [source, last])).toEqual([
      ['program', 1],
      ['process', 2],
    ]);
    for (let i = 0; i < 250; i++) book.push(2, { source: 'program', name: `n${i}`, unit: '', value: i });
    expect([book.series().length, book.dropped]).toEqual([200, 52]);
  });
});

describe('series in a job folder', () => {
  let folder: string;
  const events = () => path.join(folder, JobFile.events);
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'prometheus-series-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are whole wherever their writer was killed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 60 }),
        fc.array(fc.constantFrom('write', 'restart', 'half'), { maxLength: 30 }),
        (bursts, acts) => {
          writeFileSync(events(), '');
          rmSync(path.join(folder, JobFile.series), { force: true });
          let recorder = new FolderSeries(folder);
          let next = 0;
          const told: number[] = [];
          for (const [i, burst] of bursts.entries()) {
            for (let k = 0; k < burst; k++) {
              told.push(next);
              appendFileSync(events(), metric(next++));
            }
            const act = acts[i];
            if (act === 'half') {
              const line = metric(next);
              appendFileSync(events(), line.slice(0, 20));
              recorder.read();
              recorder.write();
              appendFileSync(events(), line.slice(20));
              told.push(next++);
            }
            recorder.read();
            if (act === 'write') recorder.write();
            if (act === 'restart') recorder = new FolderSeries(folder);
          }
          const { series } = readJobSeries(folder);
          expect(series[0]?.mean ?? []).toEqual(told);
        },
      ),
    );
  });

  it('pass over what is no metric, and clean what would drive a terminal', () => {
    writeFileSync(
      events(),
      [
        'no json "metric"\n',
        '{"type":"metric","t":1,"name":"x","value":null,"unit":""}\n',
        '{"type":"log","t":1,"level":"info","message":"\\"metric\\""}\n',
        metric(7, 1, { name: 'a\u001b[31mb', series: 'S\n1', at: '2014-01-02' }),
      ].join(''),
    );
    expect(readJobSeries(folder)).toEqual({
      dropped: 0,
      series: [
        {
          ...{ source: 'program', name: 'ab', series: 'S 1', unit: 'USD', last: 7 },
          ...{ t: [1], mean: [7], low: [7], high: [7], at: ['2014-01-02'] },
        },
      ],
    });
  });

  it('of a long job need no more room than of a short one', () => {
    const recorder = new FolderSeries(folder);
    const sizes: number[] = [];
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 4000; i++)
        recorder.book.push(1.7e12 + i, { source: 'process', name: 'cpu', unit: 'cores', value: 0.123456 });
      recorder.write();
      sizes.push(statSync(path.join(folder, JobFile.series)).size);
    }
    expect(Math.max(...sizes)).toBeLessThan(SERIES_POINTS * 80);
  });

  it.each(['', '{', 'null', '{"version":99}'])('a damaged file (%j) costs only what was measured', (text) => {
    writeFileSync(events(), metric(1));
    writeFileSync(path.join(folder, JobFile.series), text);
    expect(readJobSeries(folder).series.map(({ last }) => last)).toEqual([1]);
    const recorder = new FolderSeries(folder);
    recorder.read();
    recorder.write();
    expect(existsSync(path.join(folder, JobFile.series))).toBe(true);
    expect(JSON.parse(readFileSync(path.join(folder, JobFile.series), 'utf8')).events).toBe(metric(1).length);
  });
});
