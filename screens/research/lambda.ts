/** λ over clusters and time, its forecasts against what came, and what runs made of them. */
import { type Answer, answerTo, LAMBDA } from '../../src/console/answers.ts';
import { selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { fitLine, type Line, span } from '../../src/format/lines.ts';
import { formatCount, formatFixed, formatPercent, UNKNOWN } from '../../src/format/numbers.ts';
import { positiveBounds, sparkline } from '../../src/format/spark.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { LambdaBuckets, LambdaForecast, LambdaHeat, LambdaWeightPoint } from '../../src/report/types.ts';
import { agedNote, readAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing, unknown } from '../components/signs.ts';
import { hanging } from '../components/words.ts';

const EMPTY = 'No λ yet: Phase 3 (optional) computes it, prometheus backfill opportunity-density.';
const NO_FORECAST = 'No λ̂ yet: Phase 3 (optional) trains it, prometheus lambda train.';
const NO_RUNS = 'No run has used λ̂ yet: Phase 3 (optional) makes them, and prometheus sweep.';

/** Before the first answer: why there is none, or that it is on its way. */
const unread = ({ problem }: Answer): Line[] => [problem === null ? [span('reading λ …', 'muted')] : unknown(problem)];

/** Cluster × time: a row a cluster, a block a stretch of time, low to high by logs over all clusters. */
export function lambdaHeat(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const answer = answerTo(state, 'lambda', LAMBDA);
  const { value } = answer;
  const title = 'Opportunity density λ';
  if (value === null) return { title, lines: unread(answer) };
  const { heat } = value;
  if (!heat) return { title, note: readAge(state, answer), lines: hanging([], EMPTY, width, 'muted') };
  const bounds = positiveBounds(heat.clusters.map(({ values }) => values));
  const columns: Column<LambdaHeat['clusters'][number]>[] = [
    { title: 'sector', max: 22, cell: (one) => [one.sector] },
    { title: 'class', max: 16, cell: (one) => [span(one.softTargetClass, 'muted')] },
    {
      title: `${heat.first} → ${heat.last}`,
      grow: true,
      max: LAMBDA.columns,
      cell: (one, cells) => [
        span(sparkline(one.values, Math.min(cells, LAMBDA.columns), { ...bounds, ...drawing, log: true }), 'info'),
      ],
    },
    { title: 'last λ', align: 'right', cell: (one) => [formatFixed(one.lastLambda, 3)] },
    { title: 'on', drop: 1, cell: (one) => [span(one.lastDay, 'muted')] },
  ];
  const table = layTable(columns, heat.clusters, width, drawing);
  const words = `${heat.marketId} · look-back ${heat.lookbackDays} days · at least ${heat.minClusterSize} members · states ${heat.stabSource} · ${formatCount(heat.rows)} rows`;
  return {
    title,
    note: agedNote(state, answer, `blocks ${formatFixed(bounds.min, 3)} … ${formatFixed(bounds.max, 3)} by logs`),
    header: table.header,
    lines: [...table.rows, ...hanging([], words, width, 'muted')],
  };
}

/** Forecasts on record against what came: the means of what came should rise with the tenths of λ̂. */
export function forecastTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const answer = answerTo(state, 'lambda', LAMBDA);
  const { value } = answer;
  const title = 'λ̂ against what came';
  const rows = visibleRows(state, 'forecasts');
  if (rows.length === 0) {
    const found = value?.forecasts.length ? 'No experiment matches the filter.' : NO_FORECAST;
    return {
      title,
      note: readAge(state, answer),
      lines: value === null ? unread(answer) : hanging([], found, width, 'muted'),
    };
  }
  const selected = selectedRow(state, 'forecasts');
  const columns: Column<LambdaForecast>[] = [
    {
      title: '  experiment',
      grow: true,
      min: 16,
      cell: (one) => [cursor(one === selected), span(one.experimentId, one === selected ? 'strong' : 'plain')],
    },
    { title: 'trained to', drop: 2, cell: (one) => [one.trainEnd] },
    { title: 'to', drop: 3, cell: (one) => [one.last] },
    { title: 'rows', align: 'right', drop: 1, cell: (one) => [formatCount(one.rows)] },
    { title: 'corr.', align: 'right', cell: (one) => [formatFixed(one.correlation, 3)] },
    {
      title: 'came, by tenths',
      min: 15,
      cell: (one) => [
        span(
          sparkline(
            one.tenths.map(({ realised }) => realised),
            10,
            drawing,
          ),
          'info',
        ),
      ],
    },
  ];
  const table = layTable(columns, rows, width, drawing);
  const trials = value?.trials;
  return {
    title,
    note: agedNote(state, answer, trials ? `${trials.distinct} distinct trials of ${trials.recorded}` : ''),
    header: table.header,
    lines: [...table.rows, ...(selected ? overTime(selected, width, drawing) : [])],
    selectedRow: selectedIndex(state, 'forecasts'),
  };
}

/** λ̂ of an experiment and what came of it, one below the other on one scale, oldest left. */
function overTime({ experimentId, first, last, columns }: LambdaForecast, width: number, drawing: Drawing): Line[] {
  const NAME = 8;
  const hat = columns.map((one) => one.lambdaHat);
  const came = columns.map((one) => one.realised);
  const bounds = positiveBounds([hat, came]);
  const row = (name: string, values: readonly (number | null)[]): Line => [
    // By cells: the hat of λ̂ takes none.
    ...fitLine([span(name, 'muted')], NAME),
    span(sparkline(values, width - NAME, { ...bounds, ...drawing, log: true }), 'info'),
  ];
  return [[], [span(`${experimentId}, means by time, ${first} → ${last}`, 'muted')], row('came', came), row('λ̂', hat)];
}

const basisPoints = (values: readonly (number | null)[]): string =>
  values.map((value) => (value === null ? UNKNOWN : formatFixed(value * 1e4, 1))).join(' / ');

/** Returns of runs by thirds of the λ̂ of their universe, then the newest sweep over its weight. */
export function bucketTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const answer = answerTo(state, 'lambda', LAMBDA);
  const { value } = answer;
  const title = 'Runs with λ̂';
  const note = readAge(state, answer);
  const { buckets = [], weights = [] } = value ?? {};
  if (buckets.length === 0 && weights.length === 0) {
    return { title, note, lines: value === null ? unread(answer) : hanging([], NO_RUNS, width, 'muted') };
  }
  const runs: Column<LambdaBuckets>[] = [
    { title: 'sleeve', grow: true, min: 16, cell: (one) => [one.sleeveId] },
    { title: 'weight', align: 'right', cell: (one) => [one.weight === null ? UNKNOWN : String(one.weight)] },
    {
      title: 'same day low/mid/high',
      align: 'right',
      drop: 1,
      cell: (one) => [span(basisPoints(one.sameDay), 'muted')],
    },
    { title: 'next day bp', align: 'right', cell: (one) => [basisPoints(one.nextDay)] },
  ];
  const sweep: Column<LambdaWeightPoint>[] = [
    { title: 'sleeve', grow: true, min: 16, cell: (one) => [one.sleeveId] },
    { title: 'weight', align: 'right', cell: (one) => [String(one.weight)] },
    { title: 'Sharpe', align: 'right', cell: (one) => [formatFixed(one.sharpe, 3)] },
    { title: 'return', align: 'right', drop: 1, cell: (one) => [formatPercent(one.cumulativeReturn, 2, true)] },
    { title: 'turnover', align: 'right', drop: 2, cell: (one) => [formatPercent(one.turnoverPerDay, 2)] },
  ];
  const section = <Row>(name: string, columns: Column<Row>[], rows: readonly Row[]): Line[] => {
    if (rows.length === 0) return [];
    const table = layTable(columns, rows, width, drawing);
    return [[span(name, 'strong')], table.header, ...table.rows, []];
  };
  return {
    title,
    note,
    lines: [
      ...section('returns by thirds of the days’ λ̂, bp a day (the same day is no forecast)', runs, buckets),
      ...section('newest sweep over the weight of λ̂', sweep, weights),
      ...[...new Set([...buckets, ...weights].map((run) => run.caveat).filter(Boolean))].map(
        (caveat): Line => [span(caveat, 'warn')],
      ),
    ],
  };
}
