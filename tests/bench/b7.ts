/** B7: the λ panel over all years and instruments, prices loaded; with states computed from prices, and from given ones. */
import { lambdaPanel } from '../../engines/lambda/model.ts';
import { columnOf, completeRuns } from '../../engines/market/panel.ts';
import { loadPanel } from '../../engines/market/storage.ts';
import { STABILITY_WINDOW, stabilityPanel } from '../../engines/stability/model.ts';
import { parseDay } from '../../src/platform/dates.ts';
import { type Bar, measure } from './harness.ts';
import { openMarket } from './market.ts';

/** The bar is for 15 years of 500 names. */
const BAR_CELLS = 15 * 252 * 500;
const BAR_SECONDS = 3;

export async function run(): Promise<Bar[]> {
  const market = await openMarket();
  try {
    const panel = await loadPanel(market.databases, {
      marketId: 'US_EQ',
      start: parseDay('2010-01-04'),
      end: parseDay(market.end),
      lookback: STABILITY_WINDOW - 1,
      columns: ['close'],
      cacheFolder: null,
    });
    const close = columnOf(panel, 'close');
    const { instruments, first, count } = panel;
    const n = instruments.length;
    const days = panel.calendar.days.length;
    const runs = completeRuns(close, n, days);
    const states = await measure(() => stabilityPanel(close, runs, n, days, first, count));
    const density = await measure(() =>
      lambdaPanel({
        instruments,
        close,
        runs,
        days,
        first,
        count,
        classCode: states.value.classCode,
        lookback: 20,
        minClusterSize: 5,
      }),
    );
    const scale = BAR_CELLS / (n * count);
    process.stderr.write(
      `bench: B7 ${market.what}, ${count} days, ${density.value.day.length} rows; scaled to 15 years of 500 names\n`,
    );
    const bar = { name: 'B7', bar: BAR_SECONDS, unit: 'CPU-s', higherIsBetter: false };
    return [
      { ...bar, what: 'λ panel, states given', figure: density.cpu * scale },
      { ...bar, what: 'λ panel, states computed', figure: (density.cpu + states.cpu) * scale },
    ];
  } finally {
    await market.close();
  }
}
