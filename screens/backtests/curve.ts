/** Curves of the marked runs, or of the selected one, over their days. */

import { type Answer, answerTo } from '../../src/console/answers.ts';
import {
  byDate,
  type Curve,
  curveCursor,
  curveName,
  curveOf,
  indexed,
  runDetail,
  shownRuns,
} from '../../src/console/backtests.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { chartLegend, lineChart } from '../../src/format/braille.ts';
import { type Line, packLine, span } from '../../src/format/lines.ts';
import { formatCount, formatFixed, formatPercent, UNKNOWN } from '../../src/format/numbers.ts';
import { agedNote } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import type { Drawing } from '../components/signs.ts';
import { CURVE_TONES } from '../components/tones.ts';
import { hanging } from '../components/words.ts';

/** The chart in `rows` rows; several equity curves begin with 100 on their first common day, or each on its own. */
export function curvePane(state: ConsoleState, width: number, rows: number, drawing: Drawing): PaneContent {
  const shown = shownRuns(state);
  const curve = curveOf(state);
  if (shown.length === 0) return { title: 'Curve', lines: [[span('No run is selected.', 'muted')]] };
  const details = shown.map((run) => runDetail(state, run));
  const name = curveName(curve);
  const ready = details.filter((run) => run !== null);
  if (ready.length < shown.length) {
    const problem = shown.map((run) => answerTo(state, 'run', { id: run.runId }).problem).find(Boolean);
    return { title: name, lines: hanging([], problem ?? 'reading its days …', width, problem ? 'warn' : 'muted') };
  }
  const { days, series } = byDate(ready, curve);
  const based = curve === 'equity' && ready.length > 1 ? indexed(series) : null;
  const drawn = based?.series ?? series;
  const base = based?.common ? ', first common day = 100' : ', no common day: each run’s first day = 100';
  const lines = drawn.map((points, s) => ({ name: nameOf(ready[s], ready), points, tone: CURVE_TONES[s] }));
  const format = axisOf(curve, ready.length > 1);
  const at = curveCursor(state, days.length);
  const reading: Line[] =
    at === null
      ? []
      : [
          packLine(
            [
              { line: [span(days[at], 'strong')], rank: 1 },
              ...drawn.map((points, s) => ({
                line: [span(points[at] === null ? UNKNOWN : format(points[at]), lines[s].tone)],
                rank: 2 + s,
              })),
            ],
            width,
            3,
          ),
        ];
  const chart = lineChart(lines, {
    width,
    height: Math.max(2, rows - 1 - reading.length),
    ascii: drawing.ascii,
    format,
    ticks: at === null ? [] : [{ share: days.length > 1 ? at / (days.length - 1) : 0, label: `▴${days[at]}` }],
    ends: [days[0] ?? '', days.at(-1) ?? ''],
    include: curve === 'drawdown' ? [0] : [],
  });
  return {
    title: based ? `${name}${base}` : name,
    note: agedNote(state, oldest(state, shown), 'M: another curve'),
    lines: [chartLegend(lines, width, drawing.ascii), ...reading, ...chart],
  };
}

/** Of what is drawn, what was read first. */
const oldest = (state: ConsoleState, runs: readonly { runId: string }[]): Answer =>
  runs
    .map(({ runId }) => answerTo(state, 'run', { id: runId }))
    .reduce((first, one) => ((one.at ?? 0) < (first.at ?? 0) ? one : first));

/** The sleeve, and the run where several of the same sleeve are drawn. */
function nameOf(
  run: { sleeveId: string; runId: string; backend: string },
  all: readonly { sleeveId: string }[],
): string {
  const same = all.filter(({ sleeveId }) => sleeveId === run.sleeveId).length > 1;
  return `${run.sleeveId}${run.backend === 'basic' ? '' : ` ${run.backend}`}${same ? ` ${run.runId.slice(0, 8)}` : ''}`;
}

function axisOf(curve: Curve, several: boolean): (value: number) => string {
  if (curve === 'drawdown') return (value) => formatPercent(value, 1);
  if (typeof curve !== 'string')
    return (value) => (Number.isInteger(value) ? formatCount(value) : formatFixed(value, 3));
  return several ? (value) => formatFixed(value, 1) : (value) => formatCount(Math.round(value));
}
