/** Two marked runs beside each other: first what differs in their making, then figures, trades and what may be concluded. */
import { answerTo } from '../../src/console/answers.ts';
import { comparedRuns } from '../../src/console/backtests.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { commandLine } from '../../src/format/command.ts';
import { contextWords, figureText, intervalText, settingText, tradeText } from '../../src/format/figure.ts';
import { type Line, lineWidth, span } from '../../src/format/lines.ts';
import { formatCount, UNKNOWN } from '../../src/format/numbers.ts';
import type { Tone } from '../../src/format/states.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { ComparedFigure, ComparedTrade, Comparison, Difference, RunComparison } from '../../src/report/types.ts';
import { readAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import type { Drawing } from '../components/signs.ts';
import { CURVE_TONES } from '../components/tones.ts';
import { hanging } from '../components/words.ts';

type Names = Comparison['names'];

/** The comparison of the first two marked runs; without two, how to get one. */
export function comparePane(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const pair = comparedRuns(state);
  if (!pair)
    return {
      title: 'Compare',
      lines: hanging([], 'Mark two runs (Space): what differs between them comes here.', width, 'muted'),
    };
  const [a, b] = pair.map((run) => run.runId);
  const answer = answerTo(state, 'compare', { a, b });
  const title = `Compare ${a.slice(0, 8)} with ${b.slice(0, 8)}`;
  if (answer.value === null) {
    const problem = answer.problem;
    return { title, lines: hanging([], problem ?? 'comparing …', width, problem ? 'warn' : 'muted') };
  }
  const { names, pairs, draws, trials } = answer.value;
  const [compared] = pairs;
  return {
    title,
    note: readAge(state, answer),
    lines: [
      ...headRows(names, compared, width),
      ...differenceRows(names, compared, width, drawing),
      ...hanging([span('verdict   ', 'muted')], compared.verdict, width, compared.beyondNoise ? 'warn' : 'plain'),
      ...(compared.caution === null ? [] : hanging([span('caution   ', 'muted')], compared.caution, width, 'warn')),
      ...figureRows('FIGURES OF THE SHARED DAYS', names, compared.figures, width, drawing),
      ...figureRows('MEANS OVER THE DAYS', names, compared.exposures, width, drawing),
      ...tradeRows(names, compared, width),
      ...figureRows('YEARS', names, compared.years, width, drawing),
      [],
      ...hanging(
        [],
        `intervals: stationary block bootstrap, ${formatCount(draws)} draws; ${formatCount(trials)} distinct runs on record`,
        width,
        'muted',
      ),
      ...hanging([span('with more of both: ', 'muted')], commandLine(['compare', a, b]), width, 'muted'),
    ],
  };
}

/** Which run is A and which is B, as the curves have them, and the days that both have. */
function headRows(names: Names, { a, b, days, first, last }: RunComparison, width: number): Line[] {
  const alone = [days.onlyA, days.onlyB].map((count, i) =>
    count > 0 ? `; only ${names[i]} ${formatCount(count)}` : '',
  );
  return [
    ...[a, b].flatMap((run, i) =>
      hanging(
        [span(names[i].padEnd(10), CURVE_TONES[i], { bold: true })],
        [run.sleeveId, run.backend, `${run.start} → ${run.end}`, contextWords(run), run.caveat]
          .filter(Boolean)
          .join(' · '),
        width,
        run.caveat ? 'warn' : 'plain',
      ),
    ),
    ...hanging(
      [span('days      ', 'muted')],
      `${formatCount(days.shared)} shared, ${first ?? UNKNOWN} → ${last ?? UNKNOWN}${alone.join('')}`,
      width,
      days.onlyA + days.onlyB > 0 ? 'warn' : 'plain',
    ),
  ];
}

/** Cells that both figures and their difference take. */
const FIGURES = 28;

/** Cells that a table of both sides of a difference takes. */
const BESIDE = 90;

/** Origin first, as the comparison has it; then what may be concluded from the difference. */
function differenceRows(names: Names, pair: RunComparison, width: number, drawing: Drawing): Line[] {
  const side = (i: 0 | 1): Column<Difference> => ({
    title: names[i],
    min: 8,
    max: 34,
    cell: (one) => [span(settingText(i === 0 ? one.a : one.b))],
  });
  const what = (one: Difference) => span(one.name, one.cause ? 'strong' : 'muted');
  const table = layTable<Difference>(
    [
      { title: 'kind', cell: (one) => [span(one.cause ? one.kind : 'name', one.cause ? 'warn' : 'muted')] },
      { title: 'what', max: 26, cell: (one) => [what(one)] },
      side(0),
      side(1),
    ],
    pair.differences,
    width,
    drawing,
  );
  // Beside each other both sides would be cut to nothing: there each is told whole, over as many rows as it takes.
  const rows =
    width >= BESIDE
      ? [table.header, ...table.rows]
      : pair.differences.flatMap((one) =>
          hanging([what(one), ' '], `${settingText(one.a)} → ${settingText(one.b)}`, width, 'plain'),
        );
  const tone: Tone = pair.isolates === null ? 'warn' : 'good';
  return [
    heading('WHAT DIFFERS'),
    ...(pair.differences.length === 0 ? [[span('nothing', 'muted')] as Line] : rows),
    ...hanging([span('isolates  ', 'muted')], pair.isolates ?? 'no single cause', width, tone),
    ...hanging([span('          ')], pair.attribution, width, tone),
  ];
}

const heading = (text: string): Line => [span(text, 'accent', { bold: true })];

function figureRows(
  title: string,
  names: Names,
  figures: readonly ComparedFigure[],
  width: number,
  drawing: Drawing,
): Line[] {
  if (figures.length === 0) return [];
  const value = (name: string, of: (one: ComparedFigure) => string, drop = 0): Column<ComparedFigure> => ({
    title: name,
    align: 'right',
    drop,
    cell: (one) => [of(one)],
  });
  const table = layTable<ComparedFigure>(
    [
      // In a narrow pane a name gives way to the figures.
      {
        title: '',
        max: Math.max(12, Math.min(30, width - FIGURES)),
        cell: (one) => [span(one.name.replaceAll('_', ' '), 'muted')],
      },
      value(names[0], (one) => figureText(one.a, one.unit)),
      value(names[1], (one) => figureText(one.b, one.unit)),
      value(`${names[1]} − ${names[0]}`, (one) => figureText(one.difference, one.unit, true)),
      ...(figures.some((one) => one.interval)
        ? [value('interval', (one) => intervalText(one.interval, one.unit), 1)]
        : []),
    ],
    figures,
    width,
    drawing,
  );
  const intervals: Line = table.left.length > 0 ? [span('  z: with intervals', 'muted')] : [];
  const beside: Line = [...heading(title), ...intervals];
  const head = lineWidth(beside) <= width ? [beside] : [heading(title), intervals];
  return [[], ...head, table.header, ...table.rows];
}

/** How the trades differ, from when on, and some of each run alone. */
function tradeRows(names: Names, { trades }: RunComparison, width: number): Line[] {
  const only = (i: 0 | 1, count: number, examples: readonly ComparedTrade[]): Line[] =>
    count === 0
      ? []
      : [
          [span(`only in ${names[i]} (${formatCount(count)})`, CURVE_TONES[i])],
          ...examples.map((trade): Line => ['  ', tradeText(trade)]),
          ...(count > examples.length
            ? [[span(`  … ${formatCount(count - examples.length)} more`, 'muted')] as Line]
            : []),
        ];
  return [
    [],
    heading('TRADES'),
    ...hanging(
      [],
      `same ${formatCount(trades.same)} · changed ${formatCount(trades.changed)} · only ${names[0]} ${formatCount(trades.onlyA)} · only ${names[1]} ${formatCount(trades.onlyB)} · first divergence ${trades.firstDivergence ?? UNKNOWN}`,
      width,
      'plain',
    ),
    ...only(0, trades.onlyA, trades.examplesA),
    ...only(1, trades.onlyB, trades.examplesB),
  ];
}
