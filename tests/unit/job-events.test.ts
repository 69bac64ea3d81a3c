import { describe, expect, it } from 'vitest';
import { EventDigest, MetricBook, parseEvent } from '../../src/supervisor/job-events.ts';

const event = (fields: object) => parseEvent(JSON.stringify({ t: 1, ...fields }))!;

describe('parseEvent', () => {
  it('takes what a program reports, without anything that drives a terminal', () => {
    expect(event({ type: 'log', level: 'warn', message: 'a\x1b[31mb\nc' })).toEqual({
      t: 1,
      type: 'log',
      level: 'warn',
      message: 'ab c',
    });
    expect(
      event({ type: 'result', status: 'done', summary: 'ok', rows: { 'runtime.backtest_runs': 3 } }),
    ).toMatchObject({
      rows: { 'runtime.backtest_runs': 3 },
    });
  });

  it.each([
    ['half a line', '{"t":1,"type":"stage","na'],
    ['no JSON', 'Traceback (most recent call last):'],
    ['an unknown type', '{"t":1,"type":"party"}'],
    ['a metric that is not a number', '{"t":1,"type":"metric","name":"x","value":null,"unit":""}'],
    ['no time', '{"type":"stage","name":"x"}'],
    ['null', 'null'],
    ['nothing', ''],
  ])('leaves out %s', (_what, line) => expect(parseEvent(line)).toBeNull());
});

describe('EventDigest', () => {
  it('tells stage, progress over parallel bars, and the result', () => {
    const digest = new EventDigest();
    expect([digest.stage, digest.progress(0), digest.summary]).toEqual([null, null, null]);
    digest.push(event({ type: 'stage', name: 'simulate', index: 2, of: 3 }));
    digest.push(event({ type: 'progress', done: 10, total: 61, unit: 'days', label: 'H5' }));
    digest.push(event({ type: 'progress', done: 5, total: 61, unit: 'days', label: 'H21' }));
    digest.push(event({ type: 'progress', done: 20, total: 61, unit: 'days', label: 'H5' }));
    expect(digest.stage).toBe('simulate (2/3)');
    expect(digest.progress(0)).toMatchObject({ done: 25, total: 122, unit: 'days' });
    digest.push(event({ type: 'progress', done: 1, total: null, unit: 'days', label: 'H63' }));
    expect(digest.progress(0)).toMatchObject({ done: 26, total: null, unit: 'days', eta: null });
    digest.push(event({ type: 'stage', name: 'write' }));
    expect([digest.stage, digest.progress(0)]).toEqual(['write', null]);
    digest.push(event({ type: 'result', status: 'done', summary: '3 runs' }));
    expect(digest.summary).toBe('3 runs');
  });

  it('takes the pace of parallel bars together, from the reports of the present stage', () => {
    const digest = new EventDigest();
    const report = (t: number, done: number, label: string) =>
      digest.push({ type: 'progress', t, done, total: 100, unit: 'days', label });
    for (let i = 0; i < 20; i++) report(i * 1000, i, i % 2 ? 'a' : 'b');
    const progress = digest.progress(19_000)!;
    expect(progress.rate).toBeCloseTo(2, 0);
    expect(progress.eta!.seconds).toBeCloseTo((200 - 37) / progress.rate!);
    expect(digest.progress(null)!.eta).toBeNull();
    digest.push({ type: 'stage', t: 20_000, name: 'write' });
    report(20_000, 1, 'a');
    expect(digest.progress(20_000)!.rate).toBeNull();
  });
});

describe('MetricBook', () => {
  const push = (book: MetricBook, name: string, value: number, series?: string) => {
    const parsed = event({ type: 'metric', name, value, unit: '$', ...(series ? { series } : {}) });
    if (parsed.type === 'metric') book.push(parsed);
  };

  it('keeps the last 240 points of each series', () => {
    const book = new MetricBook();
    for (let i = 0; i < 1000; i++) {
      push(book, 'equity', i, 'H5');
      push(book, 'equity', -i, 'H21');
    }
    const [h5, h21] = book.takeChanged();
    expect(h5).toMatchObject({ name: 'equity', series: 'H5', unit: '$', last: 999 });
    expect(h5.points).toEqual(Array.from({ length: 240 }, (_, i) => 760 + i));
    expect(h21.points[0]).toBe(-760);
    // Told once; then only what got a point.
    expect(book.takeChanged()).toEqual([]);
    push(book, 'equity', 1, 'H21');
    expect(book.takeChanged()).toMatchObject([{ series: 'H21', last: 1 }]);
  });

  it('bounds the number of series', () => {
    const book = new MetricBook();
    for (let i = 0; i < 500; i++) push(book, `m${i}`, i);
    expect(book.takeChanged().map((one) => one.name)).toEqual(Array.from({ length: 200 }, (_, i) => `m${300 + i}`));
  });
});
