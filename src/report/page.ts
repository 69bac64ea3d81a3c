/** The report on runs as one HTML page of its own: no script, nothing fetched. Pure. */
import { type FigureUnit, figureText } from '../format/figure.ts';
import { formatCount, formatFixed, formatPercent, UNKNOWN } from '../format/numbers.ts';
import { comparisonSections } from './comparison-page.ts';
import { type Html, html, htmlPage, htmlTable } from './html.ts';
import { rollingSharpe } from './returns.ts';
import { type DatedSeries, dateChart } from './svg.ts';
import type { Comparison, ReportedRun, RunDetail } from './types.ts';

const WINDOW = 63;
const MONTHS = ['01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12'];

/** How a run is called on the page: its sleeve and the beginning of its id. */
const nameOf = (run: RunDetail) => `${run.sleeveId} ${run.runId.slice(0, 8)}`;

/**
 * The page. @param comparison of the two runs, when there are two. @param madeAt ISO date and time of the report.
 */
export function reportPage(
  runs: readonly ReportedRun[],
  comparison: Comparison | null,
  { madeAt, demo }: { readonly madeAt: string; readonly demo: boolean },
): string {
  const title = `Backtest report: ${runs.map(nameOf).join(', ')}`;
  const unfinished = runs.filter((run) => !run.complete);
  return htmlPage(
    title,
    html`${banner(demo || runs.some((run) => run.demo), 'DEMO: synthetic market, not real prices')}
${caveatsOf(runs).map((caveat) => html`<p class="banner">${caveat}</p>`)}
${unfinished.map((run) => html`<p class="banner">${nameOf(run)} has no figures: it did not end</p>`)}
<p><small>made ${madeAt} by prometheus report</small></p>
${comparison ? comparisonSections(comparison) : []}
<h2>Figures and benchmarks</h2>${figureTable(runs)}
<h2>Curves</h2>${curves(runs)}
${runs.map((run) => html`<h2>Monthly returns: ${nameOf(run)}</h2>${monthTable(run)}`)}
<h2>Exposures</h2>${exposureCharts(runs)}
${runs.map((run) => html`<h2>Trades: ${nameOf(run)}</h2>${tradeTable(run)}`)}
<h2>Provenance</h2>${provenanceTable(runs)}`,
  );
}

/** Each caveat once, with the runs that it is of. */
function caveatsOf(runs: readonly ReportedRun[]): string[] {
  const caveats = [...new Set(runs.map((run) => run.caveat).filter(Boolean))];
  return caveats.map((caveat) => {
    const names = runs.filter((run) => run.caveat === caveat).map(nameOf);
    return `${names.join(', ')}: ${caveat}`;
  });
}

const banner = (shown: boolean, text: string): Html[] => (shown ? [html`<p class="banner">${text}</p>`] : []);

function figureTable(runs: readonly ReportedRun[]): Html {
  const row = (name: string, unit: FigureUnit, of: (run: ReportedRun) => number | null) => [
    name,
    ...runs.map((run) => figureText(of(run), unit)),
  ];
  return htmlTable(
    ['', ...runs.map(nameOf)],
    [
      ['first day', ...runs.map((run) => run.start)],
      ['last day', ...runs.map((run) => run.end)],
      ['assessment', ...runs.map((run) => run.backend)],
      row('cumulative return', 'share', (run) => run.cumulativeReturn),
      row('volatility a year', 'share', (run) => run.volatility),
      row('Sharpe ratio a year', 'ratio', (run) => run.sharpe),
      row('max drawdown', 'share', (run) => run.maxDrawdown),
      ['trades', ...runs.map((run) => formatCount(run.trades))],
      row('turnover a day', 'share', (run) => run.turnoverPerDay),
      row('break-even cost, bp', 'bp', (run) => run.breakEvenCostBp),
      row('benchmark: own universe, equal weights', 'share', (run) => run.equalWeightReturn),
      row('benchmark: first universe, bought and held', 'share', (run) => run.buyAndHoldReturn),
      row('active return', 'share', (run) => run.activeReturn),
      row('beta to equal weights', 'ratio', (run) => run.beta),
    ],
  );
}

function curves(runs: readonly ReportedRun[]): Html[] {
  const series = (of: (run: ReportedRun) => readonly (number | null)[]): DatedSeries[] =>
    runs.map((run) => ({ name: nameOf(run), dates: run.days, values: of(run) }));
  const percent = (value: number) => formatPercent(value, Math.abs(value) < 0.1 ? 1 : 0);
  const scaled = (run: ReportedRun) => {
    const base = run.equity.find((value) => value !== null && value > 0);
    return run.equity.map((value) => (value === null || !base ? null : (value / base) * 100));
  };
  return [
    dateChart('Equity, first day = 100', series(scaled), { format: (value) => formatFixed(value, 0) }),
    dateChart(
      'Drawdown',
      series((run) => run.drawdown),
      { format: percent, include: [0] },
    ),
    dateChart(
      `Sharpe ratio a year over ${WINDOW} days`,
      series((run) => rollingSharpe(run.equity, WINDOW)),
      {
        format: (value) => formatFixed(value, 1),
        include: [0],
        lacking: 'too few days',
        empty: `no value to draw: it takes ${WINDOW} daily returns in a row`,
      },
    ),
  ];
}

function monthTable(run: ReportedRun): Html {
  const years = [...new Set(run.monthly.map(({ month }) => month.slice(0, 4)))];
  const of = new Map(run.monthly.map(({ month, value }) => [month, value]));
  return htmlTable(
    ['year', ...MONTHS, 'year'],
    years.map((year) => {
      const months = MONTHS.map((month) => of.get(`${year}-${month}`) ?? null);
      const whole = months.reduce<number>((wealth, value) => wealth * (1 + (value ?? 0)), 1) - 1;
      return [year, ...[...months, whole].map((value) => formatPercent(value, 2, true))];
    }),
  );
}

function exposureCharts(runs: readonly ReportedRun[]): Html[] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.exposures)))].sort();
  if (names.length === 0) return [html`<p>none recorded</p>`];
  return names.map((name) =>
    dateChart(
      name,
      runs.flatMap((run) =>
        run.exposures[name] ? [{ name: nameOf(run), dates: run.days, values: run.exposures[name] }] : [],
      ),
      { format: (value) => formatFixed(value, Math.abs(value) >= 10 ? 0 : 3), include: [0] },
    ),
  );
}

function tradeTable(run: ReportedRun): Html {
  const { trades, rows } = { trades: run.trades, rows: run.lastTrades };
  const said =
    trades !== null && trades > rows.length
      ? `the last ${formatCount(rows.length)} of ${formatCount(trades)}`
      : formatCount(rows.length);
  return html`<p><small>${said}</small></p>${htmlTable(
    ['day', 'side', 'instrument', 'shares', 'price', 'value', 'cause'],
    rows.map(({ date, direction, ticker, size, price, cause }) => [
      date,
      direction,
      ticker,
      formatFixed(size, 2),
      formatFixed(price, 2),
      formatCount(Math.round(size * price)),
      cause ?? '',
    ]),
  )}`;
}

function provenanceTable(runs: readonly ReportedRun[]): Html {
  const keys = [...new Set(runs.flatMap((run) => Object.keys(run.config)))].sort();
  const text = (value: unknown) =>
    value === undefined || value === null ? UNKNOWN : typeof value === 'string' ? value : JSON.stringify(value);
  return htmlTable(
    ['', ...runs.map(nameOf)],
    [
      ['run', ...runs.map((run) => run.runId)],
      ['recorded', ...runs.map((run) => new Date(run.createdAt).toISOString())],
      ['trade list', ...runs.map((run) => run.tradeListHash ?? UNKNOWN)],
      ...keys.map((key) => [key, ...runs.map((run) => text(run.config[key]))]),
    ],
  );
}
