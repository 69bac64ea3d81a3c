/** Comparison of runs: what differs, shared days, figures, slices, verdicts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cautionOf,
  costsOf,
  figuresOf,
  type RunSeries,
  sharedDays,
  slicesBy,
  thirds,
  unequalThirds,
  verdictOf,
  yearsOf,
} from '../../engines/compare/model.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { Random } from '../../src/platform/random.ts';
import { attribute, type Config, differencesOf } from '../../src/platform/run-differences.ts';

const CONFIG: Config = {
  sleeve_id: 'S_H21',
  assessment_backend: 'basic',
  assessment_horizon_days: 21,
  fill: 'close',
  git_sha: 'abc',
  git_dirty: false,
  build: 'b1',
  data_fingerprint: 'd1',
  start_date: '2014-01-02',
  end_date: '2014-03-31',
  campaign_id: 'c1',
};
const CONTEXT = { assessment_backend: 'context', assessment_context_model_id: 'm', sleeve_id: 'S_H21_CTX' };
const judge = (b: Config, a: Config = CONFIG) => attribute(a, b, differencesOf(a, b));

describe('what differs', () => {
  it.each([
    ['nothing', {}, null, /^Nothing differs/],
    ['names only', { campaign_id: 'c2', sleeve_id: 'x' }, null, /^Nothing differs/],
    ['the backend and its model', CONTEXT, 'assessment', /only assessment differs/],
    ['code', { git_sha: 'def', build: 'b2' }, 'code', /only code differs/],
    ['the commit of the same build', { git_sha: 'def', git_dirty: true }, null, /^Nothing differs/],
    ['data', { data_fingerprint: 'd2' }, 'data', /only data differs/],
    ['code and data', { git_sha: 'def', build: 'b2', data_fingerprint: 'd2' }, null, /code and data differ/],
    [
      'another fill, which reads other prices',
      { fill: 'next_open', data_fingerprint: 'd2' },
      null,
      /whether data is the same; fill/,
    ],
    ['another fill over equal prices', { fill: 'next_open' }, 'fill', /only fill differs/],
    ['backend and fill', { ...CONTEXT, fill: 'next_open' }, null, /Not attributable.*assessment/],
    ['code unknown', { ...CONTEXT, build: null, git_sha: null }, null, /not known whether code is the same/],
    ['uncommitted files', { build: null, git_dirty: true }, null, /not known whether code/],
    ['data unknown', { ...CONTEXT, data_fingerprint: null }, null, /not known whether data is the same/],
  ])('%s', (_, change, isolates, sentence) => {
    const found = judge({ ...CONFIG, ...change });
    expect(found.isolates).toBe(isolates);
    expect(found.sentence).toMatch(sentence);
  });

  it('puts the origin before choices, and choices before names', () => {
    const found = differencesOf(CONFIG, { ...CONFIG, ...CONTEXT, build: 'b2', data_fingerprint: 'd2', end_date: 'x' });
    expect(found.map(({ kind, cause }) => (cause ? kind : 'name'))).toEqual([
      'code',
      'data',
      'period',
      'config',
      'config',
      'name',
    ]);
  });

  it('takes a run that names no backend for a basic one', () => {
    const { assessment_backend: _, ...other } = CONFIG;
    expect(differencesOf(CONFIG, other)).toEqual([]);
  });
});

const run = (equity: readonly number[], from = 16000, traded: readonly number[] = []): RunSeries => {
  const dates = equity.map((_, k) => formatDay(from + k));
  return {
    dates,
    equity,
    exposures: equity.map(() => ({})),
    traded: new Map(dates.map((d, k) => [d, traded[k] ?? 0])),
  };
};
const walk = (seed: number, n: number, drift = 0): number[] => {
  const random = new Random(seed);
  const equity = [100];
  for (let k = 1; k < n; k++) equity.push(equity[k - 1] * (1 + drift + (random.uniform() - 0.5) / 50));
  return equity;
};
const bootstrap = (draws = 300) => {
  const random = new Random(3);
  return { draws, coverage: 0.95, uniform: () => random.uniform() };
};
const TRIALS = { distinct: 4, sharpes: [0.1, 0.5, 0.9, 0.2] };
const figure = (figures: readonly { name: string }[], name: string) => figures.find((one) => one.name === name)!;

describe('shared days', () => {
  it('are those of both runs by date, whatever is missing where', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ a: fc.boolean(), b: fc.boolean(), bad: fc.constantFrom(1, 1, 1, Number.NaN, 0) }), {
          maxLength: 60,
        }),
        (days) => {
          const pick = (side: 'a' | 'b'): RunSeries => {
            const own = days.map((day, k) => ({ ...day, k })).filter((day) => day[side]);
            return {
              dates: own.map(({ k }) => formatDay(16000 + k)),
              equity: own.map(({ k, bad }) => (100 + k) * (side === 'a' ? bad : 1)),
              exposures: own.map(() => ({})),
              traded: new Map(),
            };
          };
          const shared = sharedDays(pick('a'), pick('b'));
          const expected = days.flatMap((day, k) => (day.a && day.b && day.bad === 1 ? [k] : []));
          expect(shared.dates).toEqual(expected.map((k) => formatDay(16000 + k)));
          expect([...shared.returns[0]]).toEqual([...shared.returns[1]]);
          shared.returns[0].forEach((value, i) => {
            expect(value).toBeCloseTo((100 + expected[i + 1]) / (100 + expected[i]) - 1, 12);
          });
        },
      ),
    );
  });
});

describe('figures', () => {
  it('of a run against itself differ by nothing, with an interval of nothing', () => {
    const equity = walk(1, 300);
    for (const one of figuresOf(sharedDays(run(equity), run(equity)), bootstrap(), TRIALS)) {
      expect(one.difference).toBe(0);
      if (one.interval) expect(one.interval).toEqual([0, 0]);
    }
  });

  it('are those of the equity, and their intervals hold them', () => {
    const [a, b] = [walk(1, 400), walk(2, 400)];
    const figures = figuresOf(sharedDays(run(a), run(b)), bootstrap(), TRIALS);
    expect(figure(figures, 'cumulative return')).toMatchObject({ a: expect.closeTo(a[399] / 100 - 1, 10) });
    const sharpe = figures.find(({ name }) => name.startsWith('Sharpe'))!;
    expect(sharpe.difference).toBeCloseTo(sharpe.b! - sharpe.a!, 12);
    expect(sharpe.interval![0]).toBeLessThan(sharpe.difference!);
    expect(sharpe.interval![1]).toBeGreaterThan(sharpe.difference!);
    const [lucky, deflated] = ['P(Sharpe > 0)', 'deflated Sharpe ratio'].map(
      (name) => figures.find((f) => f.name === name)!,
    );
    expect(deflated.a!).toBeLessThan(lucky.a!);
  });

  it('of a flat equity leave its Sharpe ratio unknown; no shared day leaves all unknown', () => {
    const flat = figuresOf(sharedDays(run(new Array(50).fill(100)), run(walk(1, 50))), bootstrap(), TRIALS);
    const sharpe = flat.find(({ name }) => name.startsWith('Sharpe'))!;
    expect(sharpe).toMatchObject({ a: null, difference: null, interval: null });
    const none = figuresOf(sharedDays(run([1, 2], 16000), run([1, 2], 17000)), bootstrap(), TRIALS);
    expect(none.map(({ a, b, difference }) => [a, b, difference])).toEqual(none.map(() => [null, null, null]));
    expect(verdictOf(['A', 'B'], none, { shared: 0, sameTrades: false, coverage: 0.95 }).verdict).toMatch(
      /^No verdict/,
    );
  });
});

describe('the verdict', () => {
  const verdict = (a: number[], b: number[], sameTrades = false) =>
    verdictOf(['basic', 'context'], figuresOf(sharedDays(run(a), run(b)), bootstrap(), TRIALS), {
      shared: a.length,
      sameTrades,
      coverage: 0.95,
    });
  it('sees no evidence in two walks of chance', () => {
    expect(verdict(walk(1, 500), walk(2, 500))).toMatchObject({
      beyondNoise: false,
      verdict: expect.stringMatching(/^No evidence that context differs from basic \(difference of Sharpe ratios/),
    });
  });
  it('sees a drift, either way', () => {
    expect(verdict(walk(1, 500), walk(1, 500, 0.002)).verdict).toMatch(
      /^context is better than basic by more than noise/,
    );
    expect(verdict(walk(1, 500, 0.002), walk(1, 500)).verdict).toMatch(/^context is worse/);
  });
  it('is none over fewer than 63 shared days, whatever their interval', () => {
    const drift = (days: number) => verdict(walk(1, days), walk(1, days, 0.002));
    expect(drift(62)).toEqual({
      beyondNoise: false,
      verdict: 'No verdict on context against basic: 62 shared days are too few (63 are asked for).',
    });
    expect(drift(63)).toMatchObject({ beyondNoise: true, verdict: expect.stringContaining('by more than noise') });
    expect(cautionOf(0)).toBeNull();
    expect([cautionOf(62), cautionOf(63)]).toEqual([
      expect.stringContaining('over 62 shared days are too narrow'),
      null,
    ]);
  });
  it('says that the trades are the same', () => {
    expect(verdict(walk(1, 50), walk(1, 50), true).verdict).toBe('basic and context made the same trades.');
  });
});

describe('costs, years and slices', () => {
  it('a cost takes its share of what was traded, day by day', () => {
    const shared = sharedDays(run([100, 110, 121], 16000, [50, 22, 11]), run([100, 110, 121]));
    const { cumulative } = costsOf(shared).find(({ bp }) => bp === 50)!;
    expect(cumulative.a).toBeCloseTo((1.1 - 0.005 * 0.22) * (1.1 - 0.005 * 0.1) - 1, 12);
    expect(cumulative.b).toBeCloseTo(0.21, 12);
  });
  it('years compound to the whole', () => {
    const shared = sharedDays(run(walk(5, 900)), run(walk(6, 900)));
    const whole = yearsOf(shared).reduce((wealth, year) => wealth * (1 + year.a!), 1);
    expect(whole).toBeCloseTo(walk(5, 900)[899] / 100, 10);
    expect(yearsOf(shared).reduce((sum, year) => sum + year.days, 0)).toBe(899);
  });
  it('a day’s label tells the return after it, never its own', () => {
    const shared = sharedDays(run([100, 110, 110, 121]), run([100, 100, 100, 100]));
    const slices = slicesBy('x', shared, ['up', 'flat', 'up', 'last'], ['up', 'flat', 'last'], bootstrap());
    expect(slices.map(({ name, days, a }) => [name, days, Math.round(a!)])).toEqual([
      ['up', 2, 1000],
      ['flat', 1, 0],
    ]);
  });
  it('thirds split what differs, and nothing else', () => {
    expect(thirds([1, 2, 3, null, 4, 5, 6]).labels).toEqual([
      'low third',
      'low third',
      'middle third',
      null,
      'middle third',
      'high third',
      'high third',
    ]);
    const unequal = (values: number[]) => {
      const { labels, order } = thirds(values);
      return unequalThirds(labels, order);
    };
    expect(unequal([1, 2, 3, 4, 5, 6, 7])).toBe('');
    expect(unequal([1, 1, 1, 1, 1, 1, 2, 3])).toBe('not of equal size: days of equal values stand together');
    expect(thirds([1, 1, 1, 1]).order).toEqual([]);
    expect(thirds([null, null]).order).toEqual([]);
  });
});
