/** Curves of the marked runs, or of the selected one, over their days. */

import { answerTo } from '../../src/console/answers.ts';
import {
  byDate,
  CURVE_NAMES,
  type Curve,
  curveOf,
  indexed,
  runDetail,
  shownRuns,
} from '../../src/console/backtests.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { chartLegend, lineChart } from '../../src/format/braille.ts';
import { span } from '../../src/format/lines.ts';
import { formatCount, formatFixed, formatPercent } from '../../src/format/numbers.ts';
import type { PaneContent } from '../components/pane.tsx';
import type { Drawing } from '../components/signs.ts';
import { CURVE_TONES } from '../components/tones.ts';
import { hanging } from '../components/words.ts';

/** The chart in `rows` rows; several equity curves begin with 100 on their first common day. */
export function curvePane(state: ConsoleState, width: number, rows: number, drawing: Drawing): PaneContent {
  const shown = shownRuns(state);
  const curve = curveOf(state);
  if (shown.length === 0) return { title: 'Curve', lines: [[span('No run is selected.', 'muted')]] };
  const details = shown.map((run) => runDetail(state, run));
  const title = `${CURVE_NAMES[curve]}${curve === 'equity' && shown.length > 1 ? ', first common day = 100' : ''}`;
  const ready = details.filter((run) => run !== null);
  if (ready.length < shown.length) {
    const problem = shown.map((run) => answerTo(state, 'run', { id: run.runId }).problem).find(Boolean);
    return { title, lines: hanging([], problem ?? 'reading its days …', width, problem ? 'warn' : 'muted') };
  }
  const { days, series } = byDate(ready, curve);
  const drawn = curve === 'equity' && ready.length > 1 ? indexed(series) : series;
  const lines = drawn.map((points, s) => ({ name: nameOf(ready[s], ready), points, tone: CURVE_TONES[s] }));
  const chart = lineChart(lines, {
    width,
    height: Math.max(2, rows - 1),
    ascii: drawing.ascii,
    format: axisOf(curve, ready.length > 1),
    ends: [days[0] ?? '', days.at(-1) ?? ''],
    include: curve === 'drawdown' ? [0] : [],
  });
  return { title, note: [span('M: another curve', 'muted')], lines: [chartLegend(lines, drawing.ascii), ...chart] };
}

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
  if (curve === 'universeSize') return (value) => formatCount(value);
  return several ? (value) => formatFixed(value, 1) : (value) => formatCount(Math.round(value));
}
