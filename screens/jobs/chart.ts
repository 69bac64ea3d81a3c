/** The picked figure of the selected job over its life, with its parallel series over each other. */
import { answerTo, drawnOf } from '../../src/console/answers.ts';
import { selectedRow } from '../../src/console/lists.ts';
import { selectedJob } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAge } from '../../src/format/age.ts';
import { type ChartSeries, chartLegend, lineChart } from '../../src/format/braille.ts';
import { type Line, lineWidth, type Packed, packLine, span } from '../../src/format/lines.ts';
import { measureText, measureValue } from '../../src/format/measure.ts';
import { distinct } from '../../src/format/names.ts';
import { sparkline } from '../../src/format/spark.ts';
import { timeLabel, timeTicks } from '../../src/format/time-axis.ts';
import type { KeptSeries } from '../../src/supervisor/reads.ts';
import type { PaneContent } from '../components/pane.tsx';
import type { Drawing } from '../components/signs.ts';
import { CURVE_TONES } from '../components/tones.ts';
import { hanging } from '../components/words.ts';

/** Below this many rows there is a line of blocks instead of a chart. */
const CHART_FROM = 5;

/** The chart in `rows` rows of `width` cells. */
export function chartPane(state: ConsoleState, width: number, rows: number, drawing: Drawing): PaneContent {
  const job = selectedJob(state);
  const picked = selectedRow(state, 'metrics');
  const note = [span('M: another', 'muted')];
  if (!job || !picked) return { title: 'Chart', lines: [[span('No figure is picked.', 'muted')]] };
  const title = nameOf(picked);
  const { value, problem } = answerTo(state, 'jobSeries', drawnOf(job, picked.name));
  const whole = value?.series.filter((one) => one.source === picked.source && one.unit === picked.unit) ?? [];
  const one = whole.find(({ series }) => series === picked.series);
  if (!one) {
    const lines: Line[] = problem
      ? hanging([span('? ', 'warn')], problem, width, 'warn')
      : [[span('reading its points …', 'muted')]];
    return { title, note, lines };
  }
  const figures = statistics(one, state.snapshot.at);
  const stats = packLine(figures, width);
  if (rows < CHART_FROM) {
    const spark: Line = [span(sparkline(one.mean, Math.min(width, 60), drawing), 'info')];
    return {
      title,
      note,
      lines: rows < 2 ? [packLine([...figures, { line: spark, rank: figures.length + 1 }], width)] : [stats, spark],
    };
  }
  const { drawn, more } = together(whole, one);
  const from = Math.min(...drawn.map(({ at }) => at![0]));
  const to = Math.max(...drawn.map(({ at }) => at![at!.length - 1]));
  const others: Line = more > 0 ? [span(`   and ${more} more`, 'muted')] : [];
  const legend = drawn.length > 1 ? [[...chartLegend(drawn, width - lineWidth(others), drawing.ascii), ...others]] : [];
  const heads = [stats, ...legend];
  const end = (t: number, date: string | null | undefined) => `${timeLabel(t, to - from)}${date ? ` (${date})` : ''}`;
  const chart = lineChart(drawn, {
    width,
    height: rows - heads.length,
    ascii: drawing.ascii,
    format: (value) => measureValue(value, one.unit),
    ends: [end(from, one.at?.[0]), end(to, one.at?.at(-1))],
    ticks: timeTicks(from, to, width),
    include: one.unit === 'share' ? [0] : [],
  });
  return { title, note, lines: [...heads, ...chart] };
}

const nameOf = ({ name, series, source }: KeptSeries): string =>
  `${name}${source === 'process' ? ' of its processes' : series ? ` · ${series}` : ''}`;

/** The picked series and its parallel ones, as many as can be told apart; each keeps its tone whichever is picked. */
function together(whole: readonly KeptSeries[], picked: KeptSeries): { drawn: ChartSeries[]; more: number } {
  const most = CURVE_TONES.length;
  const first = Math.max(0, Math.min(whole.indexOf(picked), whole.length - most));
  const shown = whole.length > most ? whole.slice(first, first + most) : whole;
  const short = distinct(shown.map(({ series }) => series));
  const drawn = shown.map(
    (one): ChartSeries => ({
      name: short(one.series) || one.name,
      points: one.mean,
      at: one.t,
      tone: CURVE_TONES[whole.indexOf(one) % most],
    }),
  );
  return { drawn, more: whole.length - shown.length };
}

/** Last value with its age, bounds and middle. */
function statistics(one: KeptSeries, now: number): Packed[] {
  const sorted = one.mean.toSorted((a, b) => a - b);
  const text = (value: number) => measureText(value, one.unit);
  const figure = (name: string, value: string, rank: number): Packed => ({
    line: [span(`${name} `, 'muted'), span(value, rank === 1 ? 'strong' : 'plain')],
    rank,
  });
  return [
    figure('last', text(one.last), 1),
    figure('age', formatAge(now - one.t[one.t.length - 1]), 2),
    figure('lowest', text(Math.min(...one.low)), 3),
    figure('median ≈', text(sorted[Math.floor(sorted.length / 2)]), 5),
    figure('highest', text(Math.max(...one.high)), 4),
  ];
}
