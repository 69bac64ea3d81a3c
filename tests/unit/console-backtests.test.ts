import fc from 'fast-check';
import { expect, test } from 'vitest';
import { curvePane } from '../../screens/backtests/curve.ts';
import { figurePane } from '../../screens/backtests/figures.ts';
import { needKey, RUNS } from '../../src/console/answers.ts';
import { byDate, indexed } from '../../src/console/backtests.ts';
import { createConsoleStore } from '../../src/console/store.ts';
import { lineText } from '../../src/format/lines.ts';
import { monthlyReturns } from '../../src/report/returns.ts';
import type { RunDetail } from '../../src/report/types.ts';
import { SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

const run = (days: readonly string[], equity: readonly (number | null)[]) =>
  ({ days, equity, drawdown: equity, exposures: {} }) as unknown as RunDetail;

test('curves are laid over each other by date, not by position; a missing day is a gap', () => {
  const { days, series } = byDate(
    [run(['2014-01-02', '2014-01-03', '2014-01-06'], [1, 2, 3]), run(['2014-01-03', '2014-01-07'], [5, 6])],
    'equity',
  );
  expect(days).toEqual(['2014-01-02', '2014-01-03', '2014-01-06', '2014-01-07']);
  expect(series).toEqual([
    [1, 2, 3, null],
    [null, 5, null, 6],
  ]);
  // 100 on the first day that both have.
  expect(indexed(series)).toEqual({
    common: true,
    series: [
      [50, 100, 150, null],
      [null, 100, null, 120],
    ],
  });
});

test('runs without a common day begin with 100 on their own first day, and the title says so', async () => {
  const runs = [
    run(['2014-01-02', '2014-01-03'], [null, 1e6]),
    run(['2014-02-03', '2014-02-04'], [500, 550]),
    run([], []),
  ];
  const { series } = byDate(runs, 'equity');
  expect(indexed(series)).toEqual({
    common: false,
    series: [
      [null, 100, null, null],
      [null, null, 100, expect.closeTo(110, 9)],
      [null, null, null, null],
    ],
  });
  const rows = await scriptedSupervisor(SNAPSHOT).read('runs', RUNS);
  const known = { at: 0, problem: null };
  const details = runs.slice(0, 2).map((one, i) => ({ ...rows[i], ...one }));
  const marked = { backtests: details.map(({ runId }) => runId) };
  const store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, { screen: 'backtests', marked });
  store.setState({
    answers: {
      [needKey({ name: 'runs', args: RUNS })]: { value: rows, ...known },
      ...Object.fromEntries(
        details.map((value) => [needKey({ name: 'run', args: { id: value.runId } }), { value, ...known }]),
      ),
    },
  });
  const { title, lines } = curvePane(store.getState(), 80, 12, { ascii: false });
  expect(title).toBe('equity, no common day: each run’s first day = 100');
  expect(lines.map(lineText).join('\n')).not.toMatch(/000,000|1,000/);
});

test('months multiply to the whole, whatever days and values are missing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.double({ min: 1, max: 1e7, noNaN: true }), { nil: null }), {
        minLength: 1,
        maxLength: 400,
      }),
      (equity) => {
        const days = equity.map((_, i) => new Date(Date.UTC(2014, 0, 2 + i)).toISOString().slice(0, 10));
        const known = equity.filter((value) => value !== null);
        const months = monthlyReturns(days, equity);
        fc.pre(known.length > 0);
        const product = months.reduce((sum, { value }) => sum * (1 + value), 1);
        expect(product).toBeCloseTo(known.at(-1)! / known[0], 6);
        expect(new Set(months.map(({ month }) => month)).size).toBe(months.length);
      },
    ),
  );
});

test('a month stands on one row with its figure, at any width', async () => {
  const monthly = Array.from({ length: 9 }, (_, i) => ({ month: `2014-0${i + 1}`, value: (i - 4) / 30 }));
  const store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, { screen: 'backtests' });
  const known = { at: 0, problem: null };
  const [first] = await scriptedSupervisor(SNAPSHOT).read('runs', RUNS);
  const detail = { ...first, days: [], equity: [], drawdown: [], exposures: {}, monthly };
  store.setState({
    answers: {
      [needKey({ name: 'runs', args: RUNS })]: { value: [first], ...known },
      [needKey({ name: 'run', args: { id: first.runId } })]: { value: detail, ...known },
    },
  });
  for (let width = 36; width < 120; width += 7) {
    const rows = figurePane(store.getState(), width).lines.map(lineText);
    const months = rows.filter((row) => row.includes('2014-'));
    expect(Math.max(...months.map((row) => row.length))).toBeLessThanOrEqual(width);
    expect(months.join('\n').match(/2014-0\d [+-]?\d+\.\d %/g)).toHaveLength(9);
  }
});
