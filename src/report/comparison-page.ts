/** The comparison of two runs, as sections of a page. */
import { contextWords, figureText, intervalText, settingText } from '../format/figure.ts';
import { formatCount, formatFixed, UNKNOWN } from '../format/numbers.ts';
import { type Html, html, htmlTable } from './html.ts';
import type { ComparedFigure, ComparedRun, ComparedTrade, Comparison, RunComparison } from './types.ts';

/** What differs first, then figures, then the verdict in words at the top. */
export function comparisonSections({ names, pairs, coverage, draws, trials, verdict }: Comparison): Html {
  return html`<h2>Comparison</h2><p class="verdict">${verdict}</p>
<p><small>intervals: ${(coverage * 100).toFixed(1)} %, stationary block bootstrap, ${formatCount(draws)} draws; ${trials} distinct runs on record</small></p>
${pairs.map((pair) => pairSections(names, pair))}`;
}

function pairSections([a, b]: readonly [string, string], pair: RunComparison): Html {
  const { trades, days } = pair;
  const table = (title: string, rows: readonly ComparedFigure[]): Html[] =>
    rows.length ? [html`<h3>${title}</h3>`, figureTable([a, b], rows)] : [];
  return html`<p>${a}: ${runText(pair.a)} · ${b}: ${runText(pair.b)} · ${formatCount(days.shared)} shared days, ${pair.first ?? UNKNOWN} … ${pair.last ?? UNKNOWN}</p>
${pair.caution === null ? [] : [html`<p>caution: ${pair.caution}</p>`]}
<h3>What differs</h3>${htmlTable(
    ['', 'kind', a, b],
    pair.differences.map((one) => [one.name, one.cause ? one.kind : 'name', settingText(one.a), settingText(one.b)]),
  )}<p>${pair.attribution}</p>
${table('Figures of the shared days', pair.figures)}
${table(
  'After further costs, bp of traded value',
  pair.costs.flatMap(({ bp, cumulative, sharpe }) => [
    { ...cumulative, name: `${bp} bp: return` },
    { ...sharpe, name: `${bp} bp: Sharpe ratio` },
  ]),
)}
${table('Years', pair.years)}
${table('Means over the days', pair.exposures)}
${table(
  'Mean daily return, bp, by what was known the day before',
  pair.slices.map((one) => ({ ...one, name: `${one.by}: ${one.name} (${one.days} days)` })),
)}
${pair.missing.map((reason) => html`<p><small>not made: ${reason}</small></p>`)}
<h3>Trades against each other</h3><p>same ${formatCount(trades.same)} · changed ${formatCount(trades.changed)} · only ${a} ${formatCount(trades.onlyA)} · only ${b} ${formatCount(trades.onlyB)} · first divergence ${trades.firstDivergence ?? UNKNOWN}</p>
${htmlTable(
  ['day', 'of', 'side', 'instrument', 'shares', 'price'],
  [...rowsOf(a, trades.examplesA), ...rowsOf(b, trades.examplesB)],
)}`;
}

function runText(run: ComparedRun): string {
  const words = contextWords(run);
  return `${run.sleeveId} ${run.runId}${words ? ` (${words})` : ''}`;
}

const rowsOf = (name: string, trades: readonly ComparedTrade[]) =>
  trades.map(({ date, direction, ticker, size, price }) => [
    date,
    `only ${name}`,
    direction,
    ticker,
    formatFixed(size, 2),
    formatFixed(price, 2),
  ]);

const figureTable = ([a, b]: readonly [string, string], rows: readonly ComparedFigure[]): Html =>
  htmlTable(
    ['', a, b, `${b} − ${a}`, 'interval of the difference'],
    rows.map(({ name, unit, a: x, b: y, difference, interval }) => [
      name,
      figureText(x, unit),
      figureText(y, unit),
      figureText(difference, unit, true),
      intervalText(interval, unit),
    ]),
  );
